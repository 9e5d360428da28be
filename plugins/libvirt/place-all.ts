/**
 * Places many guests at once: a node that is emptied, a node that died. Pure, and the same for the same world.
 *
 * The most important come first, each with those that strict rules keep with it; so none is left without room for the sake
 * of a less important one.
 * @module
 */
import type { VmDoc } from './guest-control.ts';
import { Ledger, type NodeDoc, type World } from './ledger.ts';
import { type MoveMethod, moveRefusals } from './move-plan.ts';
import { type Candidate, candidate, choose } from './placement.ts';

export interface Placement {
  readonly guest: VmDoc;
  readonly node: string;
  /** Preferred rules that it breaks there. */
  readonly unkept: readonly string[];
}

export interface Placements {
  /** In the order in which they are to be made. Who is kept with a guest by a strict rule is among them. */
  readonly placements: readonly Placement[];
  /** Those that no node can take, with each node's reasons. */
  readonly without: readonly { readonly guest: VmDoc; readonly reasons: readonly string[] }[];
}

/** More important first; among equals the larger, which is harder to place; then by name. */
export const byImportance = ({ spec: a }: VmDoc, { spec: b }: VmDoc): number =>
  b.priority - a.priority || b.memoryMiB - a.memoryMiB || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** A node as a candidate for guests that go together, with what speaks against a move from where each is now. */
export function judge(group: readonly VmDoc[], ledger: Ledger, target: NodeDoc, method?: MoveMethod): Candidate {
  const found = candidate(
    group.map(({ spec }) => spec),
    ledger,
    target,
  );
  const against = group
    .filter(({ spec }) => spec.node !== target.id)
    .flatMap((guest) => {
      const refusals = moveRefusals(
        guest,
        ledger.world.nodes.find(({ id }) => id === guest.spec.node),
        target,
        method,
      );
      return group.length === 1 ? refusals : refusals.map((reason) => `${guest.spec.name}: ${reason}`);
    });
  return { ...found, refusals: [...found.refusals, ...against] };
}

/** Each node as such a candidate. */
export const judged = (group: readonly VmDoc[], ledger: Ledger, method?: MoveMethod): Candidate[] =>
  ledger.world.nodes.map((target) => judge(group, ledger, target, method));

/** Why no node can take it, each node named. */
export const reasonsOf = (list: readonly Candidate[]): string[] =>
  list.length === 0
    ? ['there is no other node']
    : list.flatMap((one) => one.refusals.map((reason) => `${one.node}: ${reason}`));

/** Guests with those that strict rules keep with them, and the nodes that they are to leave; the most important first. */
function groupsOf(
  guests: readonly VmDoc[],
  ledger: Ledger,
): { readonly group: readonly VmDoc[]; readonly leaves: ReadonlySet<string> }[] {
  const groups = new Map<string, { group: VmDoc[]; leaves: Set<string> }>();
  for (const guest of guests) {
    const group = ledger.groupOf(guest).toSorted(byImportance);
    const known = groups.get(group[0]?.id ?? guest.id);
    if (known === undefined) groups.set(group[0]?.id ?? guest.id, { group, leaves: new Set([guest.spec.node]) });
    else known.leaves.add(guest.spec.node);
  }
  return [...groups.values()].toSorted((a, b) => byImportance(a.group[0] as VmDoc, b.group[0] as VmDoc));
}

/**
 * Finds other nodes for guests.
 * @param guests each is to leave the node that it is on
 * @param method how they are moved, where their own way does not count: guests of a dead node need no live move
 */
export function placeAll(guests: readonly VmDoc[], world: World, method?: MoveMethod): Placements {
  const ledger = new Ledger(world);
  const placements: Placement[] = [];
  const without: { guest: VmDoc; reasons: readonly string[] }[] = [];
  for (const { leaves, group } of groupsOf(guests, ledger)) {
    const list = judged(group, ledger, method).filter(({ node }) => !leaves.has(node));
    const best = choose(list, group[0]?.spec.selector ?? 'mem');
    for (const one of group) {
      if (best === undefined) without.push({ guest: one, reasons: reasonsOf(list) });
      else if (one.spec.node !== best.node) {
        placements.push({ guest: one, node: best.node, unkept: best.unkept });
        ledger.place(one, best.node);
      }
    }
  }
  return { placements, without };
}
