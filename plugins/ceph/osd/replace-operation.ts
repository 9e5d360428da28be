/** A new disk for an OSD that stays what it is. @module */
import { defineMutation, formatBytes, type Runtime, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { deviceText } from '../device/operations.ts';
import { deviceFields, deviceOptions, makeWishOf } from './add-operation.ts';
import { osd, osdError, osdNumber } from './osd-kind.ts';
import { checkRemoval } from './removal-check.ts';
import { moveTimeoutMs } from './remove-operation.ts';

export const replaceOperation = (ceph: () => CephCommand, runtime: () => Runtime) =>
  defineMutation({
    name: 'osd.replace',
    summary: 'Give the place of a disk of the storage (an OSD) to another disk of its node',
    description:
      'The number stays. The data moves to other disks first; with --force it does not, and Ceph fills the new disk from the other replicas.',
    http: { method: 'POST', path: '/storage/osds/{osd}/replace' },
    cli: {
      command: 'storage osd replace',
      arguments: [{ field: 'osd', complete: 'osd' }],
      options: { ...deviceOptions, device: { value: 'DEVICE' } },
      confirm: 'Everything on {device} will be lost, and the old disk of osd.{osd} emptied. Go on?',
      waits: true,
      examples: ['pvc storage osd replace 3 --device /dev/sdd', 'pvc storage osd replace 3 --device /dev/sdd --force'],
    },
    role: 'admin',
    input: z.strictObject({
      osd: osdNumber,
      device: deviceText,
      ...deviceFields,
      force: z.boolean().default(false).describe('at once, also when data is at risk'),
    }),
    output: z.object({ osd: z.int(), node: z.string(), device: z.string() }),
    async plan(plan, context, { osd: id, force, ...input }) {
      const { view } = context;
      const doc = await view.need(osd, id);
      const { node, uuid, backing } = doc.spec;
      const { there, known, dataBytes } = await checkRemoval(plan, view, ceph(), doc, force);
      const refuse = (reason: string): Error => osdError('OSD_DEVICE', { device: input.device, node, reason });
      if (!there) throw refuse('the node’s daemon does not run');
      if (!known) throw refuse(`Ceph has no osd.${id} whose place it could take`);
      if (!force) plan.act(`move the data of osd.${id} (${formatBytes(dataBytes)}) to other disks`);
      plan.act(`end osd.${id}, and empty ${backing.path}`);
      const wish = await makeWishOf(runtime(), plan, { ...input, node }, [context.uuid()]);
      const holder = await view.find(osd, 'device', `${node}:${wish.backing.path}`);
      if (holder !== undefined) throw refuse(`it is osd.${holder.id} already`);
      plan.unchanged(osd, doc);
      plan.task({
        action: 'osd.replace',
        target: { kind: 'osd', id, label: `osd.${id}` },
        node,
        input: { node, old: { uuid, backing }, wish, force },
        timeoutMs: moveTimeoutMs,
      });
      plan.act(`make it osd.${id}, and start it`);
      return { osd: Number(id), node, device: wish.backing.path };
    },
  });
