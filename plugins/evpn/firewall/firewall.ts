/** The firewall of this node: what it is to be, what it is, and what has to be left out of it. @module */
import { type Runtime, z } from '../../../core/plugin/api.ts';
import type { FamilySpec } from '../address/addressing.ts';
import { network } from '../network/network-kind.ts';
import { networkAcl, vniOfAcl } from './acl-kind.ts';
import type { Nft } from './nft.ts';
import { type Count, counterName, type FirewallEntry, type Routed, type RulesetInput, ruleset } from './ruleset.ts';

const leftOutEntry = z.strictObject({ counter: z.string(), entry: z.string(), reason: z.string() });
export type LeftOut = z.output<typeof leftOutEntry>;

/** What was last loaded. Written down, so that the next daemon knows it again and changes nothing. */
const loadedState = z.strictObject({
  /** The ruleset as it was asked for, its counters at zero. */
  wanted: z.string(),
  /** The kernel's own words for it. */
  listed: z.string(),
  leftOut: z.array(leftOutEntry),
});
export type LoadedState = z.output<typeof loadedState>;

export interface FirewallView {
  /** Undefined: there is no network, and no bridge of one. */
  readonly wanted: RulesetInput | undefined;
  /** As `nft list` shows it; undefined: there is no table. */
  readonly listed: string | undefined;
  readonly loaded: LoadedState | undefined;
}

type Parts = Pick<Runtime, 'documents' | 'directories'> & { readonly host: Pick<Runtime['host'], 'files'> };

/** A prefix without a gateway is only known: nobody routes it. */
const routed = (family: FamilySpec | undefined): Routed | undefined =>
  family?.gateway === undefined ? undefined : { prefix: family.prefix, gateway: family.gateway };

/** What the documents say. */
export async function wantedRuleset({ documents }: Pick<Parts, 'documents'>): Promise<RulesetInput> {
  const [networks, entries] = await Promise.all([documents.list(network), documents.list(networkAcl)]);
  return {
    networks: networks.map(({ id, spec: { ipv4, ipv6, nat = false } }) => ({
      vni: id,
      ipv4: routed(ipv4),
      ipv6: routed(ipv6),
      nat,
    })),
    entries: entries.map(
      ({ id, birth, spec: { network: name, direction, order, rule } }): FirewallEntry => ({
        vni: vniOfAcl(id),
        label: `${name} ${direction} ${order}`,
        direction,
        order,
        rule,
        birth,
      }),
    ),
  };
}

export class Firewall {
  readonly #parts: Parts;
  readonly #nft: Nft;
  /** One at a time touches the table. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: Parts, nft: Nft) {
    this.#parts = parts;
    this.#nft = nft;
  }

  /** Gone after a boot, as the table is. */
  get #path(): string {
    return `${this.#parts.directories.run}/firewall.json`;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async loaded(): Promise<LoadedState | undefined> {
    const text = await this.#parts.host.files.readText(this.#path);
    // Another PVC may have written other fields: then the table is loaded anew.
    return text === undefined ? undefined : loadedState.safeParse(JSON.parse(text)).data;
  }

  /** @param bridges whether there are bridges of networks on this node */
  look(bridges: boolean): Promise<FirewallView> {
    return this.#inTurn(async () => {
      const input = await wantedRuleset(this.#parts);
      return {
        wanted: input.networks.length > 0 || bridges ? input : undefined,
        listed: await this.#nft.list(),
        loaded: await this.loaded(),
      };
    });
  }

  /** Where there is no table at all, one that lets nothing through. A bridge is safe from then on. */
  shut(): Promise<void> {
    return this.#inTurn(async () => {
      if (await this.#nft.isThere()) return;
      const reason = await this.#nft.replace(ruleset({ networks: [], entries: [] }));
      if (reason !== undefined) throw new Error(`nft cannot shut the networks: ${reason}`);
    });
  }

  /** Makes the kernel's table what is wanted. Entries that it does not take are left out. @throws Error with nft's reason */
  load(wanted: RulesetInput): Promise<void> {
    return this.#inTurn(async () => {
      const leftOut = await this.#replace(wanted);
      const listed = await this.#nft.list();
      if (listed === undefined) throw new Error('somebody has taken the table away again');
      const state: LoadedState = { wanted: ruleset(wanted), listed, leftOut };
      await this.#parts.host.files.writeAtomic(this.#path, JSON.stringify(state), 0o600);
    });
  }

  async #replace(wanted: RulesetInput): Promise<LeftOut[]> {
    const counts = (await this.#nft.counters()) ?? new Map<string, Count>();
    const reason = await this.#nft.replace(ruleset({ ...wanted, counts }));
    if (reason === undefined) return [];
    const leftOut: LeftOut[] = [];
    for (const entry of wanted.entries) {
      const refusal = await this.#nft.refusal(entry.rule);
      if (refusal === undefined) continue;
      leftOut.push({ counter: counterName(entry), entry: `${entry.label} \`${entry.rule}\``, reason: refusal });
    }
    if (leftOut.length === 0) throw new Error(reason);
    const without = new Set(leftOut.map(({ counter }) => counter));
    const still = await this.#nft.replace(ruleset({ ...wanted, counts, leftOut: without }));
    if (still !== undefined) throw new Error(still);
    return leftOut;
  }

  /** Takes the table away. */
  remove(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#nft.remove();
      await this.#parts.host.files.remove(this.#path);
    });
  }

  /** What passed the entries here, by name of their counters. @throws Error with nft's reason */
  async counts(): Promise<ReadonlyMap<string, Count>> {
    return (await this.#nft.counters()) ?? new Map();
  }
}
