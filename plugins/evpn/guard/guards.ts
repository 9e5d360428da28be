/** What this node keeps the cards of its guests to: what that is, and whether the kernel does. @module */
import { errorText, type Runtime, Turns, z } from '../../../core/plugin/api.ts';
import type { Nft } from '../firewall/nft.ts';
import { network } from '../network/network-kind.ts';
import { type CardGuard, guardRuleset } from './guard-ruleset.ts';

/** As the plugin of guests tells of cards. */
const card = z.object({
  mac: z.string(),
  source: z.object({ type: z.string(), network: z.string().optional() }),
  limitIn: z.int().nullable(),
  limitOut: z.int().nullable(),
  antiSpoof: z.array(z.string()).nullable(),
});
type Card = z.output<typeof card>;

/** As the plugin of DHCP tells of addresses that it has given or keeps. */
const dhcpAddress = z.object({ network: z.string(), mac: z.string().nullable(), address: z.string() });

const loadedState = z.strictObject({
  wanted: z.string(),
  /** The kernel's own words for it. */
  listed: z.string(),
});

export interface GuardView {
  /** Undefined: no card here is kept to anything. */
  readonly wanted: string | undefined;
  /** As `nft list` shows it; undefined: there is no table. */
  readonly listed: string | undefined;
  /** What was last loaded. Written down, so that the next daemon knows it again and changes nothing. */
  readonly loaded: z.output<typeof loadedState> | undefined;
}

/** Whether the kernel does what is wanted. */
export const isSettled = ({ wanted, listed, loaded }: GuardView): boolean =>
  wanted === undefined ? listed === undefined : loaded?.wanted === wanted && loaded.listed === listed;

type Parts = Pick<Runtime, 'ask' | 'documents' | 'directories' | 'node' | 'signal'> & {
  readonly host: Pick<Runtime['host'], 'files'>;
};

export class Guards {
  readonly #parts: Parts;
  readonly #nft: Nft;
  /** One at a time touches the table. */
  readonly #turns = new Turns();
  #wake: () => void = () => undefined;

  constructor(parts: Parts, nft: Nft) {
    this.#parts = parts;
    this.#nft = nft;
  }

  /** Gone after a boot, as the table is. */
  get #path(): string {
    return `${this.#parts.directories.run}/cards.json`;
  }

  /** What is called when something may have changed. */
  onWake(wake: () => void): void {
    this.#wake = wake;
  }

  /** Something may have changed: it is looked at soon. */
  wake(): void {
    this.#wake();
  }

  /** What the documents say of the cards of guests that are on this node, or on their way to it. */
  async wanted(): Promise<CardGuard[]> {
    const { ask, node, signal } = this.#parts;
    const cards = z
      .array(card)
      .parse(await ask('vm.nic-list', { node }, signal))
      .filter(({ limitIn, limitOut, antiSpoof }) => limitIn !== null || limitOut !== null || antiSpoof !== null);
    if (!cards.some(({ antiSpoof }) => antiSpoof !== null)) return cards.map((one) => guardOf(one, [], []));
    const given = z.array(dhcpAddress).parse(await ask('network.dhcp-list', {}, signal));
    const networks = new Map((await this.#parts.documents.list(network)).map(({ spec }) => [spec.name, spec]));
    return cards.map((one) => {
      const { ipv4, ipv6 } = networks.get(one.source.network ?? '') ?? {};
      return guardOf(
        one,
        given.flatMap(({ network: name, mac, address }) =>
          name === one.source.network && mac === one.mac ? [address] : [],
        ),
        [ipv4?.gateway, ipv6?.gateway].filter((gateway) => gateway !== undefined),
      );
    });
  }

  async #look(): Promise<GuardView> {
    const cards = await this.wanted();
    const text = await this.#parts.host.files.readText(this.#path);
    return {
      wanted: cards.length === 0 ? undefined : guardRuleset(cards),
      listed: await this.#nft.list(),
      // Another PVC may have written other fields: then the table is loaded anew.
      loaded: text === undefined ? undefined : loadedState.safeParse(JSON.parse(text)).data,
    };
  }

  look(): Promise<GuardView> {
    return this.#turns.take(() => this.#look());
  }

  /** Makes the kernel do what is wanted. @throws Error with nft's reason */
  settle(): Promise<void> {
    return this.#turns.take(async () => {
      const view = await this.#look();
      if (isSettled(view)) return;
      const { files } = this.#parts.host;
      if (view.wanted === undefined) {
        await this.#nft.remove();
        await files.remove(this.#path);
        return;
      }
      const reason = await this.#nft.replace(view.wanted);
      if (reason !== undefined) throw new Error(reason);
      const listed = await this.#nft.list();
      if (listed === undefined) throw new Error('somebody has taken the table away again');
      await files.writeAtomic(this.#path, JSON.stringify({ wanted: view.wanted, listed }), 0o600);
    });
  }

  /** Why a guest cannot get its cards now; undefined: they are kept to what they must. */
  async refusal(): Promise<string | undefined> {
    try {
      await this.settle();
      return undefined;
    } catch (error) {
      return `its network cards cannot be kept to their limits and addresses: ${errorText(error)}`;
    }
  }
}

const guardOf = (
  { mac, limitIn, limitOut, antiSpoof }: Card,
  given: readonly string[],
  gateways: readonly string[],
): CardGuard => ({
  mac,
  limitIn: limitIn ?? undefined,
  limitOut: limitOut ?? undefined,
  identity: antiSpoof === null ? undefined : { addresses: [...new Set([...antiSpoof, ...given])], gateways },
});
