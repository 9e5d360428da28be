/**
 * What each node has promised to guests, and where each guest is: kept up to date while a plan places one guest after
 * the other, so that a thousand of them are planned without counting everything a thousand times.
 * @module
 */
import type { Doc, NodeSpec, NodeStatus } from '../../core/plugin/api.ts';
import { functionPools, functionRefusals, functionsTaken } from './functions.ts';
import type { VmDoc } from './guest-control.ts';
import { type Breach, breaches, companions, type Place } from './rule/rule-check.ts';
import type { Rule } from './rule/rule-kind.ts';
import type { VmSpec } from './schema.ts';

export type NodeDoc = Doc<NodeSpec, NodeStatus>;

/** All that a placement is decided from. */
export interface World {
  readonly nodes: readonly NodeDoc[];
  /** Nodes whose daemon runs. */
  readonly alive: ReadonlySet<string>;
  readonly guests: readonly VmDoc[];
  readonly rules: readonly Rule[];
}

/** What guests take of a node. Memory in MiB. */
export interface Taken {
  readonly promisedMiB: number;
  /** Of guests that run, but not there yet: what was measured there does not know of them. */
  readonly comingMiB: number;
  readonly vcpus: number;
  /** Those meant to run. */
  readonly guests: number;
}

const nothing: Taken = { promisedMiB: 0, comingMiB: 0, vcpus: 0, guests: 0 };

const sum = (a: Taken, b: Taken, sign: 1 | -1 = 1): Taken => ({
  promisedMiB: a.promisedMiB + sign * b.promisedMiB,
  comingMiB: a.comingMiB + sign * b.comingMiB,
  vcpus: a.vcpus + sign * b.vcpus,
  guests: a.guests + sign * b.guests,
});

/** Whether a guest takes memory and counts in rules: one that is disabled does neither, once it is off. */
export const holdsPlace = ({ spec, status }: Pick<VmDoc, 'spec' | 'status'>): boolean =>
  spec.run !== 'disabled' || (status?.state ?? 'stopped') !== 'stopped';

function takes({ spec, status }: VmDoc, node: string): Taken {
  const runs = spec.run === 'running';
  return {
    promisedMiB: spec.memoryMiB,
    comingMiB: runs && status?.node !== node ? spec.memoryMiB : 0,
    vcpus: runs ? spec.vcpus : 0,
    guests: runs ? 1 : 0,
  };
}

/** Nodes whose memory a guest takes: while it is moved, on both. */
const nodesOf = ({ node, to }: Place): string[] => (to === undefined || to === node ? [node] : [node, to]);

export class Ledger {
  readonly world: World;
  readonly #guests = new Map<string, VmDoc>();
  readonly #places = new Map<string, Place>();
  readonly #taken = new Map<string, Taken>();
  readonly #rules = new Map<string, Rule[]>();
  /** Networks whose guests have functions of the nodes' cards, as far as nodes have told. */
  readonly #functionNetworks: ReadonlySet<string>;

  constructor(world: World) {
    this.world = world;
    this.#functionNetworks = new Set(world.nodes.flatMap((node) => [...functionPools(node).keys()]));
    for (const rule of world.rules)
      for (const guest of rule.guests) this.#rules.set(guest, [...(this.#rules.get(guest) ?? []), rule]);
    for (const doc of world.guests) {
      this.#guests.set(doc.spec.name, doc);
      if (holdsPlace(doc)) this.#put(doc, { node: doc.spec.node, to: doc.spec.transfer?.to });
    }
  }

  /** What is taken of a node, without what these guests take. */
  taken(node: string, without: Iterable<string> = []): Taken {
    let left = this.#taken.get(node) ?? nothing;
    for (const name of without) {
      const [doc, place] = [this.#guests.get(name), this.#places.get(name)];
      if (doc !== undefined && place !== undefined && nodesOf(place).includes(node))
        left = sum(left, takes(doc, node), -1);
    }
    return left;
  }

  /** What speaks against guests coming to a node for want of virtual functions. Those that are there already stay. */
  functionRefusals(node: NodeDoc, coming: readonly Pick<VmSpec, 'name' | 'nics'>[]): string[] {
    const wanted = functionsTaken(coming, this.#functionNetworks);
    if (wanted.size === 0) return [];
    const names = new Set(coming.map(({ name }) => name));
    const there = [...this.#guests.values()].filter(({ spec }) => {
      const place = this.#places.get(spec.name);
      return !names.has(spec.name) && place !== undefined && nodesOf(place).includes(node.id);
    });
    const taken = functionsTaken(
      there.map(({ spec }) => spec),
      this.#functionNetworks,
    );
    return functionRefusals(functionPools(node), wanted, taken);
  }

  /** Where a guest is, by its name; undefined: it takes no place. */
  placeOf(name: string): Place | undefined {
    return this.#places.get(name);
  }

  rulesOf(names: Iterable<string>): Set<Rule> {
    return new Set([...names].flatMap((name) => this.#rules.get(name) ?? []));
  }

  /** What rules say to guests that go together coming to a node. */
  breaches(moving: ReadonlySet<string>, target: string): Breach[] {
    return breaches(this.rulesOf(moving), moving, target, (guest) => this.#places.get(guest));
  }

  /** The guest and those that strict rules keep with it, itself first; a disabled guest is alone. */
  groupOf(doc: VmDoc): VmDoc[] {
    if (!holdsPlace(doc) || !this.#rules.has(doc.spec.name)) return [doc];
    const placed = (name: string): boolean => this.#places.has(name);
    const others = [...companions(this.world.rules, doc.spec.name, placed)].flatMap((name) => {
      const other = this.#guests.get(name);
      return other === undefined || name === doc.spec.name ? [] : [other];
    });
    return [doc, ...others];
  }

  /** From now on the guest is on that node and nowhere else. */
  place(doc: VmDoc, node: string): void {
    const before = this.#places.get(doc.spec.name);
    if (before !== undefined)
      for (const one of nodesOf(before))
        this.#taken.set(one, sum(this.#taken.get(one) ?? nothing, takes(doc, one), -1));
    this.#put(doc, { node, to: undefined });
  }

  #put(doc: VmDoc, place: Place): void {
    this.#places.set(doc.spec.name, place);
    for (const one of nodesOf(place)) this.#taken.set(one, sum(this.#taken.get(one) ?? nothing, takes(doc, one)));
  }
}
