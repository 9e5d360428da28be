/** Volumes: make, grow, rename, hold back, remove. @module */
import { defineMutation, formatBytes, names, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import type { resizeInput } from './change-tasks.ts';
import { force, needVolume, newVolume, splitRef, volumeArgument, volumeTask, wordsOf } from './common.ts';
import { planRemoval } from './removal.ts';
import { guardPromise } from './room.ts';
import { type VolumeLimits, volume, volumeBytes, volumeError, volumeLimits, volumeRef } from './volume-kind.ts';

const makeTimeoutMs = 300_000;

const limitInput = z.strictObject({ volume: volumeRef, ...volumeLimits.partial().shape });

export function volumeOperations(ceph: () => CephCommand) {
  return [
    defineMutation({
      name: 'volume.add',
      summary: 'Make an empty volume',
      http: { method: 'POST', path: '/storage/volumes' },
      cli: {
        command: 'storage volume add',
        arguments: [{ field: 'volume' }, { field: 'sizeBytes' }],
        waits: true,
        examples: ['pvc storage volume add vms/web1 20G'],
      },
      role: 'operator',
      input: z.strictObject({ volume: volumeRef, sizeBytes: volumeBytes.describe('its size'), force }),
      output: z.object({ volume: z.string(), sizeBytes: z.int() }),
      async plan(plan, context, { volume: ref, sizeBytes, force: forced }) {
        const id = await newVolume(plan, context, ref, sizeBytes);
        await guardPromise(ceph(), context, splitRef(ref).pool, sizeBytes, forced);
        volumeTask(plan, 'volume.create', { id, label: ref }, null, makeTimeoutMs);
        plan.act(`make the image ${ref} of ${formatBytes(sizeBytes)}`);
        return { volume: ref, sizeBytes };
      },
    }),
    defineMutation({
      name: 'volume.resize',
      summary: 'Make a volume larger, also while its guest runs',
      description:
        'A running guest sees the new size at once; its partitions and file systems are the guest’s to grow.',
      http: { method: 'POST', path: '/storage/volumes/{volume}/resize' },
      cli: {
        command: 'storage volume resize',
        arguments: [volumeArgument, { field: 'sizeBytes' }],
        waits: true,
        examples: ['pvc storage volume resize vms/web1 40G'],
      },
      role: 'operator',
      input: z.strictObject({ volume: volumeRef, sizeBytes: volumeBytes.describe('its new size'), force }),
      output: z.object({ volume: z.string(), sizeBytes: z.int() }),
      async plan(plan, context, { volume: ref, sizeBytes, force: forced }) {
        const { view } = context;
        const doc = await needVolume(view, ref);
        if (sizeBytes < doc.spec.sizeBytes)
          throw volumeError('VOLUME_SHRINKS', {
            volume: ref,
            now: formatBytes(doc.spec.sizeBytes),
            wanted: formatBytes(sizeBytes),
          });
        await guardPromise(ceph(), context, doc.spec.pool, sizeBytes - doc.spec.sizeBytes, forced);
        plan.unchanged(volume, doc);
        const users = (await view.referrers('volume')).get(ref) ?? [];
        const guests = users.filter(({ kind }) => kind === 'vm');
        const input = { sizeBytes, guests: guests.map(({ id }) => id) } satisfies z.input<typeof resizeInput>;
        volumeTask(plan, 'volume.resize', { id: doc.id, label: ref }, input, makeTimeoutMs);
        plan.act(`make the image ${ref} ${formatBytes(sizeBytes)} large`);
        for (const guest of guests) plan.act(`tell ${wordsOf(guest)}, if it runs`);
        return { volume: ref, sizeBytes };
      },
    }),
    defineMutation({
      name: 'volume.rename',
      summary: 'Give a volume that no guest has another name in its pool',
      http: { method: 'POST', path: '/storage/volumes/{volume}/rename' },
      cli: {
        command: 'storage volume rename',
        arguments: [volumeArgument, { field: 'name', value: 'NEWNAME' }],
        waits: true,
        examples: ['pvc storage volume rename vms/web1 web1-old'],
      },
      role: 'operator',
      input: z.strictObject({ volume: volumeRef, name: names.objectName.describe('its new name') }),
      output: z.object({ volume: z.string() }),
      async plan(plan, { view }, { volume: ref, name }) {
        const doc = await needVolume(view, ref);
        const renamed = `${doc.spec.pool}/${name}`;
        if (name === doc.spec.name) throw volumeError('VOLUME_UNCHANGED', { volume: ref });
        if ((await view.find(volume, 'image', renamed)) !== undefined)
          throw volumeError('VOLUME_EXISTS', { volume: renamed });
        plan.update(volume, doc, { ...doc.spec, name, was: doc.spec.name });
        volumeTask(plan, 'volume.rename', { id: doc.id, label: ref }, null, makeTimeoutMs);
        plan.act(`rename the image ${ref} to ${renamed}`);
        return { volume: renamed };
      },
    }),
    defineMutation({
      name: 'volume.limit',
      summary: 'Set how much a guest may ask of a volume in a second',
      description: 'It takes effect at once, also on a guest that runs. What is not named stays as it is.',
      http: { method: 'PATCH', path: '/storage/volumes/{volume}/limits' },
      cli: {
        command: 'storage volume limit',
        arguments: [volumeArgument],
        waits: true,
        examples: ['pvc storage volume limit vms/web1 --iops 500', 'pvc storage volume limit vms/web1 --iops 0'],
      },
      role: 'operator',
      input: limitInput,
      output: z.object({ volume: z.string(), limits: volumeLimits }),
      async plan(plan, { view }, { volume: ref, ...wanted }) {
        const doc = await needVolume(view, ref);
        const given = Object.entries(wanted).filter(([, value]) => value !== undefined);
        const limits: VolumeLimits = { ...doc.spec.limits, ...Object.fromEntries(given) };
        const changed = given.filter(([field, value]) => doc.spec.limits[field as keyof VolumeLimits] !== value);
        if (changed.length === 0) throw volumeError('VOLUME_UNCHANGED', { volume: ref });
        plan.update(volume, doc, { ...doc.spec, limits });
        volumeTask(plan, 'volume.limit', { id: doc.id, label: ref }, null, makeTimeoutMs);
        for (const [field, value] of changed) plan.act(`limit ${ref}: ${field} ${value === 0 ? 'without end' : value}`);
        return { volume: ref, limits };
      },
    }),
    defineMutation({
      name: 'volume.remove',
      summary: 'Remove a volume that no guest has',
      http: { method: 'DELETE', path: '/storage/volumes/{volume}' },
      cli: {
        command: 'storage volume remove',
        aliases: ['rm'],
        arguments: [volumeArgument],
        confirm: 'Remove the volume {volume} and everything in it?',
        waits: true,
      },
      role: 'operator',
      input: z.strictObject({
        volume: volumeRef,
        withSnapshots: z.boolean().default(false).describe('its snapshots too, those that are protected excepted'),
      }),
      output: z.object({ volume: z.string() }),
      async plan(plan, { view }, { volume: ref, withSnapshots }) {
        // One whose removal was given up half-way has no name any more, and can still be removed.
        const doc = await view.find(volume, 'image', ref);
        if (doc === undefined) throw volumeError('VOLUME_NOT_FOUND', { volume: ref });
        planRemoval(plan, doc, { withSnapshots });
        return { volume: ref };
      },
    }),
  ];
}
