/** Whether this coordinator's MariaDB is with the others; and how many they are. @module */
import type { HealthCheck, HealthFinding, MetricDefinition, Runtime } from '../../../core/plugin/api.ts';
import type { MemberFigures, MemberWork } from './member-controller.ts';

const everyMs = 10_000;

/** What is wrong, and what it touches; undefined: nothing. @param primary whether this node tells for all */
export function findingOf(
  node: string,
  { server, wanted }: MemberFigures,
  primary: boolean,
): HealthFinding | undefined {
  const hint =
    'PVC mends it by itself; `pvc network dns status` shows every coordinator. Its log: services/galera.log below the log directory, or `journalctl -u pvc-galera`.';
  const others = 'Networks, gateways and DHCP go on.';
  const writes = primary ? ` As ${node} is primary, new names are told nowhere until then.` : '';
  if (server === undefined)
    return {
      severity: 'warning',
      message: `MariaDB on ${node} does not answer, so PowerDNS there cannot tell names.${writes} ${others}`,
      hint,
    };
  if (!server.primary)
    return {
      severity: 'warning',
      message: `MariaDB on ${node} sees ${server.size} of ${wanted} members (${server.state}), too few to take writes: names there stay as they were.${writes} ${others}`,
      hint,
    };
  return primary && server.size < wanted
    ? {
        severity: 'warning',
        message: `${server.size} of ${wanted} members of MariaDB are together. Names are told and written; with the next loss they may stay as they are.`,
        hint,
      }
    : undefined;
}

export class GaleraHealth {
  readonly #runtime: Pick<Runtime, 'node' | 'isPrimary'>;
  readonly #member: Pick<MemberWork, 'figures'>;
  /** One bad look may be a start. */
  #bad = false;

  constructor(runtime: Pick<Runtime, 'node' | 'isPrimary'>, member: Pick<MemberWork, 'figures'>) {
    this.#runtime = runtime;
    this.#member = member;
  }

  check(): HealthCheck {
    return {
      name: 'dns-galera',
      summary: 'MariaDB, where PowerDNS keeps its zones, is with the other coordinators',
      intervalMs: everyMs,
      timeoutMs: everyMs,
      run: async () => this.#look(),
    };
  }

  metrics(): MetricDefinition[] {
    const gauge = (name: string, help: string, value: (now: MemberFigures) => number): MetricDefinition => ({
      ...{ name, help, type: 'gauge', labels: [] },
      collect: () => {
        const now = this.#member.figures();
        return now === undefined ? [] : [{ value: value(now) }];
      },
    });
    return [
      gauge('pvc_dns_galera_members', 'Members of MariaDB’s group that this node’s sees; absent with SQLite.', (now) =>
        now.server === undefined ? 0 : now.server.size,
      ),
      gauge('pvc_dns_galera_writable', 'Whether this node’s MariaDB takes writes; absent with SQLite.', (now) =>
        Number(now.server?.primary === true),
      ),
    ];
  }

  #look(): HealthFinding | undefined {
    const now = this.#member.figures();
    const finding = now && findingOf(this.#runtime.node, now, this.#runtime.isPrimary());
    const lasting = finding !== undefined && this.#bad;
    this.#bad = finding !== undefined;
    return lasting ? finding : undefined;
  }
}
