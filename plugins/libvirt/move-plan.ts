/** Whether a guest can be moved from one node to another, and how: every reason against it. Pure. @module */
import { TextMemo } from '../../core/plugin/api.ts';
import { type VmDetail, viewDomain } from './domain/view.ts';
import { functionCards, functionPools } from './functions.ts';
import type { VmDoc } from './guest-control.ts';
import type { NodeDoc } from './ledger.ts';
import type { VmSpec } from './schema.ts';
import { isRunning } from './vm-kind.ts';

export interface MoveObjections {
  /** Against any move. */
  readonly any: readonly string[];
  /** Against moving it while it runs. */
  readonly live: readonly string[];
}

/** Directories that a node says are the same on every node (`plugins.libvirt.sharedPaths`). */
const sharedPaths = (node: NodeDoc | undefined): string[] =>
  String(node?.status?.facts['libvirt']?.['shared paths'] ?? '')
    .split(':')
    .filter((path) => path !== '');

const accelerator = (node: NodeDoc): string => String(node.status?.facts['libvirt']?.['accelerator'] ?? 'unknown');

const hostCpuModes = new Set(['host-passthrough', 'host-model', 'maximum']);

/** Definitions that were read already: a plan for many guests asks of each for every node. */
const views = new TextMemo<VmDetail>(2 ** 20);

const viewOf = ({ definition }: VmSpec): VmDetail => views.get(definition, viewDomain);

/** How a guest is moved; `auto` is live where that is possible. */
export type MoveMethod = VmSpec['migration']['method'];

/** Types of `<interface>` that are a device of the node: left in the definition, for PVC manages none of them. */
const deviceCards = new Set(['hostdev', 'vdpa']);

/** What ties a guest to the node: files and devices of it. @param shared directories that are the same on other nodes */
export function tiesOf(spec: VmSpec, where: string, shared: readonly string[]): string[] {
  const view = viewOf(spec);
  const isShared = (path: string): boolean => shared.some((directory) => path.startsWith(`${directory}/`));
  const ties: string[] = [];
  for (const disk of spec.disks)
    if ((disk.source.type === 'file' || disk.source.type === 'block') && !isShared(disk.source.path))
      ties.push(`its disk ${disk.target} is a file of ${where}: ${disk.source.path}`);
  for (const path of [view.kernel?.path, view.kernel?.initrd])
    if (path !== undefined && path !== null && !isShared(path)) ties.push(`it starts from a file of ${where}: ${path}`);
  for (const device of view.hostdevs) ties.push(`it has a device of ${where}: ${device.type} ${device.source}`);
  for (const { type, source } of view.networks)
    if (deviceCards.has(type)) ties.push(`it has a device of ${where}: network card ${source ?? 'without an address'}`);
  return ties;
}

export function moveObjections(guest: VmDoc, source: NodeDoc | undefined, target: NodeDoc): MoveObjections {
  const view = viewOf(guest.spec);
  const there = sharedPaths(target);
  const shared = sharedPaths(source).filter((path) => there.includes(path));
  const where = source?.id ?? guest.spec.node;
  const any = tiesOf(guest.spec, where, shared);
  if (target.spec.address === undefined) any.push(`${target.id} has no address on a cluster network`);
  const live: string[] = [];
  if (guest.status?.accelerator === 'kvm') {
    if (accelerator(target) !== 'kvm') live.push(`it runs with KVM, which does not work on ${target.id}`);
    const models = [source?.status?.machine.cpuModel, target.status?.machine.cpuModel];
    if (hostCpuModes.has(view.cpu.mode) && models[0] !== models[1])
      live.push(`it has the CPU of ${where} (${models[0] ?? 'unknown'}); ${target.id} has ${models[1] ?? 'unknown'}`);
  }
  const pools = functionPools(source);
  for (const { mac, network } of functionCards(guest.spec, pools))
    live.push(
      `its network card ${mac} is a virtual function of ${where}: ${pools.get(network)?.device ?? ''}, on the network ${network}`,
    );
  if (source?.spec.address === undefined) live.push(`${where} has no address on a cluster network`);
  return { any, live };
}

/**
 * All that speaks against a move.
 * @param method how it is asked to be moved; absent: as the guest says
 */
export function moveRefusals(
  guest: VmDoc,
  source: NodeDoc | undefined,
  target: NodeDoc,
  method: MoveMethod = guest.spec.migration.method,
): readonly string[] {
  const { any, live } = moveObjections(guest, source, target);
  const runs = isRunning(guest) || guest.spec.run === 'running';
  return method === 'live' && runs ? [...any, ...live] : any;
}
