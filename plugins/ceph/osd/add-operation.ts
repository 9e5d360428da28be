/** Making a disk of a node part of the storage. @module */
import {
  defineMutation,
  formatBytes,
  names,
  node as nodeKind,
  type PlanBuilder,
  type Runtime,
  z,
} from '../../../core/plugin/api.ts';
import { needStorage } from '../cluster/need-storage.ts';
import { type DeviceRow, deviceRow, identityOf, nameOf } from '../device/device-row.ts';
import { deviceText } from '../device/operations.ts';
import type { MakeWish } from './make-osd.ts';
import { type Backing, deviceClass, osd, osdError } from './osd-kind.ts';

const addTimeoutMs = 3_600_000;
/** BlueStore needs room for itself; below this an OSD cannot even start. */
const leastFileBytes = 1024 ** 3;
/** Ceph's documentation (BlueStore configuration, sizing): 1 to 2 % of the data is enough for block devices. */
const databaseShare = 0.02;
const mib = 1024 ** 2;

/** What may be said of a new OSD, also of one that takes the place of another. */
export const deviceFields = {
  backing: z
    .enum(['lvm', 'raw', 'file'])
    .optional()
    .describe('lvm: a logical volume on the device (the usual); raw: the device itself; file: with --size'),
  sizeBytes: z
    .int()
    .min(leastFileBytes)
    .max(2 ** 50)
    .optional()
    .describe('make a file of this size'),
  dbDevice: deviceText.optional().describe('device with a group for databases (`storage osd db-group create`)'),
  dbSizeBytes: z
    .int()
    .min(64 * mib)
    .max(2 ** 44)
    .optional()
    .describe('room for each database; 2 % of the data unless given'),
  class: deviceClass.optional().describe('device class; Ceph’s own finding unless given'),
};
export const deviceOptions = {
  sizeBytes: { flag: 'size', value: 'SIZE' },
  dbDevice: { value: 'DEVICE' },
  dbSizeBytes: { flag: 'db-size', value: 'SIZE' },
  class: { value: 'CLASS' },
} as const;

interface DeviceWish {
  readonly node: string;
  readonly device: string;
  readonly backing?: 'lvm' | 'raw' | 'file' | undefined;
  readonly sizeBytes?: number | undefined;
  readonly dbDevice?: string | undefined;
  readonly dbSizeBytes?: number | undefined;
  readonly class?: string | undefined;
}

/** Looks at the device on its node, and settles what is to be made of it. @throws PvcError OSD_INPUT, OSD_DEVICE, DEVICE_… */
export async function makeWishOf(
  runtime: Runtime,
  plan: PlanBuilder,
  input: DeviceWish,
  uuids: readonly string[],
): Promise<MakeWish> {
  const type = input.backing ?? (input.sizeBytes === undefined ? 'lvm' : 'file');
  const refuseInput = (reason: string): Error => osdError('OSD_INPUT', { reason });
  if ((type === 'file') !== (input.sizeBytes !== undefined))
    throw refuseInput(type === 'file' ? 'a file needs --size' : '--size is for files only');
  if (type !== 'lvm' && (input.dbDevice !== undefined || uuids.length > 1))
    throw refuseInput('several OSDs on a device, and databases apart, need --backing lvm');
  if (input.dbSizeBytes !== undefined && input.dbDevice === undefined) throw refuseInput('--db-size needs --db-device');
  const common = { uuids: [...uuids], ...(input.class === undefined ? {} : { class: input.class }) };
  if (type === 'file') {
    const path = names.absolutePath.safeParse(input.device).data;
    if (path === undefined) throw refuseInput('a file is named by its path');
    plan.act(`make the file ${path} of ${input.node} (${formatBytes(input.sizeBytes ?? 0)}, sparse)`);
    return {
      ...common,
      backing: { type, path },
      ...(input.sizeBytes === undefined ? {} : { sizeBytes: input.sizeBytes }),
    };
  }
  const row = await look(runtime, input.node, input.device);
  const refuse = (reason: string): Error => osdError('OSD_DEVICE', { device: row.path, node: input.node, reason });
  if (!row.usable) throw refuse(row.reasons.join('; '));
  const what = [nameOf(row), formatBytes(row.sizeBytes)].filter((word) => word !== '').join(', ');
  plan.act(`take ${row.path} of ${input.node} (${what}); everything on it is lost`);
  const databases = input.dbDevice === undefined ? undefined : await databasesOn(runtime, input, row, uuids.length);
  const backing: Backing = { type, path: row.path, ...identityOf(row) };
  return { ...common, backing, ...(databases === undefined ? {} : { databases }) };
}

const look = async (runtime: Runtime, node: string, device: string): Promise<DeviceRow> =>
  deviceRow.parse(await runtime.ask('device.info', { node, device }, runtime.signal));

/** @throws PvcError OSD_DEVICE */
async function databasesOn(
  runtime: Runtime,
  { node, dbDevice = '', dbSizeBytes }: DeviceWish,
  data: DeviceRow,
  count: number,
): Promise<NonNullable<MakeWish['databases']>> {
  const { path, group } = await look(runtime, node, dbDevice);
  const refuse = (reason: string): Error => osdError('OSD_DEVICE', { device: data.path, node, reason });
  if (group === null || !group.name.startsWith('osd-db'))
    throw refuse(
      `${path} has no group for databases; make one with \`pvc storage osd db-group create ${node} ${path}\``,
    );
  const sizeBytes = dbSizeBytes ?? Math.ceil((data.sizeBytes * databaseShare) / count / mib) * mib;
  if (group.freeBytes < sizeBytes * count)
    throw refuse(
      `${group.name} on ${path} has ${formatBytes(group.freeBytes)} free, and ${formatBytes(sizeBytes * count)} are needed for databases`,
    );
  return { group: group.name, sizeBytes };
}

export const addOperation = (runtime: () => Runtime) =>
  defineMutation({
    name: 'osd.add',
    summary: 'Make a disk of a node part of the storage (an OSD)',
    description:
      'Everything on the device is lost; one that holds anything is refused. With --size the device is a file that is made, sparse: for trying things out.',
    http: { method: 'POST', path: '/storage/osds' },
    cli: {
      command: 'storage osd add',
      arguments: [{ field: 'node', complete: 'node' }, { field: 'device' }],
      options: { ...deviceOptions, perDevice: { value: 'COUNT' }, weight: { value: 'WEIGHT' } },
      confirm: 'Everything on {device} of {node} will be lost. Go on?',
      waits: true,
      examples: [
        'pvc storage osd add hv1 /dev/sdb',
        'pvc storage osd add hv1 detect:INTEL:480GB:0 --plan',
        'pvc storage osd add hv1 /dev/nvme0n1 --per-device 2',
        'pvc storage osd add hv1 /dev/sdc --db-device /dev/nvme1n1 --db-size 60G',
        'pvc storage osd add hv1 /srv/osd0 --size 20G',
      ],
    },
    role: 'admin',
    input: z.strictObject({
      node: names.nodeName.describe('the node that has the disk'),
      device: deviceText,
      ...deviceFields,
      perDevice: z.int().min(1).max(16).default(1).describe('OSDs on the device; fast ones do more with several'),
      weight: z.number().min(0).max(100_000).optional().describe('CRUSH weight; the size in TiB unless given'),
    }),
    output: z.object({ node: z.string(), device: z.string(), backing: z.string() }),
    async plan(plan, context, { perDevice, weight, ...input }) {
      const { view } = context;
      const { node } = input;
      await needStorage(view);
      await view.need(nodeKind, node);
      if (!(await view.alive()).has(node))
        throw osdError('OSD_DEVICE', { ...input, reason: 'the node’s daemon does not run' });
      const uuids = Array.from({ length: perDevice }, () => context.uuid());
      const wish = await makeWishOf(runtime(), plan, input, uuids);
      const { path, type } = wish.backing;
      const known = await view.find(osd, 'device', `${node}:${path}`);
      if (known !== undefined)
        throw osdError('OSD_DEVICE', { node, device: path, reason: `it is osd.${known.id} already` });
      plan.task({
        action: 'osd.add',
        target: { kind: 'device', id: `${node}${path}`, label: `${path} of ${node}` },
        node,
        input: { ...wish, node, ...(weight === undefined ? {} : { weight }) },
        timeoutMs: addTimeoutMs,
      });
      plan.act(perDevice === 1 ? 'make it an OSD, and start it' : `make it ${perDevice} OSDs, and start them`);
      return { node, device: path, backing: type };
    },
  });
