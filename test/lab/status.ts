/**
 * What a lab looks like right now.
 * @module
 */
import { daemonProcess } from './daemon.ts';
import { pulledPorts } from './links.ts';
import { poweredProcess } from './node-namespace.ts';
import { silentCuts } from './silent-cut.ts';
import type { LabRecord } from './state.ts';
import { addressOf, cableNames, type NodePlan, portName } from './topology.ts';

export interface NodeStatus {
  readonly name: string;
  readonly power: 'on' | 'off';
  /** Pid inside the node, undefined while it does not run. */
  readonly daemon: number | undefined;
  readonly cluster: string;
  readonly upstream: string;
  /** What is cut, in words: `storage`, `cluster silently`, `bmc silently out`. */
  readonly cut: readonly string[];
}

/** @throws what reading the machine's files throws */
export async function labStatus(record: LabRecord): Promise<NodeStatus[]> {
  const lab = record.topology.name;
  const [pulled, silent] = await Promise.all([pulledPorts(lab), silentCuts(lab)]);
  const cutsOf = (node: NodePlan): string[] =>
    cableNames.flatMap((cable) => {
      const port = portName(node, cable);
      const directions = silent(port);
      return [
        ...(pulled.has(port) ? [cable] : []),
        ...(directions.length === 0 ? [] : [`${cable} silently${directions.length === 2 ? '' : ` ${directions[0]}`}`]),
      ];
    });
  return Promise.all(
    record.topology.nodes.map(async (node) => {
      const isOn = (await poweredProcess(lab, node)) !== undefined;
      return {
        name: node.name,
        power: isOn ? ('on' as const) : ('off' as const),
        daemon: isOn ? await daemonProcess(record, node.name) : undefined,
        cluster: addressOf(node, 'cluster'),
        upstream: addressOf(node, 'upstream'),
        cut: cutsOf(node),
      };
    }),
  );
}
