/** A disk of a node as callers see it. @module */
import { formatBytes, type RenderContext, table, z } from '../../../core/plugin/api.ts';
import type { BlockDevice } from './devices.ts';
import type { NodeDevices } from './look.ts';
import { whyUnusable } from './usable.ts';

export const deviceRow = z.object({
  node: z.string(),
  path: z.string().describe('the kernel’s name of it, which may be another disk’s after the next boot'),
  type: z.string(),
  sizeBytes: z.number(),
  vendor: z.string().nullable(),
  model: z.string().nullable(),
  serial: z.string().nullable(),
  wwn: z.string().nullable(),
  rotational: z.boolean(),
  transport: z.string().nullable(),
  usable: z.boolean().describe('it may become a disk of the storage'),
  reasons: z.array(z.string()).describe('why it may not'),
  osds: z.array(z.int()).describe('numbers of the OSDs that lie on it, or have their database there'),
  group: z
    .object({ name: z.string(), freeBytes: z.number(), volumes: z.int() })
    .nullable()
    .describe('volume group of LVM that lies on it'),
});
export type DeviceRow = z.output<typeof deviceRow>;

export function rowOfDevice(node: string, device: BlockDevice, { osds, groups }: NodeDevices): DeviceRow {
  const { path, vendor, model, serial, wwn, transport } = device;
  const reasons = [...whyUnusable(device, osds)];
  const group = groups.find(({ devices }) => devices.includes(path));
  const lying = osds.filter(({ data, db, wal }) => [data, db, wal].some((part) => part?.disks.includes(path)));
  return {
    node,
    path,
    type: device.type,
    sizeBytes: device.size,
    vendor: vendor ?? null,
    model: model ?? null,
    serial: serial ?? null,
    wwn: wwn ?? null,
    rotational: device.rotational,
    transport: transport ?? null,
    usable: reasons.length === 0,
    reasons,
    osds: lying.map(({ id }) => Number(id)),
    group: group === undefined ? null : { name: group.name, freeBytes: group.free, volumes: group.volumes },
  };
}

/** What is printed on it. */
export const nameOf = ({ vendor, model, serial }: Pick<DeviceRow, 'vendor' | 'model' | 'serial'>): string =>
  [vendor, model, serial].filter((word) => word !== null).join(' ');

/** By which it is known again, whatever the kernel calls it then. */
export const identityOf = ({ serial, wwn }: Pick<DeviceRow, 'serial' | 'wwn'>): { serial?: string; wwn?: string } => ({
  ...(serial === null ? {} : { serial }),
  ...(wwn === null ? {} : { wwn }),
});

export const renderDevices = (rows: readonly DeviceRow[], context: RenderContext): string =>
  table(
    [
      { title: 'NODE', keep: true },
      { title: 'DEVICE', keep: true },
      'SIZE',
      { title: 'KIND', optional: true },
      { title: 'NAME', optional: true },
      'USABLE',
    ],
    rows.map((row) => [
      row.node,
      row.path,
      formatBytes(row.sizeBytes),
      [row.transport, row.rotational ? 'turns' : null].filter((word) => word !== null).join(' '),
      nameOf(row),
      row.usable ? 'yes' : `no: ${row.reasons.join('; ')}`,
    ]),
    context,
  );
