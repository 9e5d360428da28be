/** Shows volumes. @module */
import {
  defineQuery,
  type Field,
  fields,
  formatBytes,
  formatInstant,
  page,
  type RenderContext,
  section,
  table,
  z,
} from '../../../core/plugin/api.ts';
import { holdersOf, holderText } from '../client/holders.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { poolName } from '../pool/pool-kind.ts';
import { needVolume, volumeArgument, wordsOf } from './common.ts';
import { clonesOf, imageInfo, usedBytes } from './image.ts';
import { snapshotsOf } from './snapshot-image.ts';
import type { VolumeUsage } from './usage.ts';
import { type VolumeSpec, volume, volumeError, volumeLimits, volumeRef } from './volume-kind.ts';

const volumeRow = z.object({
  name: z.string(),
  pool: z.string(),
  sizeBytes: z.number().describe('what it may grow to'),
  usedBytes: z
    .number()
    .nullable()
    .describe('what it takes, its snapshots with it, without replicas; null: not counted'),
  countedMs: z.number().nullable().describe('when that was counted'),
  users: z.array(z.string()).describe('who has it as a disk'),
  state: z.enum(['ready', 'making', 'renaming', 'removing']),
});
type VolumeRow = z.output<typeof volumeRow>;

const stateOf = ({ making, removing, was }: VolumeSpec): VolumeRow['state'] =>
  removing ? 'removing' : making ? 'making' : was === undefined ? 'ready' : 'renaming';

const renderVolumes = (rows: readonly VolumeRow[], context: RenderContext): string =>
  table(
    [{ title: 'VOLUME', keep: true }, 'SIZE', 'USED', { title: 'STATE', state: true }, 'USED BY'],
    rows.map((row) => [
      `${row.pool}/${row.name}`,
      row.state === 'making' ? null : formatBytes(row.sizeBytes),
      row.usedBytes === null ? null : formatBytes(row.usedBytes),
      row.state,
      row.users.join(', '),
    ]),
    context,
  );

const volumeInfo = volumeRow.omit({ countedMs: true }).extend({
  usedBytes: z.number(),
  createdMs: z.number(),
  limits: volumeLimits,
  features: z.array(z.string()),
  parent: z.string().nullable().describe('what it reads from, POOL/NAME@SNAPSHOT'),
  clones: z.array(z.string()).describe('volumes that read from it'),
  snapshots: z.array(z.object({ name: z.string(), protected: z.boolean(), createdMs: z.number().nullable() })),
  holders: z.array(z.object({ address: z.string(), node: z.string().nullable() })).describe('who has it open'),
});
type VolumeInfo = z.output<typeof volumeInfo>;

const limitWords: Readonly<Record<keyof VolumeInfo['limits'], (value: number) => string>> = {
  iops: (value) => `${value} operations/s`,
  readIops: (value) => `${value} reads/s`,
  writeIops: (value) => `${value} writes/s`,
  bytesPerS: (value) => `${formatBytes(value)}/s`,
  readBytesPerS: (value) => `${formatBytes(value)}/s read`,
  writeBytesPerS: (value) => `${formatBytes(value)}/s written`,
};

function renderVolume(info: VolumeInfo, context: RenderContext): string {
  const limits = Object.entries(limitWords)
    .map(([field, words]) => [info.limits[field as keyof VolumeInfo['limits']], words] as const)
    .filter(([value]) => value > 0)
    .map(([value, words]) => words(value));
  const shown: (Field | undefined)[] = [
    ['Volume', `${info.pool}/${info.name}`],
    ['State', info.state],
    ['Size', formatBytes(info.sizeBytes)],
    ['Used', formatBytes(info.usedBytes)],
    ['Used by', info.users.join(', ') || 'nobody'],
    ['Open at', info.holders.map(holderText).join(', ') || 'no node'],
    ['Limits', limits.join(', ') || 'none'],
    info.parent === null ? undefined : ['Reads from', info.parent],
    info.clones.length === 0 ? undefined : ['Clones', info.clones.join(', ')],
    ['Made', formatInstant(info.createdMs)],
  ];
  const snapshots = table(
    [{ title: 'SNAPSHOT', keep: true }, 'MADE', 'PROTECTED'],
    info.snapshots.map((one) => [
      one.name,
      one.createdMs === null ? null : formatInstant(one.createdMs),
      one.protected,
    ]),
    context,
  );
  return page(
    fields(shown, context),
    info.snapshots.length === 0 ? undefined : section('Snapshots', snapshots, context),
  );
}

export function volumeQueries(ceph: () => CephCommand, usage: () => VolumeUsage) {
  return [
    defineQuery({
      name: 'volume.list',
      summary: 'List volumes',
      http: { method: 'GET', path: '/storage/volumes' },
      cli: { command: 'storage volume list', options: { pool: { complete: 'pool' } }, render: renderVolumes },
      role: 'viewer',
      input: z.strictObject({ pool: poolName.optional().describe('only those of this pool') }),
      output: z.array(volumeRow),
      async run({ view, signal }, { pool }): Promise<VolumeRow[]> {
        const docs = (await view.list(volume)).filter(({ spec }) => pool === undefined || spec.pool === pool);
        const users = await view.referrers('volume');
        const pools = [...new Set(docs.map(({ spec }) => spec.pool))];
        const counted = new Map(
          await Promise.all(pools.map(async (one) => [one, await usage().of(one, signal)] as const)),
        );
        return docs
          .map(({ spec }) => ({
            name: spec.name,
            pool: spec.pool,
            sizeBytes: spec.sizeBytes,
            usedBytes: counted.get(spec.pool)?.bytes.get(spec.was ?? spec.name) ?? null,
            countedMs: counted.get(spec.pool)?.countedMs ?? null,
            users: (users.get(`${spec.pool}/${spec.name}`) ?? []).map(wordsOf),
            state: stateOf(spec),
          }))
          .toSorted((a, b) => (`${a.pool}/${a.name}` < `${b.pool}/${b.name}` ? -1 : 1));
      },
    }),
    defineQuery({
      name: 'volume.info',
      summary: 'Show everything about a volume: use, holders, snapshots, clones, limits',
      http: { method: 'GET', path: '/storage/volumes/{volume}' },
      cli: { command: 'storage volume info', arguments: [volumeArgument], render: renderVolume },
      role: 'viewer',
      input: z.strictObject({ volume: volumeRef }),
      output: volumeInfo,
      async run({ view }, { volume: ref }): Promise<VolumeInfo> {
        const { spec } = await needVolume(view, ref);
        const image = await imageInfo(ceph(), ref);
        if (image === undefined) throw volumeError('VOLUME_LOST', { volume: ref });
        const [snapshots, clones, holders, used] = await Promise.all([
          snapshotsOf(ceph(), ref),
          clonesOf(ceph(), ref),
          holdersOf(ceph(), view, ref),
          usedBytes(ceph(), ref),
        ]);
        if (snapshots === undefined) throw volumeError('VOLUME_LOST', { volume: ref });
        const { parent } = image;
        return {
          name: spec.name,
          pool: spec.pool,
          sizeBytes: image.sizeBytes,
          usedBytes: used,
          users: ((await view.referrers('volume')).get(ref) ?? []).map(wordsOf),
          state: stateOf(spec),
          createdMs: spec.createdMs,
          limits: spec.limits,
          features: [...image.features],
          parent: parent === undefined ? null : `${parent.pool}/${parent.image}@${parent.snapshot}`,
          clones,
          snapshots: snapshots.map(({ name, protected: kept, createdMs }) => ({ name, protected: kept, createdMs })),
          holders,
        };
      },
    }),
  ];
}
