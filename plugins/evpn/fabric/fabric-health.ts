/** Whether this node hears from the nodes that it must: what it does not know of, its guests cannot reach. @module */
import { type HealthCheck, type HealthFinding, Lasting, type Runtime, View } from '../../../core/plugin/api.ts';
import type { EvpnConfig } from '../config.ts';
import { wantedFabric } from './fabric-controller.ts';
import type { Frr } from './frr.ts';
import type { FabricInput } from './frr-conf.ts';

const everyMs = 10_000;

/**
 * Names of the nodes that run, and without which something cannot be reached, but are not heard. Pure.
 * @param heard addresses of those that are
 */
export function silentNodes(
  { self, nodes }: Pick<FabricInput, 'self' | 'nodes'>,
  heard: ReadonlySet<string>,
  alive: ReadonlySet<string>,
): string[] {
  return nodes
    .filter(
      ({ name, role }) =>
        name !== self.name && (self.role === 'coordinator' || role === 'coordinator') && alive.has(name),
    )
    .filter(({ address }) => !heard.has(address))
    .map(({ name }) => name)
    .toSorted();
}

/** Sessions that there must be, those that there are, and those among them that BFD watches. */
export interface FabricFigures {
  readonly wanted: number;
  readonly established: number;
  /** Undefined: there is to be no BFD between nodes. */
  readonly watched: number | undefined;
}

export class FabricHealth {
  readonly #runtime: Runtime;
  readonly #config: EvpnConfig;
  readonly #frr: Frr;
  readonly #silent = new Lasting();
  readonly #unwatched = new Lasting();
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
      this.#silent.of([]);
      this.#unwatched.of([]);
      return undefined;
    }
    const sessions = await this.#frr.sessions();
    const watched = wanted.bfd ? ((await this.#frr.watched()) ?? new Set<string>()) : undefined;
    const alive = await new View(this.#runtime.documents).alive();
    const heard = new Set((sessions ?? []).filter(({ established }) => established).map(({ address }) => address));
    const silent = silentNodes(wanted, heard, alive);
    const unwatched =
      watched === undefined ? [] : silentNodes(wanted, watched, alive).filter((name) => !silent.includes(name));
    const expected = silentNodes(wanted, new Set(), alive).length;
    const established = expected - silent.length;
    this.#figures = {
      wanted: expected,
      established,
      watched: watched === undefined ? undefined : established - unwatched.length,
    };
    const lasting = { silent: this.#silent.of(silent), unwatched: this.#unwatched.of(unwatched) };
    if (lasting.silent.length > 0) return this.#notHeard(lasting.silent, sessions !== undefined);
    return lasting.unwatched.length > 0 ? this.#notWatched(lasting.unwatched) : undefined;
  }

  #notHeard(nodes: readonly string[], answers: boolean): HealthFinding {
    return {
      severity: 'warning',
      message: `${this.#runtime.node} has no BGP session with ${nodes.join(', ')}${answers ? '' : ': its own FRR does not answer'}. Guests on one side may not reach guests of the same network on the other.`,
      hint: 'Can the nodes reach each other on the cluster network, TCP port 179? Do all have the same plugins.evpn.asn? `vtysh -c "show bgp l2vpn evpn summary"` on the node tells more.',
    };
  }

  #notWatched(nodes: readonly string[]): HealthFinding {
    return {
      severity: 'warning',
      message: `${this.#runtime.node} does not see ${nodes.join(', ')} by BFD. Should such a node be cut off, that is noticed in nine seconds, not in one.`,
      hint: 'Has every node plugins.evpn.bfd: true, and is UDP port 3784 open between the nodes on the cluster network? `vtysh -c "show bfd peers brief"` on the node tells more.',
    };
  }
}
