/** Whether PowerDNS on this node answers; and how much it is asked. @module */
import {
  errorText,
  type HealthCheck,
  type HealthFinding,
  Lasting,
  type MetricDefinition,
  type MetricSample,
} from '../../../core/plugin/api.ts';
import type { ZoneWork } from '../zone/zone-controller.ts';
import type { PdnsApi } from './api.ts';
import type { Pdns } from './pdns.ts';

const everyMs = 10_000;

/** Counters of PowerDNS, by the name that they have there. */
const counters = [
  ['pvc_dns_questions_udp', 'udp-queries', 'Questions by UDP that PowerDNS on this node was asked since its start.'],
  ['pvc_dns_questions_tcp', 'tcp-queries', 'Questions by TCP that PowerDNS on this node was asked since its start.'],
  ['pvc_dns_failures', 'servfail-packets', 'Of those, the ones that it could not answer (SERVFAIL).'],
] as const;

export class PdnsHealth {
  readonly #pdns: Pdns;
  readonly #api: PdnsApi;
  readonly #node: string;
  readonly #zones: Pick<ZoneWork, 'figures'>;
  readonly #lasting = new Lasting();
  #answering: boolean | undefined;
  #counted: ReadonlyMap<string, number> = new Map();

  constructor(node: string, pdns: Pdns, api: PdnsApi, zones: Pick<ZoneWork, 'figures'>) {
    this.#node = node;
    this.#pdns = pdns;
    this.#api = api;
    this.#zones = zones;
  }

  check(): HealthCheck {
    return {
      name: 'dns',
      summary: 'PowerDNS answers for the names in the networks',
      intervalMs: everyMs,
      timeoutMs: everyMs,
      run: () => this.#look(),
    };
  }

  metrics(): MetricDefinition[] {
    const gauge = (name: string, help: string, value: () => number | undefined): MetricDefinition => ({
      ...{ name, help, type: 'gauge', labels: [] },
      collect: (): MetricSample[] => {
        const now = value();
        return now === undefined ? [] : [{ value: now }];
      },
    });
    return [
      gauge('pvc_dns_answering', 'Whether PowerDNS on this node answers; absent where it is not to run.', () =>
        this.#answering === undefined ? undefined : Number(this.#answering),
      ),
      gauge('pvc_dns_zones', 'Zones that PowerDNS on this node has.', () => this.#zones.figures()?.zones),
      gauge('pvc_dns_record_sets', 'Sets of records that they are to have.', () => this.#zones.figures()?.records),
      ...counters.map(([name, counter, help]) => gauge(name, help, () => this.#counted.get(counter))),
    ];
  }

  async #look(): Promise<HealthFinding | undefined> {
    if (!this.#pdns.serving) {
      this.#answering = undefined;
      this.#counted = new Map();
      this.#lasting.of([]);
      return undefined;
    }
    const reason = await this.#reason();
    this.#answering = reason === undefined;
    const lasting = this.#lasting.of(reason === undefined ? [] : ['PowerDNS']);
    if (lasting.length === 0) return undefined;
    return {
      severity: 'warning',
      message: `PowerDNS on ${this.#node} does not answer (${reason}). ${this.#node} tells no names of guests, or old ones; networks, gateways and DHCP go on.`,
      hint: 'PVC starts it again, and makes its database anew where that is damaged. Its log: services/powerdns.log below the log directory, or `journalctl -u pdns@pvc`.',
    };
  }

  /** Why it does not answer; undefined: it does. */
  async #reason(): Promise<string | undefined> {
    try {
      if (!(await this.#pdns.answers())) return 'it takes no questions';
      this.#counted = await this.#api.counters();
      return undefined;
    } catch (error) {
      return errorText(error);
    }
  }
}
