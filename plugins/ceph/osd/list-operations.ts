/** OSDs as they are: all, or one with everything. What Ceph does not tell now is unknown, not an error. @module */
import { defineQuery, fields, formatBytes, paintState, type RenderContext, z } from '../../../core/plugin/api.ts';
import { needStorage } from '../cluster/need-storage.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';
import { osd, osdError, osdNumber } from './osd-kind.ts';
import { liveOsds, osdMetadata } from './osd-live.ts';
import { type OsdRow, osdRow, renderOsds, roundedWeight, rowOf, stateOf, usageOf } from './osd-row.ts';

const osdInfo = osdRow.extend({
  uuid: z.string().nullable().describe('Ceph’s name of it, which no other OSD ever gets'),
  version: z.string().nullable().describe('of Ceph, that its daemon runs'),
  devices: z.string().nullable().describe('kernel’s names of the disks below it'),
  serials: z.string().nullable().describe('names and serial numbers of those disks'),
  databaseApart: z.boolean().nullable().describe('its database is on another device'),
  address: z.string().nullable(),
  unknown: z.string().nullable().describe('why Ceph’s part is not known'),
  conditions: z.array(z.object({ type: z.string(), message: z.string(), sinceMs: z.int() })),
});
type OsdInfo = z.output<typeof osdInfo>;

const renderOsd = (info: OsdInfo, context: RenderContext): string =>
  fields(
    [
      ['OSD', info.osd],
      ['Node', info.node ?? 'not known to PVC'],
      ['State', `${paintState(stateOf(info), context)}${info.in === null ? '' : info.in ? ', in' : ', out'}`],
      info.unknown === null ? undefined : ['Unknown', info.unknown],
      ['Daemon', info.daemon],
      ['Device', info.path === null ? null : `${info.path} (${info.backing})`],
      ['Disks', info.devices],
      ['Serial numbers', info.serials],
      ['Database', info.databaseApart === null ? null : info.databaseApart ? 'on another device' : 'with the data'],
      ['Class', info.class],
      ['Size', info.totalBytes === null ? null : formatBytes(info.totalBytes)],
      ['Used', usageOf(info)],
      ['Placement groups', info.pgs],
      ['Weight', roundedWeight(info.weight)],
      ['Share', info.reweight],
      ['Latency', info.latencyMs === null ? null : `${info.latencyMs} ms`],
      ['Version', info.version],
      ['Address', info.address],
      ['Ceph’s name', info.uuid],
      ...info.conditions.map((one) => ['Trouble', one.message] as const),
    ],
    context,
  );

export const listOperations = (ceph: () => CephCommand) => [
  defineQuery({
    name: 'osd.list',
    summary: 'List the disks of the storage (OSDs)',
    http: { method: 'GET', path: '/storage/osds' },
    cli: { command: 'storage osd list', render: renderOsds, nameField: 'osd' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(osdRow),
    async run({ view }): Promise<OsdRow[]> {
      await needStorage(view);
      const [docs, live] = await Promise.all([view.list(osd), liveOsds(ceph())]);
      const mine = new Map(docs.map((doc) => [Number(doc.id), doc]));
      const known = typeof live === 'string' ? new Map() : live;
      return [...new Set([...mine.keys(), ...known.keys()])]
        .toSorted((a, b) => a - b)
        .map((id) => rowOf(id, mine.get(id), known.get(id)));
    },
  }),
  defineQuery({
    name: 'osd.info',
    summary: 'Show everything about a disk of the storage (an OSD)',
    http: { method: 'GET', path: '/storage/osds/{osd}' },
    cli: {
      command: 'storage osd info',
      arguments: [{ field: 'osd', complete: 'osd' }],
      render: renderOsd,
      nameField: 'osd',
    },
    role: 'viewer',
    input: z.strictObject({ osd: osdNumber }),
    output: osdInfo,
    async run({ view }, { osd: name }): Promise<OsdInfo> {
      await needStorage(view);
      const id = Number(name);
      const [doc, all] = await Promise.all([view.get(osd, name), liveOsds(ceph())]);
      const live = typeof all === 'string' ? undefined : all.get(id);
      if (doc === undefined && live === undefined) {
        if (typeof all === 'string') throw cephError('CEPH_AWAY', { reason: all });
        throw osdError('OSD_NOT_FOUND', { osd: name });
      }
      const about = live === undefined ? undefined : await osdMetadata(ceph(), id);
      return {
        ...rowOf(id, doc, live),
        uuid: doc?.spec.uuid ?? live?.map.uuid ?? null,
        version: about?.ceph_version_short ?? null,
        devices: about?.devices || null,
        serials: about?.device_ids || null,
        databaseApart: about?.bluefs_dedicated_db === undefined ? null : about.bluefs_dedicated_db === '1',
        address: about?.front_addr ?? null,
        unknown: typeof all === 'string' ? all : live === undefined ? 'Ceph does not know it' : null,
        conditions: doc?.status?.conditions ?? [],
      };
    },
  }),
];
