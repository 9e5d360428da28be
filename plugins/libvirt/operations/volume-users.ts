/** What plugins of storage ask for guests that have their volumes as disks. @module */
import { defineMutation, z } from '../../../core/plugin/api.ts';
import { isRunning } from '../vm-kind.ts';
import { needVm, vmRef, vmTask } from './common.ts';

/** A disk is told within this time, or its guest hangs. */
const growTimeoutMs = 120_000;

export const growInput = z.strictObject({ target: z.string(), sizeBytes: z.int() });

export const volumeUserOperations = [
  defineMutation({
    name: 'vm.disk-grow',
    summary: 'Let a running guest see that the volume behind its disk has grown',
    description: 'Called by the storage once the volume is larger. A guest that is off sees it when it starts.',
    http: { method: 'POST', path: '/vms/{vm}/disks/grow' },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      volume: z.string().max(200).describe('the volume, POOL/NAME'),
      sizeBytes: z.int().min(512).describe('its size, bytes'),
    }),
    output: z.object({ targets: z.array(z.string()).describe('the disks that are told') }),
    async plan(plan, { view }, { vm, volume, sizeBytes }) {
      const doc = await needVm(view, vm);
      const disk = doc.spec.disks.find(
        ({ source }) => source.type === 'volume' && `${source.pool}/${source.volume}` === volume,
      );
      if (disk === undefined || !isRunning(doc)) return { targets: [] };
      vmTask(plan, doc, 'vm.disk-grow', growTimeoutMs, { target: disk.target, sizeBytes });
      plan.act(`tell ${doc.spec.name} that its disk ${disk.target} has grown`);
      return { targets: [disk.target] };
    },
  }),
];
