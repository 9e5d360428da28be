/** All that names are made from, asked of those who know it. @module */
import { cluster, clusterId, PvcError, type Runtime, z } from '../../../core/plugin/api.ts';
import type { PowerdnsConfig } from '../config.ts';
import { dnsRecord } from '../record/record-kind.ts';
import { domainName } from './dns-name.ts';
import type { DhcpHost, Facts, NamedNetwork } from './entry.ts';

const prefix = z.object({ prefix: z.string(), gateway: z.string().nullable() }).nullable();

/** Of the query `network.list` of the plugin of networks: as much as names need. */
const networkRow = z.object({
  name: z.string(),
  ipv4: prefix.default(null),
  ipv6: prefix.default(null),
  domain: domainName.nullable().default(null),
});

/** Of the query `network.dhcp-list` of the plugin of DHCP. */
const hostRow = z.object({
  network: z.string(),
  type: z.enum(['lease', 'reservation']),
  address: z.union([z.ipv4(), z.ipv6()]),
  hostname: z.string().nullable(),
});

export class DnsSources {
  readonly #runtime: Runtime;
  readonly #config: PowerdnsConfig;

  constructor(runtime: Runtime, config: PowerdnsConfig) {
    this.#runtime = runtime;
    this.#config = config;
  }

  /** @throws PvcError what the query throws */
  async networks(): Promise<NamedNetwork[]> {
    return z.array(networkRow).parse(await this.#askOptional('network.list', { guests: false }));
  }

  /** @throws PvcError what the queries and the store throw */
  async facts(): Promise<Facts> {
    const { documents } = this.#runtime;
    const [networks, hosts, records, spec] = await Promise.all([
      this.networks(),
      this.#hosts(),
      documents.list(dnsRecord),
      documents.get(cluster, clusterId),
    ]);
    return {
      networks,
      hosts,
      records: records.map((doc) => doc.spec),
      floating: spec?.spec.networks?.cluster?.floating,
      server: this.#config.name,
    };
  }

  async #hosts(): Promise<DhcpHost[]> {
    return z.array(hostRow).parse(await this.#askOptional('network.dhcp-list', {}));
  }

  /** The rows of a query; none where the plugin that answers it is switched off. */
  async #askOptional(operation: string, input: unknown): Promise<unknown> {
    try {
      return await this.#runtime.ask(operation, input, this.#runtime.signal);
    } catch (error) {
      if (error instanceof PvcError && error.code === 'OPERATION_UNKNOWN') return [];
      throw error;
    }
  }
}
