/** What a machine may be: its values against those of the cluster, of its nodes and of the other machines. @module */
import ipaddr from 'ipaddr.js';
import { cluster, clusterId, type Doc, names, node, type PlanBuilder, type View, z } from '../../../core/plugin/api.ts';
import { type MachineSpec, type MachineStatus, machine, machineSecret, pxeError } from './machine-kind.ts';

export type MachineDoc = Doc<MachineSpec, MachineStatus>;

/** How operations name a machine: the field, and its place on the command line. */
export const machineArgument = { field: 'machine', complete: 'machine' } as const;
export const machineWord = z
  .string()
  .trim()
  .min(1)
  .max(63)
  .describe('MAC address of the card that it boots from, or the name of its node');

/** A machine by its MAC address or the name of its node. @throws PvcError MACHINE_NOT_FOUND */
export async function needMachine(view: View, word: string): Promise<MachineDoc> {
  const mac = names.macAddress.safeParse(word);
  const found = mac.success ? await view.get(machine, mac.data) : await view.find(machine, 'name', word);
  if (found === undefined) throw pxeError('MACHINE_NOT_FOUND', { machine: word });
  return found;
}

/** The node that has come from the machine. */
export async function nodeOf(view: View, { spec, status }: MachineDoc) {
  const arrived = status !== undefined && status.boots.length > 0;
  return spec.name === null || !arrived ? undefined : view.get(node, spec.name);
}

/** Forgets its BMC's password, if one is kept. */
export async function forgetSecret(plan: PlanBuilder, view: View, mac: string): Promise<void> {
  const secret = await view.get(machineSecret, mac);
  if (secret !== undefined) plan.remove(machineSecret, secret);
}

/** An address that is somebody's already. */
export interface Taken {
  readonly address: string;
  /** `the floating address`, `the node hv1`. */
  readonly by: string;
}

/** Addresses that are somebody's already. */
export async function takenIn(view: View): Promise<Taken[]> {
  const { floating } = (await view.need(cluster, clusterId)).spec.networks?.cluster ?? {};
  return [
    ...(floating === undefined ? [] : [{ address: floating, by: 'the cluster as its floating address' }]),
    ...(await view.list(node)).flatMap(({ id, spec }) =>
      spec.address === undefined ? [] : [{ address: spec.address, by: `the node ${id}` }],
    ),
    ...(await view.list(machine)).flatMap(({ id, spec }) =>
      spec.address === null ? [] : [{ address: spec.address, by: `the machine ${id}` }],
    ),
  ];
}

/**
 * @param others all machines but this one
 * @throws PvcError MACHINE_KNOWN, MACHINE_NODE_EXISTS, MACHINE_ADDRESS
 */
export async function checkMachine(view: View, mac: string, spec: MachineSpec, before?: MachineDoc): Promise<void> {
  for (const field of ['uuid', 'name', 'address'] as const) {
    const value = spec[field];
    const other = value === null ? undefined : await view.find(machine, field, value);
    if (value !== null && other !== undefined && other.id !== mac)
      throw pxeError('MACHINE_KNOWN', {
        field: field === 'uuid' ? 'UUID' : field,
        value: other.spec.name === null || field === 'name' ? value : `${value} (${other.spec.name})`,
        mac: other.id,
      });
  }
  const nodes = await view.list(node);
  // What it was before may be its own node.
  const own = before?.spec.name ?? null;
  if (spec.name !== null && spec.name !== own && nodes.some(({ id }) => id === spec.name))
    throw pxeError('MACHINE_NODE_EXISTS', { name: spec.name, mac });
  const { address } = spec;
  if (address === null || (address === before?.spec.address && spec.name === own)) return;
  const refuse = (reason: string) => pxeError('MACHINE_ADDRESS', { mac, address, reason });
  const network = (await view.need(cluster, clusterId)).spec.networks?.cluster;
  if (network === undefined) throw refuse('the cluster has no network between its nodes, and takes no other node');
  const problem = addressProblem(network.cidr, address);
  if (problem !== undefined) throw refuse(problem);
  if (network.floating !== undefined && sameAddress(network.floating, address))
    throw refuse('it is the floating address');
  const neighbour = nodes.find(
    ({ id, spec: other }) => id !== spec.name && other.address !== undefined && sameAddress(other.address, address),
  );
  if (neighbour !== undefined) throw refuse(`it is that of the node ${neighbour.id}`);
}

const sameAddress = (a: string, b: string): boolean =>
  ipaddr.parse(a).toNormalizedString() === ipaddr.parse(b).toNormalizedString();

/** Why no host of the network can have the address; undefined: one can. Pure. */
export function addressProblem(cidr: string, address: string): string | undefined {
  const parsed = ipaddr.parse(address);
  const [base, bits] = ipaddr.parseCIDR(cidr);
  if (parsed.kind() !== base.kind() || !parsed.match(base, bits)) return `it is not in ${cidr}`;
  if (parsed.kind() === 'ipv6' || bits >= 31) return undefined;
  const text = parsed.toString();
  if (text === ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()) return `it is the address of ${cidr} itself`;
  if (text === ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString()) return `it is the broadcast address of ${cidr}`;
  return undefined;
}
