/** Chooses the node of a guest: who may take it, and who is best by the selector. Pure. @module */
import type { Doc, NodeSpec, NodeStatus } from '../../core/plugin/api.ts';
import type { VmDoc } from './guest-control.ts';

/** A node that a guest may be placed on, with what it has left. */
export interface Candidate {
  readonly node: string;
  readonly memoryMiB: number;
  /** Available now, by the kernel's reckoning. */
  readonly memoryAvailableMiB: number;
  /** Not promised to any guest defined there. */
  readonly memoryUnpromisedMiB: number;
  readonly cpus: number;
  readonly load1: number;
  readonly vcpus: number;
  readonly guests: number;
  /** Why its memory does not suffice; also among the refusals. */
  readonly noRoom: string | undefined;
  /** Why it may not be used; empty when it may. */
  readonly refusals: readonly string[];
}

export interface PlaceRequest {
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly selector: 'mem' | 'memprov' | 'load' | 'vcpus' | 'vms';
  readonly limit: readonly string[];
  /** The guest itself, when it exists already: what it has now does not count against it. */
  readonly vm?: string;
}

/** Memory of a node that is not for guests. */
export const hostReserveMiB = 256;

/** Every node with its reasons. A guest that is larger than the whole machine is refused there. */
export function candidates(
  request: PlaceRequest,
  nodes: readonly Doc<NodeSpec, NodeStatus>[],
  alive: ReadonlySet<string>,
  guests: readonly VmDoc[],
): Candidate[] {
  return nodes.map((one) => {
    // One that is on its way here has its memory reserved already.
    const here = guests.filter(
      (guest) =>
        guest.id !== request.vm &&
        (guest.spec.node === one.id || guest.spec.transfer?.to === one.id) &&
        // One that is disabled needs nothing, once it is off.
        (guest.spec.run !== 'disabled' || (guest.status?.state ?? 'stopped') !== 'stopped'),
    );
    const promised = here.reduce((sum, guest) => sum + guest.spec.memoryMiB, 0);
    const onTheirWay = here
      .filter((guest) => guest.spec.run === 'running' && guest.status?.node !== one.id)
      .reduce((sum, guest) => sum + guest.spec.memoryMiB, 0);
    const running = here.filter((guest) => guest.spec.run === 'running');
    const machine = one.status?.machine;
    const refusals: string[] = [];
    if (!alive.has(one.id)) refusals.push('its daemon does not run');
    if (one.spec.domainState !== 'ready') refusals.push(`it takes no guests (${one.spec.domainState})`);
    if (request.limit.length > 0 && !request.limit.includes(one.id))
      refusals.push('the guest is limited to other nodes');
    let noRoom: string | undefined;
    if (machine === undefined) refusals.push('it has not told its resources yet');
    else {
      const unpromisedMiB = machine.memoryMiB - hostReserveMiB - promised;
      if (request.memoryMiB >= machine.memoryMiB) noRoom = `it has ${machine.memoryMiB} MiB of memory in all`;
      else if (request.memoryMiB > unpromisedMiB)
        noRoom = `only ${Math.max(0, unpromisedMiB)} MiB of its memory are not promised to guests`;
      if (noRoom !== undefined) refusals.push(noRoom);
      if (request.vcpus > machine.cpus * 16) refusals.push(`it has ${machine.cpus} CPUs`);
    }
    return {
      node: one.id,
      memoryMiB: machine?.memoryMiB ?? 0,
      // What was measured a moment ago does not know of those that are coming.
      memoryAvailableMiB: (one.status?.load.memoryAvailableMiB ?? 0) - onTheirWay,
      memoryUnpromisedMiB: (machine?.memoryMiB ?? 0) - promised,
      cpus: machine?.cpus ?? 0,
      load1: one.status?.load.load1 ?? 0,
      vcpus: running.reduce((sum, guest) => sum + guest.spec.vcpus, 0),
      guests: running.length,
      noRoom,
      refusals,
    };
  });
}

const scores: Record<PlaceRequest['selector'], (one: Candidate) => number> = {
  mem: (one) => one.memoryAvailableMiB,
  memprov: (one) => one.memoryUnpromisedMiB,
  load: (one) => -one.load1,
  vcpus: (one) => -one.vcpus,
  vms: (one) => -one.guests,
};

/** The best of those without refusals; ties go to the first by name. */
export function choose(list: readonly Candidate[], selector: PlaceRequest['selector']): Candidate | undefined {
  const score = scores[selector];
  return list
    .filter((one) => one.refusals.length === 0)
    .sort((a, b) => score(b) - score(a) || (a.node < b.node ? -1 : 1))[0];
}
