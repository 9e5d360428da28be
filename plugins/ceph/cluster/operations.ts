/** Storage as a whole: making it, and how it is. @module */
import {
  defineMutation,
  defineQuery,
  fields,
  formatAgo,
  formatBytes,
  formatDuration,
  formatShare,
  names,
  node as nodeKind,
  type PlanBuilder,
  type PlanContext,
  page,
  paintState,
  type RenderContext,
  type Runtime,
  section,
  table,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { cephError } from '../command/errors.ts';
import { ceph, cephHealth, cephId, cephStatus, nothingKnown } from './ceph-kind.ts';
import { healthNow, shareOf } from './figures.ts';
import { networkField, planStorage } from './make-storage.ts';
import { needStorage } from './need-storage.ts';
import { ownAddressIn } from './own-address.ts';

const storageStatus = z.object({
  fsid: z.string(),
  network: z.string(),
  health: cephHealth.or(z.literal('unknown')).describe('unknown: Ceph does not answer, or never has yet'),
  silent: cephStatus.shape.silent.describe('since when Ceph has not answered, and why'),
  updatedMs: z.int().nullable().describe('when Ceph said all this'),
  checks: cephStatus.shape.checks,
  monitors: z.array(z.object({ name: z.string(), address: z.string(), quorum: z.boolean() })),
  osds: cephStatus.shape.osds,
  pgs: cephStatus.shape.pgs,
  usage: cephStatus.shape.usage,
  load: cephStatus.shape.load,
  recovery: cephStatus.shape.recovery,
  pools: cephStatus.shape.pools,
});
type StorageStatus = z.output<typeof storageStatus>;

/** `never yet`, `3 s ago`, or that it is the last answer of a storage that is silent. */
function toldOf({ health, updatedMs, silent }: StorageStatus, nowMs: number): string {
  if (updatedMs === null) return 'never yet';
  const ago = formatAgo(updatedMs, nowMs);
  if (health !== 'unknown') return ago;
  const silence =
    silent === undefined
      ? 'nobody has asked Ceph since'
      : `Ceph has not answered for ${formatDuration(nowMs - silent.sinceMs)} (${silent.reason})`;
  return `${ago}; ${silence}; all below is its last answer`;
}

export function renderStorage(status: StorageStatus, context: RenderContext): string {
  const { usage, load, osds, recovery } = status;
  return page(
    fields(
      [
        ['Health', paintState(status.health, context)],
        ['Told', toldOf(status, context.nowMs)],
        ['Disks (OSDs)', `${osds.total}, ${osds.up} up, ${osds.in} in`],
        [
          'Space',
          `${formatBytes(usage.usedBytes)} of ${formatBytes(usage.totalBytes)} used (${formatShare(shareOf(usage))}), ${formatBytes(usage.availableBytes)} free; before replication`,
        ],
        [
          'Load',
          `${formatBytes(load.readBytesPerS)}/s read (${load.readsPerS}/s), ${formatBytes(load.writeBytesPerS)}/s written (${load.writesPerS}/s)`,
        ],
        [
          'Placement groups',
          Object.entries(status.pgs)
            .map(([state, count]) => `${count} ${state}`)
            .join(', '),
        ],
        ...(recovery.degradedShare + recovery.misplacedShare === 0
          ? []
          : [
              [
                'Recovery',
                `${formatShare(recovery.degradedShare)} of copies missing, ${formatShare(recovery.misplacedShare)} elsewhere, ${formatBytes(recovery.bytesPerS)}/s`,
              ] as const,
            ]),
        ['Network', status.network],
        ['Ceph’s name', status.fsid],
      ],
      context,
    ),
    section(
      'Monitors',
      table(
        [{ title: 'NODE', keep: true }, 'ADDRESS', { title: 'STATE', state: true }],
        status.monitors.map((one) => [one.name, one.address, one.quorum ? 'up' : 'down']),
        context,
      ),
      context,
    ),
    status.pools.length === 0
      ? undefined
      : section(
          'Pools',
          table(
            [{ title: 'POOL', keep: true }, 'STORED', 'FREE'],
            status.pools.map((one) => [one.name, formatBytes(one.storedBytes), formatBytes(one.freeBytes)]),
            context,
          ),
          context,
        ),
    status.checks.length === 0
      ? undefined
      : section(
          'What is wrong (what to do: `pvc fault list`)',
          table(
            [{ title: 'SEVERITY', state: true }, 'CHECK', 'MESSAGE', { title: 'DETAILS', optional: true }],
            status.checks.map((one) => [one.severity, one.code, one.message, one.details.slice(0, 3).join('; ')]),
            context,
          ),
          context,
        ),
  );
}

/** Which node begins: the one that is named, else the primary, else any that can. @throws PvcError CEPH_FIRST */
async function firstNode({ view, localNode }: PlanContext, named: string | undefined): Promise<string> {
  const [alive, primary] = [await view.alive(), await view.primary()];
  if (named !== undefined) {
    const { id, spec } = await view.need(nodeKind, named);
    if (spec.role !== 'coordinator') throw cephError('CEPH_FIRST', { reason: `${id} is no coordinator` });
    if (!alive.has(id)) throw cephError('CEPH_FIRST', { reason: `the daemon of ${id} does not run` });
    return id;
  }
  const able = (await view.list(nodeKind)).filter(({ id, spec }) => spec.role === 'coordinator' && alive.has(id));
  const first = able.find(({ id }) => id === (primary ?? localNode)) ?? able[0];
  if (first === undefined) throw cephError('CEPH_FIRST', { reason: 'no coordinator runs' });
  return first.id;
}

/** Every node that runs is asked for its address; of others nobody knows. @throws PvcError CEPH_ADDRESS */
async function needAddresses(runtime: Runtime, plan: PlanBuilder, view: View, network: string): Promise<void> {
  const alive = await view.alive();
  const [asked, silent] = [[] as string[], [] as string[]];
  for (const { id } of await view.list(nodeKind)) (alive.has(id) ? asked : silent).push(id);
  const told = await Promise.all(
    asked.map((node) => runtime.ask('storage.address', { node, network }, runtime.signal) as Promise<NodeAddress>),
  );
  const without = told.filter(({ address }) => address === null).map(({ node }) => node);
  if (without.length > 0) throw cephError('CEPH_ADDRESS', { nodes: without.join(', '), network });
  if (silent.length > 0)
    plan.warn(`${silent.join(', ')} could not be asked for an address in ${network}, and will need one`);
}

const nodeAddress = z.object({ node: z.string(), address: z.string().nullable().describe('null: it has none there') });
type NodeAddress = z.output<typeof nodeAddress>;

export const clusterOperations = (runtime: () => Runtime) => [
  defineMutation({
    name: 'storage.init',
    summary: 'Make the storage of the cluster: Ceph, with a monitor and a manager on every coordinator',
    description:
      'Each coordinator, also one that joins later, makes and runs its monitor and manager by itself. Disks are added next, with `pvc storage osd add`.',
    http: { method: 'POST', path: '/storage' },
    cli: {
      command: 'storage init',
      options: { network: { value: 'CIDR' } },
      examples: ['pvc storage init --network 10.0.1.0/24'],
    },
    role: 'admin',
    input: z.strictObject({
      network: networkField,
      first: names.nodeName.optional().describe('coordinator that begins; the others join it'),
    }),
    output: z.object({ fsid: z.string(), network: z.string(), first: z.string() }),
    async plan(plan, context, input) {
      const { view } = context;
      const { network } = input;
      const before = await view.get(ceph, cephId);
      if (before !== undefined) throw cephError('CEPH_EXISTS', { fsid: before.spec.fsid });
      const first = await firstNode(context, input.first);
      await needAddresses(runtime(), plan, view, network);
      return { fsid: planStorage(plan, context, { network, first }), network, first };
    },
  }),
  defineQuery({
    name: 'storage.address',
    summary: 'Tell the address that a node has in a network',
    http: { method: 'GET', path: '/storage/addresses/{node}' },
    role: 'viewer',
    input: z.strictObject({ node: names.nodeName, network: networkField }),
    output: nodeAddress,
    on: async (_context, { node }) => node,
    run: async (_context, { node, network }) => ({ node, address: (await ownAddressIn(runtime(), network)) ?? null }),
  }),
  defineQuery({
    name: 'storage.status',
    summary: 'Show how the storage is: health, space, load, monitors',
    http: { method: 'GET', path: '/storage' },
    cli: { command: 'storage status', render: renderStorage },
    role: 'viewer',
    input: z.strictObject({}),
    output: storageStatus,
    async run({ view, nowMs }): Promise<StorageStatus> {
      const doc = await needStorage(view);
      const { spec, status = nothingKnown } = doc;
      return {
        fsid: spec.fsid,
        network: spec.network,
        health: healthNow(status, nowMs),
        ...(status.silent === undefined ? {} : { silent: status.silent }),
        updatedMs: status.updatedMs > 0 ? status.updatedMs : null,
        checks: status.checks,
        monitors: status.monitors.map((one) => ({ ...one, quorum: status.quorum.includes(one.name) })),
        osds: status.osds,
        pgs: status.pgs,
        usage: status.usage,
        load: status.load,
        recovery: status.recovery,
        pools: status.pools,
      };
    },
  }),
];
