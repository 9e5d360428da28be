/** Taking a disk out of the storage: whether it may go is decided here, before anything moves. @module */
import { defineMutation, formatBytes, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { osd, osdError, osdNumber } from './osd-kind.ts';
import { osdMap } from './osd-map.ts';
import { risksOfRemoval } from './removal-risk.ts';
import { storageFacts } from './storage-facts.ts';

/** A large disk's data moves for days. */
const removeTimeoutMs = 14 * 24 * 3_600_000;
/** While one of these is set, no data moves. */
const standingFlags = ['norebalance', 'nobackfill', 'norecover', 'pauserd', 'pausewr'];

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
      const [{ osds, flags }, facts] = await Promise.all([osdMap(ceph()), storageFacts(ceph(), Number(id))]);
      const entry = osds.find((one) => one.id === Number(id) && one.uuid === uuid);
      const there = (await view.alive()).has(node);
      if (!there && entry?.up === true)
        throw osdError(
          'OSD_NEEDED',
          { osd: id },
          { details: [`it runs, and the daemon of ${node} that could end it does not`] },
        );
      const risks = entry === undefined ? [] : risksOfRemoval(Number(id), facts);
      if (risks.length > 0 && !force) throw osdError('OSD_NEEDED', { osd: id }, { details: risks });
      for (const risk of risks) plan.warn(`Data is at risk: ${risk}.`);
      const held = facts.osds.find((one) => one.id === Number(id))?.dataBytes ?? 0;
      if (force && entry !== undefined)
        plan.warn(
          `Its data (${formatBytes(held)}) does not move away first: until Ceph has made new copies, each piece has one replica less.`,
        );
      const standing = flags.filter((flag) => standingFlags.includes(flag));
      if (!force && standing.length > 0)
        plan.warn(`No data moves while ${standing.join(', ')} is set; the task waits until it is not.`);
      if (!there) plan.warn(`${node} is away: ${backing.path} keeps what is on it.`);
      plan.unchanged(osd, doc);
      plan.task({
        action: 'osd.remove',
        target: { kind: 'osd', id, label: `osd.${id}` },
        node: there ? node : undefined,
        input: { uuid, node, backing, force, there },
        timeoutMs: removeTimeoutMs,
      });
      if (!force) plan.act(`move the data of osd.${id} (${formatBytes(held)}) to other disks`);
      plan.act(`end osd.${id}${there ? `, empty ${backing.path} of ${node}` : ''} and take it out of Ceph`);
      return { osd: Number(id), node };
    },
  });
