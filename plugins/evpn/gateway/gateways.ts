/** The gateways of all networks: addresses that the primary has on their bridges, and nobody else. @module */
import { isDeepStrictEqual } from 'node:util';
import { errorText, faultId, type LeasedAddress, type Runtime } from '../../../core/plugin/api.ts';
import type { Firewall } from '../firewall/firewall.ts';
import { forwardPackets } from '../links/forwarding.ts';
import type { Links } from '../links/links.ts';
import { bridgeName } from '../links/names.ts';
import { network } from '../network/network-kind.ts';
import { announcement, gatewayAddresses, isWhole } from './gateway-plan.ts';
import { muzzleLife, muzzleRules, muzzleTables } from './muzzle.ts';
import type { PrimaryWay } from './primary-way.ts';

const execMs = 5_000;
/** Bridges come and go without a word. */
const lookMs = 3_000;
/** While one is on its way. */
const waitMs = 500;

export class Gateways {
  readonly #runtime: Runtime;
  readonly #links: Links;
  readonly #firewall: Pick<Firewall, 'shut'>;
  readonly #way: Pick<PrimaryWay, 'look'>;
  readonly #leased: ReturnType<Runtime['leaseAddresses']>;
  /** What the last look found. To keep it each second must not wait for another. */
  #wanted: readonly LeasedAddress[] = [];
  /** Bridges of networks of which every node is the gateway, as the last look found them. */
  #everywhere: ReadonlySet<string> = new Set();
  /** Why the last look found nothing. */
  #blind: string | undefined;
  /** This node is primary, until that aborts. */
  #term: AbortController | undefined;
  #wake = (): void => {};

  /** @param routers addresses of the site's routers */
  constructor(
    runtime: Runtime,
    links: Links,
    firewall: Pick<Firewall, 'shut'>,
    way: Pick<PrimaryWay, 'look'>,
    routers: readonly string[],
  ) {
    this.#runtime = runtime;
    this.#links = links;
    this.#firewall = firewall;
    this.#way = way;
    const fault = faultId('gateways', runtime.node);
    this.#leased = runtime.leaseAddresses({
      name: 'gateways',
      wanted: async () => this.#wanted,
      muzzle: {
        tables: muzzleTables,
        rules: (addresses) =>
          muzzleRules({ addresses: addresses.filter(({ device }) => !this.#everywhere.has(device)), routers }),
        life: muzzleLife,
      },
      announce: (news) => this.#announce(news),
      trouble: (unset) => {
        const reason = unset ?? this.#blind;
        if (reason === undefined) runtime.faults.clear(fault);
        else
          runtime.faults.raise(fault, {
            severity: 'critical',
            message: `A gateway of a network could not be set up on ${runtime.node}: ${reason}`,
            hint: 'Guests of that network reach nothing outside it. It is tried again every second; `ip address` on the node shows what is there.',
            object: `node ${runtime.node}`,
          });
      },
    });
  }

  /** Addresses that this node has now. */
  get held(): readonly LeasedAddress[] {
    return this.#leased.held;
  }

  /** This node is primary. Resolves once the gateways are here that can be. */
  async take(): Promise<void> {
    this.#term?.abort();
    const term = new AbortController();
    this.#term = term;
    const pauseMs = await this.#look(term.signal);
    // The role may have gone meanwhile: another has them by now.
    if (term.signal.aborted) return;
    // What guests of other nodes send is taken from now on.
    await Promise.all([this.#leased.take(), this.#way.look()]);
    void this.#follow(pauseMs, term.signal);
  }

  /** Networks have changed: followed at once, where this node is primary. */
  changed(): void {
    this.#wake();
  }

  /** This node is primary no more; safe from any state. @throws Error when an address is still there */
  async leave(): Promise<void> {
    this.#term?.abort();
    this.#term = undefined;
    this.#blind = undefined;
    await this.#leased.drop();
    this.#wanted = [];
    await this.#links.close();
  }

  async #follow(firstMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#runtime.host;
    let woken = this.#wakeable();
    for (let pauseMs = firstMs; !signal.aborted; ) {
      await clock.sleep(pauseMs, AbortSignal.any([signal, woken])).catch(() => undefined);
      if (signal.aborted) return;
      // Before the look: what changes while it looks, it may not have seen.
      woken = this.#wakeable();
      const before = this.#wanted;
      pauseMs = await this.#look(signal);
      if (!isDeepStrictEqual(before, this.#wanted)) await this.#leased.refresh();
    }
  }

  /** Aborts at the next change. */
  #wakeable(): AbortSignal {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    return woken.signal;
  }

  /** Sees what is to be here. @returns when to look again, ms */
  async #look(signal: AbortSignal): Promise<number> {
    const { documents, host } = this.#runtime;
    try {
      const up = (await this.#links.own()).filter((link) => link.flags.includes('UP'));
      const bridges = new Set(up.map(({ ifname }) => ifname));
      const networks = (await documents.list(network)).map(({ id, spec }) => ({
        vni: id,
        addressing: spec,
        anycast: spec.gatewayMode === 'anycast',
      }));
      const wanted = gatewayAddresses(networks, bridges);
      if (wanted.length > 0) {
        // A node that cannot keep its networks apart leads out of none.
        await this.#firewall.shut();
        await forwardPackets(host);
      }
      // A look that was late must not open what has been closed.
      if (signal.aborted) return 0;
      await this.#links.open(wanted);
      this.#wanted = wanted;
      this.#everywhere = new Set(networks.flatMap(({ vni, anycast }) => (anycast ? [bridgeName(vni)] : [])));
      this.#blind = undefined;
      return isWhole(networks, bridges) ? lookMs : waitMs;
    } catch (error) {
      this.#blind = errorText(error);
      return lookMs;
    }
  }

  async #announce(news: readonly LeasedAddress[]): Promise<void> {
    const { processes } = this.#runtime.host;
    // Where every node is the gateway, guests need not be told: to them nothing has moved.
    const everywhere = new Set([...this.#links.anycast.keys()].map(bridgeName));
    const moved = news.filter(({ device }) => !everywhere.has(device));
    if (moved.length === 0) return;
    const input = announcement(moved, await this.#links.routerMac());
    const done = await processes.exec(['ip', '-force', '-batch', '-'], { timeoutMs: execMs, input });
    if (done.code !== 0) throw new Error(done.stderr.trim());
  }
}
