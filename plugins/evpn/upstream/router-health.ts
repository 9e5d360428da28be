/** Whether this node speaks with the site's routers: they send nothing to guests that they have not heard of. @module */
import {
  type HealthCheck,
  type HealthFinding,
  Lasting,
  type MetricDefinition,
  type MetricSample,
} from '../../../core/plugin/api.ts';
import type { RouterSession } from './router-sessions.ts';
import type { Router } from './upstream-config.ts';

const everyMs = 10_000;

export interface RouterParts {
  readonly node: string;
  readonly routers: readonly Router[];
  /** Whether FRR is to run at all: it starts with the first network. */
  readonly serving: () => boolean;
  /** Undefined: FRR does not answer. */
  readonly sessions: () => Promise<readonly RouterSession[] | undefined>;
  /** Why routers are not spoken with at all, by their addresses. */
  readonly troubles: () => ReadonlyMap<string, string>;
}

export class RouterHealth {
  readonly #parts: RouterParts;
  readonly #lasting = new Lasting();
  /** Of the last look. */
  #sessions: readonly RouterSession[] = [];

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  check(): HealthCheck {
    return {
      name: 'network-routers',
      summary: 'the routers of the site hear of networks of guests',
      intervalMs: everyMs,
      timeoutMs: everyMs,
      run: () => this.#look(),
    };
  }

  /** As of the last look. */
  metrics(): MetricDefinition[] {
    const figure = (name: string, help: string, read: (session: RouterSession) => number): MetricDefinition => ({
      name,
      help,
      type: 'gauge',
      labels: ['router'],
      collect: (): MetricSample[] =>
        this.#sessions.map((session) => ({ value: read(session), labels: { router: session.address } })),
    });
    return [
      figure('pvc_network_router_established', 'Whether there is a BGP session with the router: 1 or 0.', (session) =>
        Number(session.established),
      ),
      figure('pvc_network_router_prefixes_told', 'Prefixes of guests that the router was told.', ({ told }) => told),
      figure('pvc_network_router_prefixes_heard', 'Prefixes that were taken from the router.', ({ heard }) => heard),
    ];
  }

  async #look(): Promise<HealthFinding | undefined> {
    const { node, routers, serving, sessions, troubles } = this.#parts;
    if (routers.length === 0 || !serving()) {
      this.#sessions = [];
      this.#lasting.of([]);
      return undefined;
    }
    const told = await sessions();
    const named = new Set(routers.map(({ address }) => address));
    this.#sessions = (told ?? []).filter(({ address }) => named.has(address));
    const heard = new Set(this.#sessions.filter(({ established }) => established).map(({ address }) => address));
    const silent = [...named].filter((address) => !heard.has(address));
    const lasting = this.#lasting.of(silent);
    if (lasting.length === 0) return undefined;
    const known = troubles();
    const secret = routers.some(({ address, passwordFile }) => passwordFile !== undefined && lasting.includes(address));
    const silence = lasting.map((address) => `${address}${known.has(address) ? ` (${known.get(address)})` : ''}`);
    return {
      severity: 'warning',
      message: `${node} has no BGP session with the router ${silence.join(', ')}${told === undefined ? ': its own FRR does not answer' : ''}. While ${node} is primary, nobody outside finds guests through it.`,
      hint: `Does the router answer a ping from the node? Has it this node as a neighbour, with the ASN of \`plugins.evpn.asn\`, and is TCP port 179 open?${secret ? ' Has it the same password for this node? A wrong one is never answered.' : ''} \`vtysh -c "show bgp summary"\` on the node tells more.`,
    };
  }
}
