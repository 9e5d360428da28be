/** How the cluster's answers read for a person. @module */

import type { AuditSpec } from '../operation/audit.ts';
import { bmcInWords } from '../plugin/bmc-input.ts';
import {
  fields,
  formatAgo,
  formatDuration,
  formatInstant,
  formatMiB,
  page,
  type RenderContext,
  section,
  table,
} from '../render/format.ts';
import type { ClusterStatusView } from './cluster-operations.ts';
import type { FaultView } from './fault-operations.ts';
import type { NodeDetail, NodeRow } from './node-operations.ts';
import type { PluginRow } from './plugin-operations.ts';

export function renderClusterStatus(status: ClusterStatusView, context: RenderContext): string {
  const { nodes, resources } = status;
  return page(
    fields(
      [
        ['Cluster', status.name],
        ['Health', `${status.health} %${status.maintenance ? ' (maintenance mode)' : ''}`],
        ['Primary', status.primary ?? 'none'],
        ['Nodes', `${nodes.total} (${nodes.run} running, ${nodes.ready} ready for guests)`],
        ...Object.entries(status.objects).map(([what, count]) => [what, count] as const),
        ['CPUs', resources.cpus],
        ['Memory', `${formatMiB(resources.memoryMiB.available)} available of ${formatMiB(resources.memoryMiB.total)}`],
        ['State', `${status.store.backend} (${status.store.session})`],
        ['Version', status.version],
      ],
      context,
    ),
    section(
      'Faults',
      (inner) =>
        status.faults.length === 0
          ? 'none'
          : table(
              [{ title: 'SEVERITY', state: true, keep: true }, { title: 'SINCE', keep: true }, 'WHAT'],
              status.faults.map((one) => [
                one.severity,
                formatAgo(one.firstMs, context.nowMs),
                `${one.message}${one.acknowledged ? ' (acknowledged)' : ''}`,
              ]),
              inner,
            ),
      context,
    ),
    status.tasks.length === 0
      ? undefined
      : section(
          'Tasks',
          (inner) =>
            table(
              ['ID', 'ACTION', 'TARGET', 'PHASE', 'PROGRESS'],
              status.tasks.map((one) => [
                one.id,
                one.action,
                one.target,
                one.phase,
                `${Math.round(one.progress * 100)} %`,
              ]),
              inner,
            ),
          context,
        ),
  );
}

export function renderNodes(nodes: NodeRow[], context: RenderContext): string {
  return table(
    [
      { title: 'NAME', keep: true },
      'ADDRESS',
      'ROLE',
      { title: 'DAEMON', state: true },
      'COORDINATOR',
      { title: 'GUESTS', state: true },
      'HEALTH',
      { title: 'CPUS', align: 'right' },
      { title: 'LOAD', align: 'right' },
      { title: 'MEMORY', align: 'right' },
      { title: 'AVAILABLE', align: 'right' },
      'VERSION',
    ],
    nodes.map((one) => [
      one.name,
      one.address,
      one.role,
      one.daemon,
      one.coordinator,
      one.domainState,
      one.health === null ? null : `${one.health} %`,
      one.cpus,
      one.load1,
      one.memoryMiB === null ? null : formatMiB(one.memoryMiB.total),
      one.memoryMiB === null ? null : formatMiB(one.memoryMiB.available),
      one.version,
    ]),
    context,
  );
}

const watchdogInWords = ({ device, identity, timeoutS, proves }: NonNullable<NodeDetail['watchdog']>): string =>
  `${device} (${identity}), ${timeoutS} s${proves ? ', its reset counts as proof' : ''}`;

export function renderNode(one: NodeDetail, context: RenderContext): string {
  return page(
    fields(
      [
        ['Name', one.name],
        ['Role', one.role],
        [
          'Daemon',
          one.startedMs === null ? one.daemon : `${one.daemon}, started ${formatAgo(one.startedMs, context.nowMs)}`,
        ],
        ['Coordinator', one.coordinator],
        ['Guests', one.domainState],
        ['Health', one.health === null ? null : `${one.health} %`],
        ['Version', one.version],
        ['CPUs', one.machine === null ? null : `${one.machine.cpus} (${one.machine.cpuModel})`],
        ['Load', one.load1],
        [
          'Memory',
          one.memoryMiB === null
            ? null
            : `${formatMiB(one.memoryMiB.available)} available of ${formatMiB(one.memoryMiB.total)}`,
        ],
        ['System', one.machine === null ? null : `${one.machine.os}, Linux ${one.machine.kernel}, ${one.machine.arch}`],
        ['BMC', bmcInWords(one.bmc)],
        one.watchdog === null ? undefined : ['Watchdog', watchdogInWords(one.watchdog)],
        ['Last report', one.updatedMs === null ? null : formatAgo(one.updatedMs, context.nowMs)],
      ],
      context,
    ),
    ...Object.entries(one.facts).map(([plugin, facts]) =>
      section(plugin, (inner) => fields(Object.entries(facts), inner), context),
    ),
    one.services.length === 0
      ? undefined
      : section(
          'Services',
          (inner) =>
            table(
              ['NAME', { title: 'STATE', state: true }, { title: 'RESTARTS', align: 'right' }, 'MESSAGE'],
              one.services.map((service) => [service.name, service.state, service.restarts, service.message]),
              inner,
            ),
          context,
        ),
    section(
      'Faults',
      (inner) =>
        one.faults.length === 0
          ? 'none'
          : table(
              [{ title: 'SEVERITY', state: true, keep: true }, 'WHAT', 'WHAT TO DO'],
              one.faults.map((fault) => [fault.severity, fault.message, fault.hint]),
              inner,
            ),
      context,
    ),
  );
}

export function renderFaults(faults: FaultView[], context: RenderContext): string {
  return table(
    [
      { title: 'ID', keep: true },
      { title: 'SEVERITY', state: true },
      { title: 'STATE', state: true },
      'SINCE',
      'LASTED',
      'WHAT',
    ],
    faults.map((one) => [
      one.id,
      one.severity,
      one.state,
      formatAgo(one.firstMs, context.nowMs),
      formatDuration((one.clearedMs ?? context.nowMs) - one.firstMs),
      one.message,
    ]),
    context,
  );
}

export function renderAudit(records: (AuditSpec & { id: string })[], context: RenderContext): string {
  return table(
    [{ title: 'WHEN', keep: true }, 'WHO', 'VIA', 'OPERATION', 'CHANGES'],
    records.map((one) => [formatInstant(one.atMs), one.actor, one.via, one.operation, one.changes.join(', ')]),
    context,
  );
}

export function renderPlugins(plugins: PluginRow[], context: RenderContext): string {
  return table(
    [
      { title: 'NAME', keep: true },
      'VERSION',
      'ORIGIN',
      { title: 'STATE', state: true },
      { title: 'TROUBLES', align: 'right' },
      'SUMMARY',
    ],
    plugins.map((one) => [one.name, one.version, one.origin, one.state, one.troubles, one.summary]),
    context,
  );
}
