/** Volume groups on fast disks in which the databases of OSDs on slow ones lie. @module */
import {
  type AnyTaskDefinition,
  defineMutation,
  defineQuery,
  defineTask,
  formatBytes,
  names,
  orUndo,
  type RenderContext,
  type Runtime,
  table,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { deviceRow, identityOf } from '../device/device-row.ts';
import { lookAtDevices } from '../device/look.ts';
import { deviceText } from '../device/operations.ts';
import { dropEmptyGroup, makeGroup } from './lvm-osd.ts';
import { needRunning } from './need-running.ts';
import { backing, osdError } from './osd-kind.ts';
import { sameDevice } from './same-device.ts';
import { refuseTaken } from './taken.ts';

const groupTimeoutMs = 300_000;

/** Only groups with such names are ever touched. */
export const groupName = z
  .string()
  .regex(/^osd-db(?:-[a-z0-9-]{0,30}[a-z0-9])?$/, 'a group for databases is called osd-db or osd-db-…')
  .describe('name of the group');

const createInput = z.strictObject({ name: groupName, node: names.nodeName, backing });
const removeInput = z.strictObject({ name: groupName });

export function databaseGroupTasks(runtime: Runtime, ceph: CephCommand): AnyTaskDefinition[] {
  const { host, node } = runtime;
  return [
    defineTask({
      action: 'osd.db-group',
      summary: 'makes a group for databases on a disk',
      async run(run) {
        const { name, backing: device } = createInput.parse(run.spec.input);
        const { devices, groups } = await lookAtDevices(ceph);
        const found = groups.find((one) => one.name === name);
        if (run.phase === '') {
          if (found !== undefined)
            throw osdError('OSD_DEVICE', { device: device.path, node, reason: `there is a group ${name} already` });
          await refuseTaken(host, ceph, { uuids: [], node, backing: device });
          await run.advance('make', { message: `makes ${name} on ${device.path}` });
        }
        if (found === undefined)
          await orUndo(
            run,
            () => makeGroup(ceph, name, sameDevice(devices, device).path),
            () => dropEmptyGroup(ceph, name),
          );
        return { node, name };
      },
      async abandoned(run) {
        if (run.phase === 'make') await dropEmptyGroup(ceph, createInput.parse(run.spec.input).name);
      },
    }),
    defineTask({
      action: 'osd.db-group-remove',
      summary: 'takes a group for databases off its disk',
      async run(run) {
        const { name } = removeInput.parse(run.spec.input);
        const found = (await lookAtDevices(ceph)).groups.find((one) => one.name === name);
        if (found !== undefined && found.volumes > 0)
          throw osdError('OSD_INPUT', { reason: `${name} of ${node} holds ${found.volumes} databases` });
        await dropEmptyGroup(ceph, name);
        return { node, name };
      },
    }),
  ];
}

const groupRow = z.object({
  node: z.string(),
  name: z.string(),
  devices: z.array(z.string()),
  sizeBytes: z.number(),
  freeBytes: z.number(),
  databases: z.int(),
});

const renderGroups = (rows: readonly z.output<typeof groupRow>[], context: RenderContext): string =>
  table(
    [{ title: 'NODE', keep: true }, { title: 'GROUP', keep: true }, 'DEVICE', 'SIZE', 'FREE', 'DATABASES'],
    rows.map((row) => [
      row.node,
      row.name,
      row.devices.join(' '),
      formatBytes(row.sizeBytes),
      formatBytes(row.freeBytes),
      row.databases,
    ]),
    context,
  );

export const databaseGroupOperations = (ceph: () => CephCommand, runtime: () => Runtime) => [
  defineMutation({
    name: 'osd.db-group-create',
    summary: 'Make a group for the databases of OSDs on a fast disk of a node',
    http: { method: 'POST', path: '/storage/db-groups' },
    cli: {
      command: 'storage osd db-group create',
      arguments: [{ field: 'node', complete: 'node' }, { field: 'device' }],
      confirm: 'Everything on {device} of {node} will be lost. Go on?',
      waits: true,
      examples: ['pvc storage osd db-group create hv1 /dev/nvme1n1'],
    },
    role: 'admin',
    input: z.strictObject({ node: names.nodeName, device: deviceText, name: groupName.default('osd-db') }),
    output: z.object({ node: z.string(), name: z.string(), device: z.string() }),
    async plan(plan, context, { node, device, name }) {
      await needRunning(context.view, node);
      const row = deviceRow.parse(await runtime().ask('device.info', { node, device }, runtime().signal));
      if (!row.usable) throw osdError('OSD_DEVICE', { device: row.path, node, reason: row.reasons.join('; ') });
      plan.task({
        action: 'osd.db-group',
        target: { kind: 'device', id: `${node}${row.path}`, label: `${row.path} of ${node}` },
        node,
        input: { name, node, backing: { type: 'lvm', path: row.path, ...identityOf(row) } },
        timeoutMs: groupTimeoutMs,
      });
      plan.act(`make the group ${name} on ${row.path} of ${node}; everything on it is lost`);
      return { node, name, device: row.path };
    },
  }),
  defineMutation({
    name: 'osd.db-group-remove',
    summary: 'Take an empty group for databases off its disk',
    http: { method: 'DELETE', path: '/storage/db-groups/{node}/{name}' },
    cli: {
      command: 'storage osd db-group remove',
      aliases: ['rm'],
      arguments: [{ field: 'node', complete: 'node' }, { field: 'name' }],
      waits: true,
      examples: ['pvc storage osd db-group remove hv1 osd-db'],
    },
    role: 'admin',
    input: z.strictObject({ node: names.nodeName, name: groupName }),
    output: z.object({ node: z.string(), name: z.string() }),
    async plan(plan, context, { node, name }) {
      await needRunning(context.view, node);
      plan.task({
        action: 'osd.db-group-remove',
        target: { kind: 'db-group', id: `${node}:${name}`, label: `${name} of ${node}` },
        node,
        input: { name },
        timeoutMs: groupTimeoutMs,
      });
      plan.act(`take ${name} off its disk, if no database lies in it`);
      return { node, name };
    },
  }),
  defineQuery({
    name: 'osd.db-group-list',
    summary: 'List the groups for databases of a node',
    http: { method: 'GET', path: '/storage/db-groups' },
    cli: {
      command: 'storage osd db-group list',
      arguments: [{ field: 'node', complete: 'node' }],
      render: renderGroups,
    },
    role: 'viewer',
    input: z.strictObject({ node: names.nodeName.optional().describe('the node; this one unless given') }),
    output: z.array(groupRow),
    on: async (_context, { node }) => node,
    async run({ localNode }, { node }) {
      const { groups } = await lookAtDevices(ceph());
      return groups
        .filter(({ name }) => groupName.safeParse(name).success)
        .map((one) => ({
          node: node ?? localNode ?? '',
          name: one.name,
          devices: [...one.devices],
          sizeBytes: one.size,
          freeBytes: one.free,
          databases: one.volumes,
        }));
    },
  }),
];
