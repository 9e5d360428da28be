/**
 * Which virtual function a guest's card is. The kernel keeps it: a function that has the MAC address of a card is that card's,
 * also when the daemon was killed the moment it gave it. One whose address is of no guest on this node is free.
 * @module
 */
import { type Runtime, Turns, z } from '../../../core/plugin/api.ts';
import type { PhysicalFunction, PhysicalFunctions, VirtualFunction } from './physical-functions.ts';
import { noMac } from './vf-reading.ts';

/** A card, as a network has it that is of functions. */
export interface WantedCard {
  readonly mac: string;
  readonly device: string;
  /** None: it sends and hears what has no tag. */
  readonly vlan: number | undefined;
}

/** What becomes of the functions of one of this node's cards. */
export interface FunctionUse {
  /** How many are for guests of the cluster: neither the node uses them nor somebody else. */
  readonly capacity: number;
  /** Those that cards of guests on this node have. */
  readonly given: readonly VirtualFunction[];
}

/** What the plugin of guests tells of a card: `vm.nic-list`. */
const card = z.object({ mac: z.string() });

export class VirtualCards {
  readonly #runtime: Pick<Runtime, 'ask' | 'node' | 'signal'>;
  readonly #physical: PhysicalFunctions;
  /** One after the other: between the look and the giving nobody else may give. */
  readonly #turns = new Turns();

  constructor(runtime: Pick<Runtime, 'ask' | 'node' | 'signal'>, physical: PhysicalFunctions) {
    this.#runtime = runtime;
    this.#physical = physical;
  }

  /** The function of a card; it is given a free one if it has none. Undefined: none is free. */
  take(wanted: WantedCard): Promise<VirtualFunction | undefined> {
    return this.#turns.take(async () => {
      const { mac, device, vlan } = wanted;
      const seen = await this.#physical.look(device);
      if (typeof seen === 'string') return undefined;
      const own = functionOf(seen, mac);
      if (own !== undefined) return own;
      const here = await this.#macs({ node: this.#runtime.node });
      const free = seen.functions.find((one) => one.usedBy === undefined && !here.has(one.mac));
      if (free === undefined) return undefined;
      await this.#physical.give(device, free.index, mac, vlan);
      return { ...free, mac };
    });
  }

  /** Why a card cannot be plugged in here; undefined: it has its function. */
  async refusal({ mac, device }: WantedCard, mtu: number): Promise<string | undefined> {
    const seen = await this.#physical.look(device);
    if (seen === 'no link') return `this node has no link ${device}`;
    if (seen === 'no SR-IOV') return `the link ${device} of this node cannot do SR-IOV`;
    if (functionOf(seen, mac) === undefined)
      return `none of the ${seen.functions.length} virtual functions of ${device} is free (\`pvc network sriov list\`)`;
    return seen.mtu < mtu ? `the link ${device} of this node has an MTU of ${seen.mtu}, less than ${mtu}` : undefined;
  }

  async use({ functions }: PhysicalFunction): Promise<FunctionUse> {
    const here = await this.#macs({ node: this.#runtime.node });
    const given = functions.filter(({ mac }) => here.has(mac));
    const forGuests = functions.filter(
      ({ usedBy, mac }) => usedBy === undefined || (usedBy === 'guest' && here.has(mac)),
    );
    return { capacity: forGuests.length, given };
  }

  /** Those that have the MAC address of a guest that is elsewhere now. */
  async leftBehind(seen: PhysicalFunction): Promise<VirtualFunction[]> {
    const here = await this.#macs({ node: this.#runtime.node });
    const others = seen.functions.filter(({ usedBy, mac }) => usedBy === undefined && !here.has(mac));
    if (others.every(({ mac }) => mac === noMac)) return [];
    const all = await this.#macs({});
    return others.filter(({ mac }) => all.has(mac));
  }

  /** Takes back the function of a guest that is elsewhere, unless it has come back meanwhile. */
  takeBack(device: string, index: number): Promise<void> {
    return this.#turns.take(async () => {
      const seen = await this.#physical.look(device);
      if (typeof seen === 'string') return;
      if ((await this.leftBehind(seen)).some((one) => one.index === index))
        await this.#physical.takeBack(device, index);
    });
  }

  async #macs(input: { readonly node?: string }): Promise<Set<string>> {
    const cards = z.array(card).parse(await this.#runtime.ask('vm.nic-list', input, this.#runtime.signal));
    return new Set(cards.map(({ mac }) => mac));
  }
}

const functionOf = ({ functions }: PhysicalFunction, mac: string): VirtualFunction | undefined =>
  functions.find((one) => one.mac === mac);
