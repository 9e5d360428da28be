/**
 * With what the cards of guests here were drawn: a network that is another one since has them drawn anew. A node that is no
 * coordinator hears of changes of its guests alone, and sees networks when it looks at their devices.
 * @module
 */
import type { NetworkSpec } from '../network/network-kind.ts';

/** What a card takes from its network. */
const drawnOf = ({ name, device, vlan, mtu }: NetworkSpec): string => JSON.stringify([name, device, vlan, mtu]);

export class DrawnCards {
  /** By VNI, then by the UUID of the guest. */
  readonly #drawn = new Map<string, Map<string, string>>();

  /** A card of the guest was drawn with the network as it is. */
  note(uuid: string, vni: string, spec: NetworkSpec): void {
    const guests = this.#drawn.get(vni) ?? new Map<string, string>();
    guests.set(uuid, drawnOf(spec));
    this.#drawn.set(vni, guests);
  }

  /**
   * Guests with a card that was drawn otherwise than it would be now, each told once: who looks at them notes them again.
   * @param spec undefined: there is no such network any more
   */
  outdated(vni: string, spec: NetworkSpec | undefined): string[] {
    const guests = this.#drawn.get(vni);
    if (guests === undefined) return [];
    const now = spec === undefined ? undefined : drawnOf(spec);
    const old = [...guests].filter(([, drawn]) => drawn !== now).map(([uuid]) => uuid);
    for (const uuid of old) guests.delete(uuid);
    if (guests.size === 0) this.#drawn.delete(vni);
    return old;
  }
}
