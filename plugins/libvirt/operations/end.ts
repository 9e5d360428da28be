/** The end of guests: forgotten, or removed with their volumes. @module */
import { defineMutation, type PlanBuilder, type PlanContext, z } from '../../../core/plugin/api.ts';
import type { VmDoc } from '../guest-control.ts';
import { guestSeed } from '../provision/guest-seed.ts';
import { diskTarget, type VmSpec } from '../schema.ts';
import { snapshotError } from '../snapshot/snapshot-kind.ts';
import { snapshotsOf } from '../snapshot/snapshot-operations.ts';
import { storeKnowing, type VolumeStoreHook, volumeStores } from '../snapshot/volume-store.ts';
import { vm, vmError } from '../vm-kind.ts';
import { answerOf, needStopped, needVm, vmAnswer, vmArgument, vmRef } from './common.ts';

type Disk = VmSpec['disks'][number];

/** @throws PvcError VM_PROTECTED */
function needUnprotected({ spec }: VmDoc): void {
  if (spec.protected) throw vmError('VM_PROTECTED', { vm: spec.name });
  const guarded = spec.tags.filter((tag) => tag.protected);
  if (guarded.length > 0)
    throw vmError(
      'VM_PROTECTED',
      { vm: spec.name },
      { details: guarded.map((tag) => `its tag ${tag.name} is protected`) },
    );
}

/**
 * Plans that there is no such guest any more; of its disks nothing is said.
 * @throws PvcError VM_NOT_FOUND, VM_PROTECTED, VM_NOT_STOPPED, VM_HAS_SNAPSHOTS
 */
async function planEnd(plan: PlanBuilder, { view }: PlanContext, ref: string, doing: string): Promise<VmDoc> {
  const doc = await needVm(view, ref);
  needUnprotected(doc);
  needStopped(doc, doing);
  const snapshots = await snapshotsOf(view, doc.id);
  if (snapshots.length > 0)
    throw snapshotError('VM_HAS_SNAPSHOTS', {
      vm: doc.spec.name,
      snapshots: snapshots.map(({ spec }) => spec.name).join(', '),
    });
  plan.needIdle({ kind: 'vm', id: doc.id, label: doc.spec.name });
  plan.remove(vm, doc);
  const seed = await view.get(guestSeed, doc.id);
  if (seed !== undefined) plan.remove(guestSeed, seed);
  plan.act(`forget the guest ${doc.spec.name}`);
  return doc;
}

function warnOfWhatStays(plan: PlanBuilder, disks: readonly Disk[]): void {
  for (const { source, target } of disks)
    if (source.type !== 'empty') plan.warn(`the disk ${target} (${JSON.stringify(source)}) stays`);
}

/** Its own: what lies in a drive may lie in those of others tomorrow. */
const volumeOf = ({ device, source }: Disk): string | undefined =>
  device === 'disk' && source.type === 'volume' ? `${source.pool}/${source.volume}` : undefined;

export const endOperations = (volumes: VolumeStoreHook) => [
  defineMutation({
    name: 'vm.undefine',
    summary: 'Forget a guest; its disks stay',
    http: { method: 'DELETE', path: '/vms/{vm}' },
    cli: {
      command: 'vm undefine',
      arguments: [vmArgument],
      confirm: 'Forget the definition of the guest {vm}? Its disks stay.',
      waits: true,
    },
    role: 'operator',
    input: z.strictObject({ vm: vmRef }),
    output: vmAnswer,
    plan: async (plan, context, input) => {
      const doc = await planEnd(plan, context, input.vm, 'undefining it');
      warnOfWhatStays(plan, doc.spec.disks);
      return answerOf(doc);
    },
  }),
  defineMutation({
    name: 'vm.remove',
    summary: 'Remove a guest and its volumes, with all that is in them',
    description:
      'The volumes go with their snapshots. What lies in a drive (cdrom, floppy) stays, and so do files and devices of nodes. See first what would go: --plan.',
    http: { method: 'POST', path: '/vms/{vm}/remove' },
    cli: {
      command: 'vm remove',
      aliases: ['rm'],
      arguments: [vmArgument],
      options: { keep: { value: 'DISK' } },
      confirm: 'Remove the guest {vm}, its volumes, and everything in them?',
      waits: true,
      examples: ['pvc vm remove web1 --plan', 'pvc vm remove web1', 'pvc vm remove db1 --keep vdb'],
    },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      keep: z.array(diskTarget).max(64).default([]).describe('disk whose volume stays (vdb …), may be repeated'),
    }),
    output: vmAnswer,
    plan: async (plan, context, input) => {
      const doc = await planEnd(plan, context, input.vm, 'removing it');
      const { disks, name } = doc.spec;
      const unknown = input.keep.find((target) => !disks.some((disk) => disk.target === target));
      if (unknown !== undefined) throw vmError('VM_DEVICE_NOT_FOUND', { vm: name, what: 'disk', device: unknown });
      const kept: Disk[] = [];
      const stores = await volumeStores(volumes);
      for (const disk of disks) {
        const volume = input.keep.includes(disk.target) ? undefined : volumeOf(disk);
        const store = volume === undefined ? undefined : await storeKnowing(stores, volume);
        if (volume === undefined || store === undefined) kept.push(disk);
        else await store.planRemove(plan, context, volume);
      }
      warnOfWhatStays(plan, kept);
      return answerOf(doc);
    },
  }),
];
