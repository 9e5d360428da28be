/** Where PowerDNS keeps its zones: choose it, and see how it is. @module */
import {
  defineMutation,
  defineQuery,
  node as nodeKind,
  type PlanContext,
  type QueryContext,
  z,
} from '../../../core/plugin/api.ts';
import { pdnsError } from '../record/record-kind.ts';
import { backendId, backendNames, dnsBackend, dnsGroup, dnsMember, memberStates } from './backend-kind.ts';
import { renderBackend } from './render.ts';

/** Fewer cannot tell which of them is cut off. */
const fewestMembers = 3;

const backendStatus = z.object({
  backend: z.enum(backendNames),
  epoch: z.int().nullable().describe('how many times a group of MariaDB servers has begun; null: none has'),
  first: z.string().nullable().describe('the coordinator that began it'),
  members: z.array(
    z.object({
      node: z.string(),
      state: z
        .enum([...memberStates, 'unknown'])
        .describe(
          'primary: takes writes; waiting: tells names, without enough others to write; unknown: its daemon does not run, or has told nothing yet',
        ),
      epoch: z.int().nullable().describe('of the group that it belongs to'),
    }),
  ),
});
export type BackendStatus = z.output<typeof backendStatus>;

async function statusOf({ view }: Pick<QueryContext, 'view'>): Promise<BackendStatus> {
  const backend = (await view.get(dnsBackend, backendId))?.spec.backend ?? 'sqlite';
  const [group, told, nodes, alive] = await Promise.all([
    view.get(dnsGroup, backendId),
    view.list(dnsMember),
    view.list(nodeKind),
    view.alive(),
  ]);
  const members = nodes
    .filter(({ spec }) => spec.role === 'coordinator')
    .map(({ id }) => {
      const spec = alive.has(id) ? told.find((one) => one.id === id)?.spec : undefined;
      return { node: id, state: spec?.state ?? ('unknown' as const), epoch: spec?.epoch ?? null };
    });
  const shared = backend === 'galera';
  return {
    backend,
    epoch: (shared && group?.spec.epoch) || null,
    first: (shared && group?.spec.first) || null,
    members: shared ? members : [],
  };
}

/** @throws PvcError DNS_BACKEND_FEW */
async function needMembers({ view }: Pick<PlanContext, 'view'>): Promise<void> {
  const nodes = await view.list(nodeKind);
  const able = nodes.filter(({ spec }) => spec.role === 'coordinator' && spec.address !== undefined);
  if (able.length < fewestMembers) throw pdnsError('DNS_BACKEND_FEW', { count: able.length });
}

export const backendOperations = () => [
  defineMutation({
    name: 'network.dns-backend',
    summary: 'Choose where PowerDNS keeps the names: in SQLite on each coordinator, or in MariaDB with Galera',
    description:
      'All coordinators follow; the PowerDNS of each is silent for a second or two when it goes over. Nothing is lost: both are made from the state of the cluster.',
    http: { method: 'PUT', path: '/dns/backend' },
    cli: {
      command: 'network dns backend',
      arguments: [{ field: 'backend', complete: backendNames }],
      confirm: 'Have PowerDNS keep the names in {backend}?',
      examples: ['pvc network dns backend galera', 'pvc network dns backend sqlite'],
    },
    role: 'admin',
    input: z.strictObject({ backend: z.enum(backendNames).describe(backendNames.join(' or ')) }),
    output: z.object({ backend: z.enum(backendNames) }),
    async plan(plan, context, { backend }) {
      const before = await context.view.get(dnsBackend, backendId);
      if (backend === (before?.spec.backend ?? 'sqlite')) {
        plan.warn(`PowerDNS keeps the names in ${backend} already`);
        return { backend };
      }
      if (backend === 'galera') {
        await needMembers(context);
        plan.act('run MariaDB with Galera on every coordinator, and have PowerDNS keep the names there');
      } else
        plan.act('have PowerDNS keep the names in SQLite on each coordinator, then end MariaDB and remove its data');
      if (before === undefined) plan.create(dnsBackend, backendId, { backend });
      else plan.update(dnsBackend, before, { backend });
      return { backend };
    },
  }),
  defineQuery({
    name: 'network.dns-status',
    summary: 'Show where PowerDNS keeps the names, and how that is on each coordinator',
    http: { method: 'GET', path: '/dns/backend' },
    cli: { command: 'network dns status', render: renderBackend },
    role: 'viewer',
    input: z.strictObject({}),
    output: backendStatus,
    run: (context) => statusOf(context),
  }),
];
