/**
 * Few moves that put guests where rules want them and even out the memory that nodes have promised. Pure.
 *
 * It goes by what is promised, not by what was measured a moment ago: so the same guests give the same plan, and once it is
 * carried out the next plan is empty. Each move makes things strictly better: first strict rules, then preferred ones, then
 * the fullest node; no later one makes an earlier kind worse.
 * @module
 */
import type { VmDoc } from './guest-control.ts';
import { Ledger, type NodeDoc, type World } from './ledger.ts';
import { byImportance, judge } from './place-all.ts';
import { type Candidate, choose, hostReserveMiB } from './placement.ts';

/** Nodes whose shares of promised memory are this near to each other are left alone. */
export const evenWithin = 0.15;

export interface BalanceMove {
  readonly guest: VmDoc;
  readonly to: string;
  readonly why: string;
}

export interface NodeShare {
  readonly node: string;
  readonly promisedMiB: number;
  /** For guests in all. */
  readonly roomMiB: number;
}

export interface Balance {
  readonly moves: readonly BalanceMove[];
  readonly before: readonly NodeShare[];
  readonly after: readonly NodeShare[];
}

const roomOf = (node: NodeDoc): number => Math.max(1, (node.status?.machine.memoryMiB ?? 0) - hostReserveMiB);

const sharesOf = (ledger: Ledger): NodeShare[] =>
  ledger.world.nodes.map((node) => ({
    node: node.id,
    promisedMiB: ledger.taken(node.id).promisedMiB,
    roomMiB: roomOf(node),
  }));

/** Guests that go together, and where each is by now. */
class Unit {
  readonly guests: readonly VmDoc[];
  readonly memoryMiB: number;
  readonly names: ReadonlySet<string>;

  constructor(guests: readonly VmDoc[]) {
    this.guests = guests;
    this.memoryMiB = guests.reduce((sum, { spec }) => sum + spec.memoryMiB, 0);
    this.names = new Set(guests.map(({ spec }) => spec.name));
  }

  nodes(ledger: Ledger): Set<string> {
    return new Set([...this.names].map((name) => ledger.placeOf(name)?.node ?? ''));
  }

  /** As documents that are where the plan has put them so far. */
  now(ledger: Ledger): VmDoc[] {
    return this.guests.map((doc) => {
      const node = ledger.placeOf(doc.spec.name)?.node ?? doc.spec.node;
      return node === doc.spec.node ? doc : { ...doc, spec: { ...doc.spec, node } };
    });
  }
}

/** Units that are on one node as a whole, by that node, in the order of the units. */
class WholeUnits {
  readonly #order: ReadonlyMap<Unit, number>;
  readonly #nodeOf = new Map<Unit, string>();
  readonly #on = new Map<string, Set<Unit>>();

  constructor(units: readonly Unit[], ledger: Ledger) {
    this.#order = new Map(units.map((unit, at) => [unit, at]));
    for (const unit of units) {
      const [node = '', ...others] = unit.nodes(ledger);
      if (others.length === 0) this.moved(unit, node);
    }
  }

  moved(unit: Unit, node: string): void {
    this.#on.get(this.#nodeOf.get(unit) ?? '')?.delete(unit);
    this.#nodeOf.set(unit, node);
    const there = this.#on.get(node) ?? new Set();
    this.#on.set(node, there.add(unit));
  }

  on(node: string): Unit[] {
    const at = (unit: Unit): number => this.#order.get(unit) ?? 0;
    return [...(this.#on.get(node) ?? [])].sort((a, b) => at(a) - at(b));
  }
}

export function planBalance(world: World): Balance {
  const ledger = new Ledger(world);
  const before = sharesOf(ledger);
  const units = unitsOf(ledger);
  const why = new Map<string, string>();

  const whole = new WholeUnits(units, ledger);
  const go = (unit: Unit, to: string, reason: string): void => {
    for (const guest of unit.guests) {
      if (ledger.placeOf(guest.spec.name)?.node !== to) why.set(guest.id, reason);
      ledger.place(guest, to);
    }
    whole.moved(unit, to);
  };
  const ruled = units.filter(({ names }) => ledger.rulesOf(names).size > 0);
  let suspects = ruled;
  for (;;) {
    if (keepRules(ledger, suspects, go)) {
      suspects = ruled;
      continue;
    }
    const moved = evenOut(ledger, whole, go);
    if (moved === undefined) break;
    // What kept to all rules goes on doing so, and so does whom it meets: only those are looked at again that do not.
    suspects = breaksRules(ledger, moved) ? ruled : suspects.filter((unit) => breaksRules(ledger, unit));
  }

  const moves = units
    .flatMap(({ guests }) => guests)
    .flatMap((guest) => {
      const to = ledger.placeOf(guest.spec.name)?.node ?? guest.spec.node;
      return to === guest.spec.node ? [] : [{ guest, to, why: why.get(guest.id) ?? '' }];
    });
  return { moves, before, after: sharesOf(ledger) };
}

/** Guests that run and may be moved now, each with those that strict rules keep with it. */
function unitsOf(ledger: Ledger): Unit[] {
  const { alive, guests, nodes } = ledger.world;
  const known = new Set(nodes.map(({ id }) => id));
  const movable = ({ spec }: VmDoc): boolean =>
    spec.transfer === undefined && alive.has(spec.node) && known.has(spec.node);
  const done = new Set<string>();
  const units: Unit[] = [];
  for (const guest of guests.filter(({ spec }) => spec.run === 'running').toSorted(byImportance)) {
    if (done.has(guest.id)) continue;
    const group = ledger.groupOf(guest).toSorted(byImportance);
    for (const one of group) done.add(one.id);
    if (group.every(movable)) units.push(new Unit(group));
  }
  return units;
}

type Go = (unit: Unit, to: string, why: string) => void;

function breaksRules(ledger: Ledger, unit: Unit): boolean {
  const at = unit.nodes(ledger);
  return at.size > 1 || [...at].some((here) => ledger.breaches(unit.names, here).length > 0);
}

/** One move for the sake of a rule; the least important guests give way. False: none is of use. */
function keepRules(ledger: Ledger, units: readonly Unit[], go: Go): boolean {
  for (const strict of [true, false])
    for (const unit of units.toReversed()) {
      const at = unit.nodes(ledger);
      const [here = ''] = at;
      const unkept = ledger.breaches(unit.names, here);
      const wrong = unkept.filter(({ rule }) => rule.strict === strict);
      if (at.size === 1 && wrong.length === 0) continue;
      const preferred = unkept.filter(({ rule }) => !rule.strict).length;
      const guests = unit.now(ledger);
      const list = ledger.world.nodes
        .filter(({ id }) => at.size > 1 || id !== here)
        .map((node) => judge(guests, ledger, node))
        .filter((one) => (strict ? one.refusals.length === 0 : one.unkept.length < preferred));
      const best = fewest(list, guests, unit.guests[0]);
      if (best === undefined) continue;
      go(unit, best.node, wrong[0]?.text ?? 'a strict rule keeps them together');
      return true;
    }
  return false;
}

/** The candidate for which fewest guests have to move; among those the selector's. */
function fewest(list: readonly Candidate[], guests: readonly VmDoc[], first: VmDoc | undefined): Candidate | undefined {
  const fit = list.filter(({ refusals }) => refusals.length === 0);
  const moved = (one: Candidate): number => guests.filter(({ spec }) => spec.node !== one.node).length;
  const least = Math.min(...fit.map(moved));
  return choose(
    fit.filter((one) => moved(one) === least),
    first?.spec.selector ?? 'mem',
  );
}

/** One move away from a node that is much fuller than another, and what moves; undefined: none is of use. */
function evenOut(ledger: Ledger, whole: WholeUnits, go: Go): Unit | undefined {
  const nodes = ledger.world.nodes
    .filter((node) => ledger.world.alive.has(node.id) && node.spec.domainState === 'ready' && node.status !== undefined)
    .map((node) => ({ node, room: roomOf(node), share: ledger.taken(node.id).promisedMiB / roomOf(node) }))
    .sort((a, b) => a.share - b.share || (a.node.id < b.node.id ? -1 : 1));
  const [emptiest] = nodes;
  for (const source of nodes.toReversed()) {
    if (emptiest === undefined || source.share - emptiest.share <= evenWithin) return undefined;
    let best: { unit: Unit; to: string; share: number } | undefined;
    for (const unit of whole.on(source.node.id)) {
      const relief = unit.memoryMiB / source.room;
      for (const target of nodes) {
        const share = Math.max(source.share - relief, target.share + unit.memoryMiB / target.room);
        // Half of what the guest takes must be gained, or it would only change its node.
        if (target === source || share > source.share - relief / 2 || share >= (best?.share ?? Infinity)) continue;
        const found = judge(unit.now(ledger), ledger, target.node);
        const unkept = ledger.breaches(unit.names, source.node.id).filter(({ rule }) => !rule.strict).length;
        if (found.refusals.length > 0 || found.unkept.length > unkept) continue;
        best = { unit, to: target.node.id, share };
      }
    }
    if (best === undefined) continue;
    go(best.unit, best.to, `${source.node.id} is fuller than ${best.to}`);
    return best.unit;
  }
  return undefined;
}
