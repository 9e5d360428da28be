/** Which coordinator begins the group of MariaDB servers, and when: pure, from what they have told. @module */
import type { GroupSpec, MemberSpec } from './backend-kind.ts';

export interface MemberSeen {
  readonly node: string;
  /** Whether its daemon lives; what a dead one told is not believed. */
  readonly alive: boolean;
  /** Undefined: it has told nothing yet. */
  readonly told: MemberSpec | undefined;
}

/** For one that is still to tell how far its data go; what it lacks is in the cluster's state. */
export const waitForAllMs = 30_000;
/** For the one that is to begin. */
export const waitForFirstMs = 120_000;

/** Whether there is a member that takes writes. */
export const isWhole = (group: GroupSpec | undefined, members: readonly MemberSeen[]): boolean =>
  group !== undefined &&
  members.some(({ alive, told }) => alive && told?.state === 'primary' && told.epoch === group.epoch);

/** The farthest of the newest group; of several by name, so that everybody would choose the same. */
function farther(one: MemberSeen, other: MemberSeen): number {
  const [a, b] = [one.told?.position, other.told?.position];
  const epochs = (b ? (other.told?.epoch ?? 0) : -1) - (a ? (one.told?.epoch ?? 0) : -1);
  const seqnos = (b?.seqno ?? -1) - (a?.seqno ?? -1);
  return epochs || seqnos || (one.node < other.node ? -1 : 1);
}

/**
 * The group that is to begin now; undefined: there is one, or it is not known yet who can.
 * @param members one for each coordinator
 * @param lostMs for how long there has been no member that takes writes
 */
export function chooseFirst(
  group: GroupSpec | undefined,
  members: readonly MemberSeen[],
  lostMs: number,
): GroupSpec | undefined {
  if (isWhole(group, members)) return undefined;
  const alive = (node: string): boolean => members.some((one) => one.node === node && one.alive);
  const beginning = group !== undefined && !group.formed && alive(group.first);
  if (beginning && lostMs < waitForFirstMs) return undefined;
  const able = members
    .filter((one) => one.alive && (one.told?.state === 'stopped' || one.told?.state === 'waiting'))
    // One that did not manage to begin is not asked again while there is another.
    .filter(({ node }) => !beginning || node !== group.first);
  if (able.length < members.length && lostMs < waitForAllMs) return undefined;
  const [first] = able.toSorted(farther);
  return first && { epoch: (group?.epoch ?? 0) + 1, first: first.node, formed: false };
}
