/**
 * The names of guests, by their cards on each network: those that a guest has by DHCP unless its card has a reservation with
 * another. They are looked up beside what is served, for many guests take their time and no gateway should wait for that.
 * @module
 */
import { errorText, PvcError, type Runtime, shared, z } from '../../../core/plugin/api.ts';
import { hostName } from '../reservation/reservation-kind.ts';

/** Of the query `vm.nic-list` of the plugin of guests. */
const cards = z.array(
  z.object({
    vm: z.string(),
    uuid: z.string(),
    mac: z.string(),
    source: z.looseObject({ type: z.string(), network: z.string().optional() }),
  }),
);
type Card = z.output<typeof cards>[number];

export interface NamedCard {
  readonly mac: string;
  readonly hostname: string;
}

/** A card of a guest, and the network that it is on. */
export interface GuestCard {
  readonly network: string;
  readonly mac: string;
}

/** So long it is known what cards a guest had that is no more: the word of its end may come after a look that misses it. */
const rememberMs = 60_000;
/** Many guests may come at once. */
const gatherMs = 500;
const againMs = 5_000;

/** By network. A guest has its name with its first card; a guest whose name is no host name has none. Pure. */
export function namesOf(rows: readonly Card[]): ReadonlyMap<string, readonly NamedCard[]> {
  const found = new Map<string, NamedCard[]>();
  for (const { vm, mac, source } of rows) {
    const hostname = hostName.safeParse(vm).data;
    if (hostname === undefined || source.type !== 'network' || source.network === undefined) continue;
    const known = found.get(source.network) ?? [];
    if (known.some((one) => one.hostname === hostname)) continue;
    found.set(source.network, [...known, { mac, hostname }]);
  }
  return found;
}

const asText = (names: readonly NamedCard[] = []): string =>
  names.map(({ mac, hostname }) => `${mac} ${hostname}`).join();

export class GuestNames {
  readonly #runtime: Runtime;
  readonly #changed: (networks: ReadonlySet<string>) => Promise<void>;
  readonly #look: () => Promise<void>;
  #names: ReadonlyMap<string, readonly NamedCard[]> = new Map();
  /** By UUID of the guest. */
  readonly #cardsOf = new Map<string, { readonly cards: readonly GuestCard[]; readonly seenMs: number }>();

  /** @param changed called with the networks in which other guests, or other names of them, are now */
  constructor(runtime: Runtime, changed: (networks: ReadonlySet<string>) => Promise<void>) {
    this.#runtime = runtime;
    this.#changed = changed;
    this.#look = shared(() => this.#lookUntilDone());
  }

  /** As last looked up. */
  in(network: string): readonly NamedCard[] {
    return this.#names.get(network) ?? [];
  }

  /** The cards that a guest has, or had until it was removed a moment ago. */
  cardsOf(uuid: string): readonly GuestCard[] {
    return this.#cardsOf.get(uuid)?.cards ?? [];
  }

  /** Something may have changed: they are looked up soon, and again until that succeeds. */
  refresh(): void {
    void this.#look();
  }

  async #lookUntilDone(): Promise<void> {
    const { host, signal } = this.#runtime;
    for (let waitMs = gatherMs; !signal.aborted; waitMs = againMs) {
      try {
        await host.clock.sleep(waitMs, signal);
        const rows = await this.#cards();
        const names = namesOf(rows);
        this.#remember(rows);
        const networks = new Set([...names.keys(), ...this.#names.keys()]);
        const other = [...networks].filter((name) => asText(names.get(name)) !== asText(this.#names.get(name)));
        this.#names = names;
        return await this.#changed(new Set(other));
      } catch (error) {
        if (!signal.aborted)
          host.log.warn('the names of guests could not be looked up, trying again', { reason: errorText(error) });
      }
    }
  }

  #remember(rows: readonly Card[]): void {
    const seenMs = this.#runtime.host.clock.monotonicMs();
    for (const [uuid, group] of Map.groupBy(rows, ({ uuid: one }) => one)) {
      const plugged = group.flatMap(({ mac, source: { type, network } }) =>
        type === 'network' && network !== undefined ? [{ network, mac }] : [],
      );
      this.#cardsOf.set(uuid, { cards: plugged, seenMs });
    }
    for (const [uuid, { seenMs: lastMs }] of this.#cardsOf)
      if (seenMs - lastMs > rememberMs) this.#cardsOf.delete(uuid);
  }

  /** None where the plugin of guests is switched off. */
  async #cards(): Promise<Card[]> {
    try {
      return cards.parse(await this.#runtime.ask('vm.nic-list', {}, this.#runtime.signal));
    } catch (error) {
      if (error instanceof PvcError && error.code === 'OPERATION_UNKNOWN') return [];
      throw error;
    }
  }
}
