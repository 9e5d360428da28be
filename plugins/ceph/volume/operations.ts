/** Volumes: make, grow, remove, list. @module */
import {
  type Doc,
  defineMutation,
  defineQuery,
  formatBytes,
  type PlanBuilder,
  type RenderContext,
  table,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { needPool } from '../pool/operations.ts';
import { poolFigures } from '../pool/pool-figures.ts';
import { pool as poolKind, poolName } from '../pool/pool-kind.ts';
import { needRoom } from './room.ts';
import { type VolumeSpec, volume, volumeBytes, volumeError, volumeRef } from './volume-kind.ts';

const makeTimeoutMs = 300_000;
const removeTimeoutMs = 24 * 3_600_000;

export const volumeArgument = { field: 'volume', complete: 'volume' } as const;

const splitRef = (ref: string): { pool: string; name: string } => {
  const [pool = '', name = ''] = ref.split('/');
  return { pool, name };
};

/** @throws PvcError VOLUME_NOT_FOUND */
export async function needVolume(view: View, ref: string): Promise<Doc<VolumeSpec, null>> {
  const found = await view.find(volume, 'name', ref);
  if (found === undefined) throw volumeError('VOLUME_NOT_FOUND', { volume: ref });
  return found;
}

const force = z.boolean().default(false).describe('even if the pool could run full');

const volumeRow = z.object({
  name: z.string(),
  pool: z.string(),
  sizeBytes: z.number(),
  users: z.array(z.string()).describe('who has it as a disk'),
  state: z.enum(['ready', 'making', 'removing']),
});
type VolumeRow = z.output<typeof volumeRow>;

const renderVolumes = (rows: readonly VolumeRow[], context: RenderContext): string =>
  table(
    [{ title: 'VOLUME', keep: true }, 'SIZE', { title: 'STATE', state: true }, 'USED BY'],
    rows.map((row) => [`${row.pool}/${row.name}`, formatBytes(row.sizeBytes), row.state, row.users.join(', ')]),
    context,
  );

const stateOf = ({ making, removing }: VolumeSpec): VolumeRow['state'] =>
  removing ? 'removing' : making ? 'making' : 'ready';

/** A task of the primary on a volume. */
function volumeTask(
  plan: PlanBuilder,
  action: string,
  id: string,
  label: string,
  input: unknown,
  timeoutMs: number,
): void {
  plan.task({ action, target: { kind: 'volume', id, label }, node: undefined, input, timeoutMs });
}

export function volumeOperations(ceph: () => CephCommand) {
  async function guard(pool: string, moreBytes: number, forced: boolean): Promise<void> {
    if (forced) return;
    const figures = (await poolFigures(ceph())).get(pool);
    if (figures !== undefined) needRoom(pool, figures, moreBytes);
  }

  return [
    defineMutation({
      name: 'volume.add',
      summary: 'Make an empty volume',
      http: { method: 'POST', path: '/storage/volumes' },
      cli: {
        command: 'storage volume add',
        arguments: [{ field: 'volume' }, { field: 'sizeBytes' }],
        waits: true,
        examples: ['pvc storage volume add vms/web1 20G'],
      },
      role: 'operator',
      input: z.strictObject({ volume: volumeRef, sizeBytes: volumeBytes.describe('its size'), force }),
      output: z.object({ volume: z.string(), sizeBytes: z.int() }),
      async plan(plan, context, { volume: ref, sizeBytes, force: forced }) {
        const { view, nowMs } = context;
        const { pool, name } = splitRef(ref);
        plan.unchanged(poolKind, await needPool(view, pool));
        if ((await view.find(volume, 'image', ref)) !== undefined) throw volumeError('VOLUME_EXISTS', { volume: ref });
        await guard(pool, sizeBytes, forced);
        const id = context.uuid();
        plan.create(volume, id, { pool, name, sizeBytes, createdMs: Math.round(nowMs), making: true, removing: false });
        volumeTask(plan, 'volume.create', id, ref, null, makeTimeoutMs);
        plan.act(`make the image ${ref} of ${formatBytes(sizeBytes)}`);
        return { volume: ref, sizeBytes };
      },
    }),
    defineMutation({
      name: 'volume.resize',
      summary: 'Make a volume larger, also while its guest runs',
      http: { method: 'POST', path: '/storage/volumes/{volume}/resize' },
      cli: { command: 'storage volume resize', arguments: [volumeArgument, { field: 'sizeBytes' }], waits: true },
      role: 'operator',
      input: z.strictObject({ volume: volumeRef, sizeBytes: volumeBytes.describe('its new size'), force }),
      output: z.object({ volume: z.string(), sizeBytes: z.int() }),
      async plan(plan, { view }, { volume: ref, sizeBytes, force: forced }) {
        const doc = await needVolume(view, ref);
        if (sizeBytes < doc.spec.sizeBytes)
          throw volumeError('VOLUME_SHRINKS', {
            volume: ref,
            now: formatBytes(doc.spec.sizeBytes),
            wanted: formatBytes(sizeBytes),
          });
        await guard(doc.spec.pool, sizeBytes - doc.spec.sizeBytes, forced);
        plan.unchanged(volume, doc);
        volumeTask(plan, 'volume.resize', doc.id, ref, { sizeBytes }, makeTimeoutMs);
        plan.act(`make the image ${ref} ${formatBytes(sizeBytes)} large`);
        return { volume: ref, sizeBytes };
      },
    }),
    defineMutation({
      name: 'volume.remove',
      summary: 'Remove a volume that no guest has',
      http: { method: 'DELETE', path: '/storage/volumes/{volume}' },
      cli: {
        command: 'storage volume remove',
        aliases: ['rm'],
        arguments: [volumeArgument],
        confirm: 'Remove the volume {volume} and everything in it?',
        waits: true,
      },
      role: 'operator',
      input: z.strictObject({ volume: volumeRef }),
      output: z.object({ volume: z.string() }),
      async plan(plan, { view }, { volume: ref }) {
        // One whose removal was given up half-way has no name any more, and can still be removed.
        const doc = await view.find(volume, 'image', ref);
        if (doc === undefined) throw volumeError('VOLUME_NOT_FOUND', { volume: ref });
        plan.update(volume, doc, { ...doc.spec, removing: true });
        volumeTask(plan, 'volume.remove', doc.id, ref, null, removeTimeoutMs);
        plan.act(`remove the image ${ref}`);
        return { volume: ref };
      },
    }),
    defineQuery({
      name: 'volume.list',
      summary: 'List volumes',
      http: { method: 'GET', path: '/storage/volumes' },
      cli: { command: 'storage volume list', options: { pool: { complete: 'pool' } }, render: renderVolumes },
      role: 'viewer',
      input: z.strictObject({ pool: poolName.optional().describe('only those of this pool') }),
      output: z.array(volumeRow),
      async run({ view }, { pool }): Promise<VolumeRow[]> {
        const docs = (await view.list(volume)).filter(({ spec }) => pool === undefined || spec.pool === pool);
        const users = await view.referrers('volume');
        return docs
          .map(({ spec }) => ({
            name: spec.name,
            pool: spec.pool,
            sizeBytes: spec.sizeBytes,
            users: [...(users.get(`${spec.pool}/${spec.name}`) ?? [])],
            state: stateOf(spec),
          }))
          .toSorted((a, b) => (`${a.pool}/${a.name}` < `${b.pool}/${b.name}` ? -1 : 1));
      },
    }),
  ];
}
