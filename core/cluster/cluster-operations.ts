/** What is asked of the cluster as a whole: status, maintenance, audit. @module */
import { z } from 'zod';
import { fault, severities } from '../fault/fault-kind.ts';
import { cluster, clusterError, clusterId } from '../model/cluster-kind.ts';
import { type NodeSpec, node } from '../model/node-kind.ts';
import { audit } from '../operation/audit.ts';
import { defineMutation, defineQuery, type QueryContext } from '../operation/operation.ts';
import type { Documents } from '../store/documents.ts';
import { task, taskEnded } from '../task/task-kind.ts';
import { renderAudit, renderClusterStatus } from './cluster-render.ts';
import { healthOf, isOpen } from './health-score.ts';

export const clusterStatus = z.object({
  name: z.string(),
  version: z.string(),
  store: z.object({ backend: z.string(), session: z.string() }),
  health: z.int(),
  maintenance: z.boolean(),
  primary: z.string().nullable(),
  nodes: z.object({ total: z.int(), run: z.int(), ready: z.int() }),
  objects: z
    .record(z.string(), z.union([z.int(), z.string()]))
    .describe('how many of each kind there are, by state where they have one; or how it is, in a few words'),
  resources: z.object({
    cpus: z.int(),
    memoryMiB: z.object({ total: z.int(), available: z.int() }),
  }),
  faults: z.array(
    z.object({
      id: z.string(),
      severity: z.enum(severities),
      message: z.string(),
      hint: z.string(),
      object: z.string(),
      firstMs: z.int(),
      acknowledged: z.boolean(),
    }),
  ),
  tasks: z.array(
    z.object({ id: z.string(), action: z.string(), target: z.string(), phase: z.string(), progress: z.number() }),
  ),
});
export type ClusterStatusView = z.infer<typeof clusterStatus>;

/** Nodes whose power nobody can switch from outside; one that is alone has nobody to do so. */
function withoutBmc(nodes: readonly { readonly id: string; readonly spec: NodeSpec }[]): Record<string, string> {
  const names = nodes.filter(({ spec }) => spec.bmc === undefined).map(({ id }) => id);
  if (nodes.length === 1 || names.length === 0) return {};
  const shown = names.length > 5 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  return { 'Without a BMC': `${shown.join(', ')} (power cannot be switched from outside)` };
}

export interface ClusterOperationParts {
  readonly version: string;
  readonly documents: () => Documents;
  /** What plugins count, by the label that it is shown with. */
  readonly count: (context: QueryContext) => Promise<readonly Readonly<Record<string, number | string>>[]>;
}

export function clusterOperations(parts: ClusterOperationParts) {
  return [
    defineQuery({
      name: 'cluster.status',
      summary: 'Show the health of the cluster, what it holds, what is wrong and what is going on',
      http: { method: 'GET', path: '/cluster' },
      cli: { command: 'cluster status', aliases: ['status'], render: renderClusterStatus },
      role: 'viewer',
      input: z.strictObject({}),
      output: clusterStatus,
      async run(context) {
        const { view } = context;
        const { store } = parts.documents();
        const [doc, nodes, faults, tasks] = await Promise.all([
          view.get(cluster, clusterId),
          view.list(node),
          view.list(fault),
          view.list(task),
        ]);
        if (doc === undefined) throw clusterError('CLUSTER_NOT_INITIALISED', { path: store.backend });
        const alive = await view.alive();
        const open = faults.filter(isOpen);
        const objects: Record<string, number | string> = Object.assign(
          {},
          ...(await parts.count(context)),
          withoutBmc(nodes),
        );
        return {
          name: doc.spec.name,
          version: parts.version,
          store: { backend: store.backend, session: store.session.state },
          health: healthOf(faults),
          maintenance: doc.spec.maintenance,
          primary: (await view.primary()) ?? null,
          nodes: {
            total: nodes.length,
            run: nodes.filter((one) => alive.has(one.id)).length,
            ready: nodes.filter((one) => alive.has(one.id) && one.spec.domainState === 'ready').length,
          },
          objects,
          resources: {
            cpus: nodes.reduce((sum, one) => sum + (one.status?.machine.cpus ?? 0), 0),
            memoryMiB: {
              total: nodes.reduce((sum, one) => sum + (one.status?.machine.memoryMiB ?? 0), 0),
              available: nodes.reduce(
                (sum, one) => sum + (alive.has(one.id) ? (one.status?.load.memoryAvailableMiB ?? 0) : 0),
                0,
              ),
            },
          },
          faults: open
            .map((one) => ({
              id: one.id,
              severity: one.status.severity,
              message: one.status.message,
              hint: one.status.hint,
              object: one.status.object,
              firstMs: one.status.firstMs,
              acknowledged: one.spec.acknowledgedMs !== undefined,
            }))
            .sort((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity) || a.firstMs - b.firstMs),
          tasks: tasks
            .filter((one) => !taskEnded(one.status))
            .map((one) => ({
              id: one.id,
              action: one.spec.action,
              target: `${one.spec.target.kind} ${one.spec.target.label}`,
              phase: one.status?.phase ?? '',
              progress: one.status?.progress ?? 0,
            })),
        };
      },
    }),
    defineMutation({
      name: 'cluster.maintenance',
      summary: 'Switch maintenance mode on or off',
      description:
        'While it is on, faults are still recorded and shown; automatic actions against failed nodes are held back.',
      http: { method: 'POST', path: '/cluster/maintenance' },
      cli: {
        command: 'cluster maintenance',
        arguments: [{ field: 'state', complete: ['on', 'off'] }],
        examples: ['pvc cluster maintenance on'],
      },
      role: 'admin',
      input: z.strictObject({ state: z.enum(['on', 'off']) }),
      output: z.object({ maintenance: z.boolean() }),
      async plan(plan, { view }, input) {
        const doc = await view.need(cluster, clusterId);
        const maintenance = input.state === 'on';
        if (doc.spec.maintenance === maintenance) plan.warn(`Maintenance mode was ${input.state} already.`);
        else {
          plan.update(cluster, doc, { ...doc.spec, maintenance });
          plan.act(`switch maintenance mode ${input.state}`);
        }
        return { maintenance };
      },
    }),
    defineQuery({
      name: 'cluster.audit',
      summary: 'List who changed what, newest first',
      http: { method: 'GET', path: '/cluster/audit' },
      cli: { command: 'cluster audit', render: renderAudit, nameField: 'id' },
      role: 'admin',
      input: z.strictObject({
        limit: z.int().min(1).max(1000).default(50).describe('how many at most'),
        actor: z.string().max(64).optional().describe('only what this actor did'),
        operation: z.string().max(64).optional().describe('only this operation, as vm.start'),
      }),
      output: z.array(
        z.object({
          id: z.string(),
          atMs: z.int(),
          actor: z.string(),
          role: z.string(),
          via: z.string(),
          operation: z.string(),
          input: z.unknown(),
          changes: z.array(z.string()),
          tasks: z.array(z.string()),
        }),
      ),
      async run({ view }, input) {
        const records = await view.list(audit);
        return records
          .filter(
            (one) =>
              (input.actor === undefined || one.spec.actor === input.actor) &&
              (input.operation === undefined || one.spec.operation === input.operation),
          )
          .sort((a, b) => (a.id < b.id ? 1 : -1))
          .slice(0, input.limit)
          .map((one) => ({ id: one.id, ...one.spec }));
      },
    }),
  ];
}
