/** Chooses the node of guests: who may take them, and who is best by the selector. Pure. @module */
import type { Ledger, NodeDoc } from './ledger.ts';
import type { VmSpec } from './schema.ts';

/** A node that guests may be placed on, with what it has left. */
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
  /** Preferred rules that would be broken there. */
  readonly unkept: readonly string[];
}

/** A guest that is to be placed. One that exists already does not count against itself. */
export interface Wanted extends Pick<VmSpec, 'name' | 'memoryMiB' | 'vcpus' | 'nics'> {
  readonly limit: readonly string[];
}

/** Memory of a node that is not for guests. */
export const hostReserveMiB = 256;

/**
 * A node for guests, with what speaks against it. A guest that is larger than the whole machine is refused there.
 * @param wanted one guest, or several that a rule keeps together
 */
export function candidate(wanted: readonly Wanted[], ledger: Ledger, one: NodeDoc): Candidate {
  const names = new Set(wanted.map(({ name }) => name));
  const memoryMiB = wanted.reduce((all, { memoryMiB: own }) => all + own, 0);
  const vcpus = Math.max(...wanted.map((each) => each.vcpus));
  const taken = ledger.taken(one.id, names);
  const machine = one.status?.machine;
  const refusals: string[] = [];
  if (!ledger.world.alive.has(one.id)) refusals.push('its daemon does not run');
  if (one.spec.domainState !== 'ready') refusals.push(`it takes no guests (${one.spec.domainState})`);
  for (const { name, limit } of wanted)
    if (limit.length > 0 && !limit.includes(one.id))
      refusals.push(`${wanted.length === 1 ? 'the guest' : name} is limited to other nodes`);
  let noRoom: string | undefined;
  if (machine === undefined) refusals.push('it has not told its resources yet');
  else {
    const unpromisedMiB = machine.memoryMiB - hostReserveMiB - taken.promisedMiB;
    if (memoryMiB >= machine.memoryMiB) noRoom = `it has ${machine.memoryMiB} MiB of memory in all`;
    else if (memoryMiB > unpromisedMiB)
      noRoom = `only ${Math.max(0, unpromisedMiB)} MiB of its memory are not promised to guests`;
    if (noRoom !== undefined) refusals.push(noRoom);
    if (vcpus > machine.cpus * 16) refusals.push(`it has ${machine.cpus} CPUs`);
  }
  refusals.push(...ledger.functionRefusals(one, wanted));
  const broken = ledger.breaches(names, one.id);
  refusals.push(...broken.filter(({ rule }) => rule.strict).map(({ text }) => text));
  return {
    node: one.id,
    memoryMiB: machine?.memoryMiB ?? 0,
    memoryAvailableMiB: (one.status?.load.memoryAvailableMiB ?? 0) - taken.comingMiB,
    memoryUnpromisedMiB: (machine?.memoryMiB ?? 0) - taken.promisedMiB,
    cpus: machine?.cpus ?? 0,
    load1: one.status?.load.load1 ?? 0,
    vcpus: taken.vcpus,
    guests: taken.guests,
    noRoom,
    refusals,
    unkept: broken.filter(({ rule }) => !rule.strict).map(({ text }) => text),
  };
}

/** Every node, each with its reasons. */
export const candidates = (wanted: readonly Wanted[], ledger: Ledger): Candidate[] =>
  ledger.world.nodes.map((one) => candidate(wanted, ledger, one));

const scores: Record<VmSpec['selector'], (one: Candidate) => number> = {
  mem: (one) => one.memoryAvailableMiB,
  memprov: (one) => one.memoryUnpromisedMiB,
  load: (one) => -one.load1,
  vcpus: (one) => -one.vcpus,
  vms: (one) => -one.guests,
};

/**
 * The best of those without refusals: the one that keeps most of what is preferred, and among those the selector's; ties
 * go to the first by name.
 */
export function choose(list: readonly Candidate[], selector: VmSpec['selector']): Candidate | undefined {
  const score = scores[selector];
  return list
    .filter((one) => one.refusals.length === 0)
    .sort((a, b) => a.unkept.length - b.unkept.length || score(b) - score(a) || (a.node < b.node ? -1 : 1))[0];
}
