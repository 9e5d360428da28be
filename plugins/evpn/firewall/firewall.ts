/** The firewall of this node: what it is to be, what it is, and what has to be left out of it. @module */
import { type Runtime, shared, Turns, z } from '../../../core/plugin/api.ts';
import type { FamilySpec } from '../address/addressing.ts';
import { bridgeName } from '../links/names.ts';
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

/** A network whose guests are to find the metadata service, as the plugin of guests wants it told (`libvirt.metadata`). */
interface AskingNetwork {
  readonly vni: string;
  readonly name: string;
  readonly bridge: string;
}

/** Where the service is for each on this node, by number of the network. */
export type MetadataPorts = (networks: readonly AskingNetwork[]) => Promise<ReadonlyMap<string, number>>;

type Parts = Pick<Runtime, 'documents' | 'directories'> & {
  readonly host: Pick<Runtime['host'], 'clock' | 'files'>;
  readonly metadata: MetadataPorts;
};

/** A prefix without a gateway is only known: nobody routes it. */
const routed = (family: FamilySpec | undefined): Routed | undefined =>
  family?.gateway === undefined ? undefined : { prefix: family.prefix, gateway: family.gateway };

/** Whoever has sent something while nobody was the gateway sends it again by then (RFC 6298: after 1, 3, 7, 15, 31 s). */
const resumeMs = 60_000;

/** What the documents say, and where the metadata service is. */
export async function wantedRuleset({
  documents,
  metadata,
}: Pick<Parts, 'documents' | 'metadata'>): Promise<RulesetInput> {
  const [networks, entries] = await Promise.all([documents.list(network), documents.list(networkAcl)]);
  const doors = await metadata(
    networks
      .filter(({ spec: { type, ipv4, ipv6 } }) => type !== 'sriov' && (ipv4?.gateway ?? ipv6?.gateway) !== undefined)
      .map(({ id, spec: { name } }) => ({ vni: id, name, bridge: bridgeName(id) })),
  );
  return {
    networks: networks.map(({ id, spec: { ipv4, ipv6, nat = false, gatewayMode } }) => ({
      vni: id,
      ipv4: routed(ipv4),
      ipv6: routed(ipv6),
      nat,
      anycast: gatewayMode === 'anycast',
      metadataPort: doors.get(id),
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
  /** Until then the node lets connections go on that it has not seen begin. */
  #resumingUntilMs = 0;
  /** One at a time touches the table. */
  readonly #turns = new Turns();

  constructor(parts: Parts, nft: Nft) {
    this.#parts = parts;
    this.#nft = nft;
  }

  /** Gone after a boot, as the table is. */
  get #path(): string {
    return `${this.#parts.directories.run}/firewall.json`;
  }

  async loaded(): Promise<LoadedState | undefined> {
    const text = await this.#parts.host.files.readText(this.#path);
    // Another PVC may have written other fields: then the table is loaded anew.
    return text === undefined ? undefined : loadedState.safeParse(JSON.parse(text)).data;
  }

  /**
   * The node becomes the gateway of all networks. When another was it until now, this one knows of no connection.
   * @param term of the primary; the one after its own last is its own again
   */
  async resume(term: number): Promise<void> {
    const { clock, files } = this.#parts.host;
    const path = `${this.#parts.directories.run}/firewall-term`;
    // Gone after a boot, as what the kernel knew of connections is.
    const last = Number((await files.readText(path)) ?? 0);
    if (term > last + 1) this.#resumingUntilMs = clock.monotonicMs() + resumeMs;
    await files.writeAtomic(path, String(term), 0o600);
  }

  /** @param bridges whether there are bridges of networks on this node */
  look(bridges: boolean): Promise<FirewallView> {
    return this.#turns.take(async () => {
      const documented = await wantedRuleset(this.#parts);
      const resuming = this.#parts.host.clock.monotonicMs() < this.#resumingUntilMs;
      const input = { ...documented, resuming };
      return {
        wanted: input.networks.length > 0 || bridges ? input : undefined,
        listed: await this.#nft.list(),
        loaded: await this.loaded(),
      };
    });
  }

  /** Where there is no table at all, one that lets nothing through. A bridge is safe from then on. */
  readonly shut: () => Promise<void> = shared(() =>
    this.#turns.take(async () => {
      if (await this.#nft.isThere()) return;
      const reason = await this.#nft.replace(ruleset({ networks: [], entries: [] }));
      if (reason !== undefined) throw new Error(`nft cannot shut the networks: ${reason}`);
    }),
  );

  /** Makes the kernel's table what is wanted. Entries that it does not take are left out. @throws Error with nft's reason */
  load(wanted: RulesetInput): Promise<void> {
    return this.#turns.take(async () => {
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
    return this.#turns.take(async () => {
      await this.#nft.remove();
      await this.#parts.host.files.remove(this.#path);
    });
  }

  /** What passed the entries here, by name of their counters. @throws Error with nft's reason */
  async counts(): Promise<ReadonlyMap<string, Count>> {
    return (await this.#nft.counters()) ?? new Map();
  }
}
