/** Whether this node hears from the nodes that it must: what it does not know of, its guests cannot reach. @module */
import { type HealthCheck, type HealthFinding, Lasting, type Runtime, View } from '../../../core/plugin/api.ts';
import type { EvpnConfig } from '../config.ts';
import { wantedFabric } from './fabric-controller.ts';
import type { Frr } from './frr.ts';
import type { FabricInput, Session } from './frr-conf.ts';

const everyMs = 10_000;

/** Names of the nodes that run and without which something cannot be reached. Pure. */
export function silentNodes(
  { self, nodes }: Pick<FabricInput, 'self' | 'nodes'>,
  sessions: readonly Session[],
  alive: ReadonlySet<string>,
): string[] {
  const heard = new Set(sessions.filter(({ established }) => established).map(({ address }) => address));
  return nodes
    .filter(
      ({ name, role }) =>
        name !== self.name && (self.role === 'coordinator' || role === 'coordinator') && alive.has(name),
    )
    .filter(({ address }) => !heard.has(address))
    .map(({ name }) => name)
    .toSorted();
}

/** Sessions that there must be, and those that there are. */
export interface FabricFigures {
  readonly wanted: number;
  readonly established: number;
}

export class FabricHealth {
  readonly #runtime: Runtime;
  readonly #config: EvpnConfig;
  readonly #frr: Frr;
  readonly #lasting = new Lasting();
  #figures: FabricFigures | undefined;

  constructor(runtime: Runtime, config: EvpnConfig, frr: Frr) {
    this.#runtime = runtime;
    this.#config = config;
    this.#frr = frr;
  }

  /** As of the last look; undefined: there is no fabric. */
  get figures(): FabricFigures | undefined {
    return this.#figures;
  }

  check(): HealthCheck {
    return {
      name: 'network-fabric',
      summary: 'the nodes tell each other where guests are',
      intervalMs: everyMs,
      timeoutMs: everyMs,
      run: () => this.#look(),
    };
  }

  async #look(): Promise<HealthFinding | undefined> {
    const wanted = await wantedFabric(this.#runtime, this.#config, this.#config.upstream.routers);
    if (wanted === undefined || !this.#frr.serving) {
      this.#figures = undefined;
      this.#lasting.of([]);
      return undefined;
    }
    const sessions = await this.#frr.sessions();
    const alive = await new View(this.#runtime.documents).alive();
    const silent = silentNodes(wanted, sessions ?? [], alive);
    const expected = silentNodes(wanted, [], alive).length;
    this.#figures = { wanted: expected, established: expected - silent.length };
    const lasting = this.#lasting.of(silent);
    if (lasting.length === 0) return undefined;
    return {
      severity: 'warning',
      message: `${this.#runtime.node} has no BGP session with ${lasting.join(', ')}${sessions === undefined ? ': its own FRR does not answer' : ''}. Guests on one side may not reach guests of the same network on the other.`,
      hint: 'Can the nodes reach each other on the cluster network, TCP port 179? Do all have the same plugins.evpn.asn? `vtysh -c "show bgp l2vpn evpn summary"` on the node tells more.',
    };
  }
}
