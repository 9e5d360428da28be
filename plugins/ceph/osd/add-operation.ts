/** Making a disk of a node part of the storage. @module */
import { defineMutation, names, node as nodeKind, z } from '../../../core/plugin/api.ts';
import { cephId, ceph as cephKind } from '../cluster/ceph-kind.ts';
import { cephError } from '../command/errors.ts';
import { type Backing, deviceClass, osd, osdError } from './osd-kind.ts';

const addTimeoutMs = 900_000;
/** BlueStore needs room for itself; below this an OSD cannot even start. */
const leastFileBytes = 1024 ** 3;

export const addOperation = defineMutation({
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
});
