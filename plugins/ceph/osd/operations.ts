/** Disks of the storage (OSDs): adding, listing, taking out and in. @module */
import {
  defineMutation,
  defineQuery,
  formatBytes,
  formatShare,
  names,
  node as nodeKind,
  type RenderContext,
  table,
  z,
} from '../../../core/plugin/api.ts';
import { cephId, ceph as cephKind } from '../cluster/ceph-kind.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';
import { type Backing, deviceClass, osd, osdError } from './osd-kind.ts';
import { type OsdFigures, type OsdMapEntry, osdFigures, osdMap } from './osd-map.ts';
import { removeOperation } from './remove-operation.ts';

const addTimeoutMs = 900_000;
/** BlueStore needs room for itself; below this an OSD cannot even start. */
const leastFileBytes = 1024 ** 3;

const osdRow = z.object({
  osd: z.int(),
  node: z.string().nullable().describe('null: PVC does not know it; it was made by other means'),
  backing: z.string().nullable(),
  path: z.string().nullable(),
  daemon: z.string().nullable(),
  up: z.boolean(),
  in: z.boolean(),
  class: z.string().nullable(),
  weight: z.number().nullable(),
  totalBytes: z.number().nullable(),
  usedBytes: z.number().nullable(),
  pgs: z.int().nullable(),
});
type OsdRow = z.output<typeof osdRow>;

const renderOsds = (rows: readonly OsdRow[], context: RenderContext): string =>
  table(
    [
      { title: 'OSD', keep: true },
      { title: 'NODE', keep: true },
      { title: 'STATE', state: true },
      'IN',
      'CLASS',
      'SIZE',
      'USED',
      { title: 'PGS', optional: true },
      { title: 'WEIGHT', optional: true },
      { title: 'DEVICE', optional: true },
    ],
    rows.map((row) => [
      row.osd,
      row.node,
      row.up ? 'up' : 'down',
      row.in ? 'in' : 'out',
      row.class,
      row.totalBytes === null ? null : formatBytes(row.totalBytes),
      row.usedBytes === null || row.totalBytes === null || row.totalBytes === 0
        ? null
        : `${formatBytes(row.usedBytes)} (${formatShare(row.usedBytes / row.totalBytes)})`,
      row.pgs,
      row.weight === null ? null : Math.round(row.weight * 1000) / 1000,
      row.path,
    ]),
    context,
  );

export const osdOperations = (ceph: () => CephCommand) => [
  defineMutation({
    name: 'osd.add',
    summary: 'Make a disk of a node part of the storage (an OSD)',
    description:
      'With --size the device is a file that is made, sparse: for trying things out. Everything on a device is lost.',
    http: { method: 'POST', path: '/storage/osds' },
    cli: {
      command: 'storage osd add',
      arguments: [{ field: 'node', complete: 'node' }, { field: 'device' }],
      options: { sizeBytes: { flag: 'size', value: 'SIZE' }, class: { value: 'CLASS' }, weight: { value: 'WEIGHT' } },
      confirm: 'Everything on {device} of {node} will be lost. Go on?',
      waits: true,
      examples: ['pvc storage osd add hv1 /dev/sdb', 'pvc storage osd add hv1 /srv/osd0 --size 20G'],
    },
    role: 'admin',
    input: z.strictObject({
      node: names.nodeName.describe('the node that has the disk'),
      device: names.absolutePath.describe('path of the device there'),
      sizeBytes: z
        .int()
        .min(leastFileBytes)
        .max(2 ** 50)
        .optional()
        .describe('make a file of this size'),
      class: deviceClass.optional().describe('device class; Ceph’s own finding unless given'),
      weight: z.number().min(0).max(100_000).optional().describe('CRUSH weight; the size in TiB unless given'),
    }),
    output: z.object({ node: z.string(), device: z.string() }),
    async plan(plan, context, input) {
      const { view } = context;
      if ((await view.get(cephKind, cephId)) === undefined) throw cephError('CEPH_NONE', {});
      await view.need(nodeKind, input.node);
      if (!(await view.alive()).has(input.node))
        throw osdError('OSD_DEVICE', { ...input, reason: 'the node’s daemon does not run' });
      const known = await view.find(osd, 'device', `${input.node}:${input.device}`);
      if (known !== undefined) throw osdError('OSD_DEVICE', { ...input, reason: `it is osd.${known.id} already` });
      const backing: Backing =
        input.sizeBytes === undefined ? { type: 'raw', path: input.device } : { type: 'file', path: input.device };
      plan.task({
        action: 'osd.add',
        target: { kind: 'device', id: `${input.node}${input.device}`, label: `${input.device} of ${input.node}` },
        node: input.node,
        input: {
          node: input.node,
          uuid: context.uuid(),
          backing,
          ...(input.sizeBytes === undefined ? {} : { sizeBytes: input.sizeBytes }),
          ...(input.class === undefined ? {} : { class: input.class }),
          ...(input.weight === undefined ? {} : { weight: input.weight }),
        },
        timeoutMs: addTimeoutMs,
      });
      plan.act(`make ${input.device} of ${input.node} an OSD, and start it`);
      return { node: input.node, device: input.device };
    },
  }),
  removeOperation(ceph),
  defineQuery({
    name: 'osd.list',
    summary: 'List the disks of the storage (OSDs)',
    http: { method: 'GET', path: '/storage/osds' },
    cli: { command: 'storage osd list', render: renderOsds, nameField: 'osd' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(osdRow),
    async run({ view }): Promise<OsdRow[]> {
      if ((await view.get(cephKind, cephId)) === undefined) throw cephError('CEPH_NONE', {});
      const [docs, map, figures] = await Promise.all([view.list(osd), osdMap(ceph()), osdFigures(ceph())]);
      const mine = new Map(docs.map((doc) => [Number(doc.id), doc]));
      const live = new Map(map.osds.map((one) => [one.id, one]));
      const used = new Map(figures.map((one) => [one.id, one]));
      return [...new Set([...mine.keys(), ...live.keys()])]
        .toSorted((a, b) => a - b)
        .map((id) => rowOf(id, mine.get(id), live.get(id), used.get(id)));
    },
  }),
];

function rowOf(
  id: number,
  doc: { spec: { node: string; backing: Backing }; status: { daemon: string } | undefined } | undefined,
  live: OsdMapEntry | undefined,
  figures: OsdFigures | undefined,
): OsdRow {
  return {
    osd: id,
    node: doc?.spec.node ?? null,
    backing: doc?.spec.backing.type ?? null,
    path: doc?.spec.backing.path ?? null,
    daemon: doc?.status?.daemon ?? null,
    up: live?.up ?? false,
    in: live?.in ?? false,
    class: figures?.class ?? null,
    weight: figures?.weight ?? null,
    totalBytes: figures?.totalBytes ?? null,
    usedBytes: figures?.usedBytes ?? null,
    pgs: figures?.pgs ?? null,
  };
}
