/** The disks of nodes: which there are, and which may become part of the storage. @module */
import { defineQuery, names, type QueryContext, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { type DeviceRow, deviceRow, renderDevices, rowOfDevice } from './device-row.ts';
import { findDevice, lookAtDevices } from './look.ts';

/** A path, or `detect:NAME:SIZE:INDEX`. One message for both: a union would tell none. */
export const deviceText = z
  .string()
  .max(1024)
  .refine(
    (text) => names.absolutePath.safeParse(text).success || /^detect:[^\u0000-\u001f\u007f]+$/.test(text),
    'a device is an absolute path without "..", or detect:NAME:SIZE:INDEX',
  )
  .describe('path of the device, or detect:NAME:SIZE:INDEX');

const here = (node: string | undefined, { localNode }: QueryContext): string => node ?? localNode ?? '';

/** ceph-volume looks at each disk, one after the other: seconds each on a slow or busy node. */
const answersWithinMs = 50_000;

export const deviceOperations = (ceph: () => CephCommand) => [
  defineQuery({
    name: 'device.list',
    summary: 'List the disks of a node, and why each may or may not become part of the storage',
    http: { method: 'GET', path: '/storage/devices' },
    cli: {
      command: 'storage device list',
      arguments: [{ field: 'node', complete: 'node' }],
      render: renderDevices,
      nameField: 'path',
      examples: ['pvc storage device list hv1'],
    },
    role: 'viewer',
    answersWithinMs,
    input: z.strictObject({ node: names.nodeName.optional().describe('the node; this one unless given') }),
    output: z.array(deviceRow),
    on: async (_context, { node }) => node,
    async run(context, { node }): Promise<DeviceRow[]> {
      const found = await lookAtDevices(ceph());
      return found.devices.map((device) => rowOfDevice(here(node, context), device, found));
    },
  }),
  defineQuery({
    name: 'device.info',
    summary: 'Show a disk of a node, and whether it may become part of the storage',
    http: { method: 'GET', path: '/storage/devices/{node}/one' },
    cli: {
      command: 'storage device info',
      arguments: [{ field: 'node', complete: 'node' }, { field: 'device' }],
      nameField: 'path',
      examples: ['pvc storage device info hv1 /dev/sdb', 'pvc storage device info hv1 detect:INTEL:480GB:0'],
    },
    role: 'viewer',
    answersWithinMs,
    input: z.strictObject({ node: names.nodeName, device: deviceText }),
    output: deviceRow,
    on: async (_context, { node }) => node,
    async run(_context, { node, device: text }): Promise<DeviceRow> {
      const found = await lookAtDevices(ceph());
      return rowOfDevice(node, await findDevice(ceph(), text, found.devices), found);
    },
  }),
];
