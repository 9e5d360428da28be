/** The gateways of all networks: addresses that the primary has on their bridges, and nobody else. @module */
import { faultId, type LeasedAddress, type Runtime } from '../../../core/plugin/api.ts';
import type { Firewall } from '../firewall/firewall.ts';
import { forwardPackets } from '../links/forwarding.ts';
import type { Links } from '../links/links.ts';
import { network } from '../network/network-kind.ts';
import { announcement, devicesWithIpv6, gatewayAddresses, isWhole } from './gateway-plan.ts';

const execMs = 5_000;
/** Bridges come and go without a word: how long a look at them is good for. */
const lookMs = 3_000;

export class Gateways {
  readonly #runtime: Runtime;
  readonly #links: Links;
  readonly #firewall: Pick<Firewall, 'shut'>;
  readonly #leased: ReturnType<Runtime['leaseAddresses']>;
  /** Counted up by whatever makes an earlier look worthless; a look that has begun before is not kept. */
  #turns = 0;
  #taken = false;
  #seen: { readonly wanted: readonly LeasedAddress[]; readonly atMs: number } | undefined;

  constructor(runtime: Runtime, links: Links, firewall: Pick<Firewall, 'shut'>) {
    this.#runtime = runtime;
    this.#links = links;
    this.#firewall = firewall;
    const fault = faultId('gateways', runtime.node);
    this.#leased = runtime.leaseAddresses({
      name: 'gateways',
      wanted: () => this.#wanted(),
      announce: (news) => this.#announce(news),
      trouble: (reason) => {
        if (reason === undefined) {
          runtime.faults.clear(fault);
          return;
        }
        this.#forget();
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

  /** This node is primary. */
  async take(): Promise<void> {
    this.#forget();
    this.#taken = true;
    await this.#leased.take();
  }

  /** Networks have changed: followed at once, where this node is primary. */
  async refresh(): Promise<void> {
    this.#forget();
    await this.#leased.refresh();
  }

  /** This node is primary no more; safe from any state. */
  async leave(): Promise<void> {
    this.#forget();
    this.#taken = false;
    await this.#leased.drop();
    await this.#links.close();
  }

  #forget(): void {
    this.#turns += 1;
    this.#seen = undefined;
  }

  async #wanted(): Promise<readonly LeasedAddress[]> {
    const { documents, host } = this.#runtime;
    const nowMs = host.clock.monotonicMs();
    if (this.#seen !== undefined && nowMs - this.#seen.atMs < lookMs) return this.#seen.wanted;
    const turn = this.#turns;
    const up = (await this.#links.own()).filter((link) => link.flags.includes('UP'));
    const bridges = new Set(up.map(({ ifname }) => ifname));
    const networks = (await documents.list(network)).map(({ id, spec }) => ({ vni: id, addressing: spec }));
    const wanted = gatewayAddresses(networks, bridges);
    if (wanted.length > 0) {
      // A node that cannot keep its networks apart leads out of none.
      await this.#firewall.shut();
      await forwardPackets(host);
    }
    // A look that was late must not open what has been closed.
    if (!this.#taken) return [];
    await this.#links.open(devicesWithIpv6(wanted));
    // A bridge that is on its way is looked for at each renewal.
    this.#seen = isWhole(networks, bridges) && turn === this.#turns ? { wanted, atMs: nowMs } : undefined;
    return wanted;
  }

  async #announce(news: readonly LeasedAddress[]): Promise<void> {
    const { processes } = this.#runtime.host;
    const input = announcement(news, await this.#links.routerMac());
    const done = await processes.exec(['ip', '-force', '-batch', '-'], { timeoutMs: execMs, input });
    if (done.code !== 0) throw new Error(done.stderr.trim());
  }
}
