/** Takes an image away from who holds it. @module */
import { type AnyTaskDefinition, defineMutation, defineTask, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { needVolume, volumeArgument, volumeTask } from '../volume/common.ts';
import type { VolumeBook } from '../volume/volume-book.ts';
import { volume, volumeError, volumeRef } from '../volume/volume-kind.ts';
import { holdersOf, holderText } from './holders.ts';

const taskTimeoutMs = 120_000;

const locks = z.array(z.looseObject({ id: z.string(), locker: z.string(), address: z.string() }));

export function lockOperations(ceph: () => CephCommand) {
  return [
    defineMutation({
      name: 'volume.release',
      summary: 'Take a volume away from whoever holds its lock',
      description:
        'The holder is put on Ceph’s blocklist before, so that it cannot write any more. A guest that starts does this by itself with the lock of one that has crashed; this is for a lock that stays all the same.',
      http: { method: 'POST', path: '/storage/volumes/{volume}/release' },
      cli: {
        command: 'storage volume release',
        arguments: [volumeArgument],
        confirm: 'Take {volume} away from whoever holds it?',
        waits: true,
      },
      role: 'admin',
      input: z.strictObject({
        volume: volumeRef,
        force: z.boolean().default(false).describe('even from somebody who has it open: a guest there loses its disk'),
      }),
      output: z.object({ volume: z.string(), holders: z.array(z.string()) }),
      async plan(plan, { view }, { volume: ref, force }) {
        const doc = await needVolume(view, ref);
        const holders = (await holdersOf(ceph(), view, ref)).map(holderText);
        if (holders.length > 0 && !force)
          throw volumeError('VOLUME_IN_USE', { volume: ref, users: holders.join(', '), what: 'taking its lock away' });
        plan.unchanged(volume, doc);
        volumeTask(plan, 'volume.release', { id: doc.id, label: ref }, null, taskTimeoutMs);
        plan.act(`take the locks of ${ref} away, and block who holds them`);
        for (const holder of holders) plan.warn(`${holder} loses ${ref}.`);
        return { volume: ref, holders };
      },
    }),
  ];
}

export const releaseTask = (ceph: CephCommand, book: VolumeBook): AnyTaskDefinition =>
  defineTask({
    action: 'volume.release',
    summary: 'takes a volume away from whoever holds its lock',
    async run(run) {
      const image = await book.needImage(run);
      const found = await ceph.askRbd(locks, ['lock', 'list', image]);
      for (const { id, locker, address } of found) {
        // Before, so that there is no moment in which it believes that it still holds the lock.
        await ceph.ceph(`the blocking of ${address}`, ['osd', 'blocklist', 'add', address]);
        await ceph.rbd(`the lock of ${image}`, ['lock', 'remove', image, id, locker]);
      }
      return { volume: image, lockers: found.map(({ address }) => address) };
    },
  });
