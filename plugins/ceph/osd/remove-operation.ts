/** Taking a disk out of the storage: whether it may go is decided here, before anything moves. @module */
import { defineMutation, formatBytes, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { osd, osdNumber } from './osd-kind.ts';
import { checkRemoval } from './removal-check.ts';

/** A large disk's data moves for days. */
export const moveTimeoutMs = 14 * 24 * 3_600_000;

export const removeOperation = (ceph: () => CephCommand) =>
  defineMutation({
    name: 'osd.remove',
    summary: 'Take a disk out of the storage (an OSD): its data moves to the others, then it is emptied',
    description:
      'Refused with every reason when data would be at risk. With --force nothing is waited for; what that risks is told.',
    http: { method: 'DELETE', path: '/storage/osds/{osd}' },
    cli: {
      command: 'storage osd remove',
      aliases: ['rm'],
      arguments: [{ field: 'osd', complete: 'osd' }],
      confirm: 'Take osd.{osd} out of the storage, and empty its disk?',
      waits: true,
      examples: ['pvc storage osd remove 3', 'pvc storage osd remove 3 --plan'],
    },
    role: 'admin',
    input: z.strictObject({
      osd: osdNumber,
      force: z.boolean().default(false).describe('at once, also when data is at risk'),
    }),
    output: z.object({ osd: z.int(), node: z.string() }),
    async plan(plan, { view }, { osd: id, force }) {
      const doc = await view.need(osd, id);
      const { node, uuid, backing } = doc.spec;
      const { there, dataBytes } = await checkRemoval(plan, view, ceph(), doc, force);
      if (!there) plan.warn(`${node} is away: ${backing.path} keeps what is on it.`);
      plan.unchanged(osd, doc);
      plan.task({
        action: 'osd.remove',
        target: { kind: 'osd', id, label: `osd.${id}` },
        node: there ? node : undefined,
        input: { uuid, node, backing, force, there },
        timeoutMs: moveTimeoutMs,
      });
      if (!force) plan.act(`move the data of osd.${id} (${formatBytes(dataBytes)}) to other disks`);
      plan.act(`end osd.${id}${there ? `, empty ${backing.path} of ${node}` : ''} and take it out of Ceph`);
      return { osd: Number(id), node };
    },
  });
