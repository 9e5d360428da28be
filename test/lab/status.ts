/**
 * What a lab looks like right now.
 * @module
 */
import { daemonProcess } from './daemon.ts';
import { poweredProcess } from './node-namespace.ts';
import type { LabRecord } from './state.ts';
import { addressOf } from './topology.ts';

export interface NodeStatus {
  readonly name: string;
  readonly power: 'on' | 'off';
  /** Pid inside the node, undefined while it does not run. */
  readonly daemon: number | undefined;
  readonly cluster: string;
  readonly upstream: string;
}

/** @throws what reading the machine's files throws */
export async function labStatus(record: LabRecord): Promise<NodeStatus[]> {
  const lab = record.topology.name;
  return Promise.all(
    record.topology.nodes.map(async (node) => {
      const isOn = (await poweredProcess(lab, node)) !== undefined;
      return {
        name: node.name,
        power: isOn ? ('on' as const) : ('off' as const),
        daemon: isOn ? await daemonProcess(record, node.name) : undefined,
        cluster: addressOf(node, 'cluster'),
        upstream: addressOf(node, 'upstream'),
      };
    }),
  );
}
