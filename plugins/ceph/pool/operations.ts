/** Pools: add, change, remove, list. @module */
import {
  type Doc,
  defineMutation,
  defineQuery,
  formatBytes,
  formatShare,
  type PlanBuilder,
  type RenderContext,
  table,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { needStorage } from '../cluster/need-storage.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { osd } from '../osd/osd-kind.ts';
import { osdFigures } from '../osd/osd-map.ts';
import { volume } from '../volume/volume-kind.ts';
import { poolFigures } from './pool-figures.ts';
import { type PoolSpec, pool, poolError, poolName, poolSpec } from './pool-kind.ts';
import { cautions, type Disk, placesFor, unfit } from './pool-plan.ts';

const makeTimeoutMs = 600_000;

const poolRow = z.object({
  name: z.string(),
  replicas: z.int(),
  minReplicas: z.int(),
  domain: poolSpec.shape.domain,
  class: z.string().nullable(),
  pgs: z.int().nullable().describe('null: found by Ceph'),
  volumes: z.int(),
  provisionedBytes: z.number().describe('what all its volumes may grow to'),
  storedBytes: z.number().nullable().describe('data in it, each piece once; null: Ceph does not answer'),
  freeBytes: z.number().nullable().describe('data that still fits'),
});
export type PoolRow = z.output<typeof poolRow>;

export const poolArgument = { field: 'pool', complete: 'pool' } as const;

/** @throws PvcError POOL_NOT_FOUND */
export async function needPool(view: View, name: string): Promise<Doc<PoolSpec, null>> {
  const doc = await view.get(pool, name);
  if (doc === undefined || doc.spec.removing) throw poolError('POOL_NOT_FOUND', { pool: name });
  return doc;
}

const renderPools = (rows: readonly PoolRow[], context: RenderContext): string =>
  table(
    [
      { title: 'POOL', keep: true },
      'REPLICAS',
      { title: 'DIFFERENT', optional: true },
      'CLASS',
      { title: 'PGS', optional: true },
      'VOLUMES',
      'STORED',
      'FREE',
      { title: 'PROVISIONED', optional: true },
    ],
    rows.map((row) => [
      row.name,
      `${row.replicas} (${row.minReplicas})`,
      row.domain === 'host' ? 'nodes' : 'disks',
      row.class,
      row.pgs ?? 'auto',
      row.volumes,
      row.storedBytes === null
        ? null
        : `${formatBytes(row.storedBytes)} (${formatShare(row.storedBytes / Math.max(1, row.storedBytes + (row.freeBytes ?? 0)))})`,
      row.freeBytes === null ? null : formatBytes(row.freeBytes),
      formatBytes(row.provisionedBytes),
    ]),
    context,
  );

export function poolOperations(ceph: () => CephCommand) {
  /** The disks that there are, as the store knows them; the class of each only Ceph knows. */
  async function disksOf(view: View, wanted: string | undefined): Promise<Disk[]> {
    const docs = await view.list(osd);
    if (wanted === undefined) return docs.map(({ spec }) => ({ node: spec.node, class: '' }));
    const classes = new Map((await osdFigures(ceph())).map((one) => [String(one.id), one.class]));
    return docs.map(({ id, spec }) => ({ node: spec.node, class: classes.get(id) ?? '' }));
  }

  async function check(plan: PlanBuilder, view: View, name: string, spec: PoolSpec): Promise<void> {
    const reason = unfit(spec, await disksOf(view, spec.class));
    if (reason !== undefined) throw poolError('POOL_UNFIT', { pool: name, reason });
    for (const caution of cautions(spec)) plan.warn(caution);
  }

  const make = (plan: PlanBuilder, name: string, spec: PoolSpec, before: PoolSpec | null): void => {
    plan.task({
      action: 'pool.make',
      target: { kind: 'pool', id: name, label: name },
      node: undefined,
      input: { spec, before },
      timeoutMs: makeTimeoutMs,
    });
  };

  return [
    defineMutation({
      name: 'pool.add',
      summary: 'Make a pool',
      description:
        'Without options: three replicas on different nodes, of which two must be at hand; fewer where there are fewer nodes with disks.',
      http: { method: 'POST', path: '/storage/pools' },
      cli: {
        command: 'storage pool add',
        arguments: [{ field: 'pool' }],
        options: { class: { value: 'CLASS' } },
        waits: true,
        examples: ['pvc storage pool add vms', 'pvc storage pool add fast --class nvme --replicas 3 --min-replicas 2'],
      },
      role: 'admin',
      input: z.strictObject({
        pool: poolName,
        replicas: poolSpec.shape.replicas.optional().describe('disks that hold each piece of data'),
        minReplicas: poolSpec.shape.minReplicas.optional().describe('how many must be at hand to read and write'),
        domain: poolSpec.shape.domain.default('host').describe('replicas are on different: host or osd'),
        class: poolSpec.shape.class.describe('only disks of this class'),
        pgs: poolSpec.shape.pgs.describe('placement groups, a power of two; found by Ceph unless given'),
      }),
      output: z.object({ pool: z.string(), replicas: z.int(), minReplicas: z.int() }),
      async plan(plan, { view }, { pool: name, ...wish }) {
        await needStorage(view);
        const places = placesFor(await disksOf(view, wish.class), wish);
        const replicas = wish.replicas ?? Math.max(1, Math.min(3, places));
        const spec = poolSpec.parse({
          ...wish,
          replicas,
          minReplicas: wish.minReplicas ?? Math.max(1, Math.ceil(replicas / 2)),
        });
        await check(plan, view, name, spec);
        plan.create(pool, name, spec);
        make(plan, name, spec, null);
        plan.act(`make the pool ${name} with ${spec.replicas} replicas on different ${spec.domain}s`);
        return { pool: name, replicas: spec.replicas, minReplicas: spec.minReplicas };
      },
    }),
    defineMutation({
      name: 'pool.modify',
      summary: 'Change how a pool keeps its data; Ceph moves data as needed, while it is in use',
      http: { method: 'PATCH', path: '/storage/pools/{pool}' },
      cli: {
        command: 'storage pool modify',
        arguments: [poolArgument],
        options: { class: { value: 'CLASS' } },
        waits: true,
      },
      role: 'admin',
      input: z.strictObject({
        pool: poolName,
        replicas: poolSpec.shape.replicas.optional().describe('disks that hold each piece of data'),
        minReplicas: poolSpec.shape.minReplicas.optional().describe('how many must be at hand to read and write'),
        domain: poolSpec.shape.domain.optional().describe('replicas are on different: host or osd'),
        class: poolSpec.shape.class.describe('only disks of this class'),
        pgs: poolSpec.shape.pgs.describe('placement groups, a power of two'),
      }),
      output: z.object({ pool: z.string() }),
      async plan(plan, { view }, { pool: name, ...wish }) {
        const doc = await needPool(view, name);
        const given = Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined));
        const spec = poolSpec.parse({ ...doc.spec, ...given });
        await check(plan, view, name, spec);
        plan.update(pool, doc, spec);
        make(plan, name, spec, doc.spec);
        return { pool: name };
      },
    }),
    defineMutation({
      name: 'pool.remove',
      summary: 'Remove a pool without volumes',
      http: { method: 'DELETE', path: '/storage/pools/{pool}' },
      cli: {
        command: 'storage pool remove',
        aliases: ['rm'],
        arguments: [poolArgument],
        confirm: 'Remove the pool {pool}?',
        waits: true,
      },
      role: 'admin',
      input: z.strictObject({ pool: poolName }),
      output: z.object({ pool: z.string() }),
      async plan(plan, { view }, { pool: name }) {
        const doc = await view.get(pool, name);
        if (doc === undefined) throw poolError('POOL_NOT_FOUND', { pool: name });
        const held = (await view.list(volume)).filter(({ spec }) => spec.pool === name);
        if (held.length > 0)
          throw poolError('POOL_USED', {
            pool: name,
            reason: `it holds ${held.length} volumes (${held[0]?.spec.name} …)`,
          });
        plan.update(pool, doc, { ...doc.spec, removing: true });
        plan.task({
          action: 'pool.remove',
          target: { kind: 'pool', id: name, label: name },
          node: undefined,
          input: null,
          timeoutMs: makeTimeoutMs,
        });
        plan.act(`remove the pool ${name} and everything in it`);
        return { pool: name };
      },
    }),
    defineQuery({
      name: 'pool.list',
      summary: 'List the pools, with what they hold',
      http: { method: 'GET', path: '/storage/pools' },
      cli: { command: 'storage pool list', render: renderPools },
      role: 'viewer',
      input: z.strictObject({}),
      output: z.array(poolRow),
      async run({ view }): Promise<PoolRow[]> {
        const [docs, volumes, figures] = await Promise.all([view.list(pool), view.list(volume), poolFigures(ceph())]);
        return docs.map(({ id, spec }) => {
          const own = volumes.filter((one) => one.spec.pool === id);
          const figure = figures.get(id);
          return {
            name: id,
            replicas: spec.replicas,
            minReplicas: spec.minReplicas,
            domain: spec.domain,
            class: spec.class ?? null,
            pgs: spec.pgs ?? null,
            volumes: own.length,
            provisionedBytes: own.reduce((sum, one) => sum + one.spec.sizeBytes, 0),
            storedBytes: figure?.storedBytes ?? null,
            freeBytes: figure?.freeBytes ?? null,
          };
        });
      },
    }),
  ];
}
