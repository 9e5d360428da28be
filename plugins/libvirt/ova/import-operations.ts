/** Guests out of OVF packages: a directory of a node, or an OVA file of the caller's, which becomes one for the time of the import. @module */
import {
  defineMutation,
  defineQuery,
  defineUpload,
  formatBytes,
  names,
  type PlanContext,
  performFor,
  type Runtime,
  z,
} from '../../../core/plugin/api.ts';
import { fromFlags, type GuestFlags } from '../domain/create.ts';
import { nodeOfFiles } from '../export/export-operations.ts';
import { answerOf, placesOf, vmAnswer } from '../operations/common.ts';
import { metaDefaults } from '../operations/meta-input.ts';
import { planGuest } from '../operations/new-guest.ts';
import type { VmSpec } from '../schema.ts';
import type { Shelf, ShelfOptions } from '../shelf.ts';
import { needStore, planInStores, type VolumeStore, type VolumeStoreHook } from '../snapshot/volume-store.ts';
import { readFolder } from './folder.ts';
import type { ovaInput } from './import-input.ts';
import { ovaError } from './ova-errors.ts';
import { unpack } from './unpack.ts';

const importTimeoutMs = 24 * 3_600_000;

const buses = z.enum(['virtio', 'scsi', 'sata']);

const wishes = {
  name: names.objectName.describe('name of the new guest'),
  pool: names.objectName.describe('pool for its disks'),
  network: z
    .array(names.objectName)
    .max(32)
    .default([])
    .describe('network of its first card, its second …; may be repeated; cards beyond are left out'),
  bus: buses.optional().describe('how it sees its disks (virtio for a Linux, sata for what may lack the drivers)'),
  runOn: names.nodeName.optional().describe('node that the guest is for; chosen by its selector unless given'),
  start: z.boolean().default(false).describe('start it once it is imported'),
  force: z.boolean().default(false).describe('even if a pool could run full'),
};
const options = {
  pool: { complete: 'pool' },
  network: { complete: 'network' },
  runOn: { complete: 'node' },
} as const;

const sum = z.object({ algorithm: z.enum(['sha1', 'sha256', 'sha512']), sum: z.string() });
const looked = z.object({
  os: z.string(),
  knowsVirtio: z.boolean(),
  vcpus: z.int(),
  memoryMiB: z.int(),
  firmware: z.enum(['bios', 'uefi']),
  cards: z.array(z.string()).describe('the network of each card, where it comes from'),
  left: z.array(z.string()).describe('hardware that is not taken over'),
  disks: z.array(z.object({ file: z.string(), sizeBytes: z.int(), sum: sum.nullable() })),
});
type Looked = z.output<typeof looked>;

interface Part {
  readonly runtime: Runtime;
  readonly ovas: Shelf;
}

/** Where OVA files are while they are imported. */
export const ovaShelf: ShelfOptions = {
  name: 'ova',
  action: 'vm.import-ovf',
  field: 'directory',
  full: (lack) => ovaError('OVA_NO_SPACE', lack),
};

/** The guest as options say it: what the descriptor tells, in the shape that PVC gives every guest. Pure. */
function flagsOf(
  found: Looked,
  {
    name,
    pool,
    network,
    bus,
  }: { name: string; pool: string; network: readonly string[]; bus: z.output<typeof buses> | undefined },
): GuestFlags {
  const model = found.knowsVirtio ? 'virtio' : 'e1000e';
  return {
    ...{ name, description: found.os, vcpus: found.vcpus, memoryMiB: found.memoryMiB, firmware: found.firmware },
    disks: found.disks.map((_disk, at) => ({
      source: { type: 'volume', pool, volume: `${name}-disk${at + 1}` },
      bus: bus ?? (found.knowsVirtio ? 'virtio' : 'sata'),
    })),
    nics: network.slice(0, found.cards.length).map((one) => ({ source: { type: 'network', network: one }, model })),
  };
}

export function ovaOperations(need: () => Part, hook: VolumeStoreHook) {
  /** @throws PvcError OVA_UNFIT, NODE_UNREACHABLE */
  const lookOn = async (node: string, directory: string, pool: string): Promise<Looked> => {
    const { runtime } = need();
    return looked.parse(await runtime.ask('vm.ovf-look', { node, directory, pool }, runtime.signal));
  };

  /** @throws PvcError OVA_UNFIT */
  const storeOf = (directory: string, volume: string): Promise<VolumeStore> =>
    needStore(hook, { volume }, (pool) =>
      ovaError('OVA_UNFIT', { path: directory, reason: `there is no pool ${pool}` }),
    );

  return [
    defineQuery({
      name: 'vm.ovf-look',
      summary: 'What an OVF package that lies on a node says that it is',
      description: 'Called by `vm import-ovf`.',
      http: { method: 'POST', path: '/nodes/{node}/ovf-packages' },
      role: 'admin',
      input: z.strictObject({ node: names.nodeName, directory: names.absolutePath, pool: names.objectName }),
      output: looked,
      on: async (_context, { node }) => node,
      async run(_context, { directory, pool }) {
        const { runtime } = need();
        const { guest, sums } = await readFolder(runtime.host, directory);
        const store = await storeOf(directory, `${pool}/any`);
        const disks = [];
        for (const { file } of guest.disks) {
          // The image itself is asked: descriptors are wrong about sizes.
          const { sizeBytes } = await store.inspect(`${directory}/${file}`);
          disks.push({ file, sizeBytes, sum: sums.get(file) ?? null });
        }
        const { os, knowsVirtio, vcpus, memoryMiB, firmware, cards, left } = guest;
        return { os, knowsVirtio, vcpus, memoryMiB, firmware, cards: [...cards], left: [...left], disks };
      },
    }),
    defineMutation({
      name: 'vm.import-ovf',
      summary: 'Make a guest of an OVF package that lies on a node',
      description:
        'The directory has one descriptor (*.ovf), the disks, and perhaps a manifest (*.mf), by which the disks are checked before anything is written. Processors, memory, firmware, disks in their order and cards are taken over; what is not is told. The disks are copied: the package stays as it is. What fails or is cancelled leaves nothing.',
      http: { method: 'POST', path: '/vms/{name}/import-ovf' },
      cli: {
        command: 'vm import-ovf',
        arguments: [{ field: 'name' }, { field: 'directory', complete: 'file' }],
        options: { ...options, node: { complete: 'node' } },
        waits: true,
        examples: ['pvc vm import-ovf web1 /mnt/export/web1 --pool vms --network office --start'],
      },
      role: 'admin',
      input: z.strictObject({
        ...wishes,
        directory: names.absolutePath.describe('the directory'),
        node: names.nodeName.optional().describe('node that has it (the primary)'),
      }),
      output: vmAnswer,
      async plan(
        plan,
        context: PlanContext,
        { directory, node: wanted, name, pool, network, bus, runOn, start, force },
      ) {
        const node = await nodeOfFiles(context, wanted);
        const found = await lookOn(node, directory, pool);
        const longest = names.objectName.safeParse(`${name}-disk${found.disks.length}`);
        if (!longest.success)
          throw ovaError('OVA_UNFIT', { path: directory, reason: `the name ${name}-disk1 is too long for a volume` });
        const { fields, warnings } = fromFlags(flagsOf(found, { name, pool, network, bus }));
        for (const left of found.left) plan.warn(`${left} is not taken over`);
        if (found.cards.length > network.length)
          plan.warn(
            `${found.cards.length - network.length} of its ${found.cards.length} network cards are left out: --network says where they go`,
          );
        if (network.length > found.cards.length)
          plan.warn(
            `it has ${found.cards.length} network cards: ${network.slice(found.cards.length).join(', ')} is not used`,
          );
        if (found.disks.some(({ sum: listed }) => listed === null))
          plan.warn('its disks cannot be checked: the manifest does not list them');
        const rest = { ...metaDefaults, run: 'stopped', autostart: false, tags: [] } as unknown as VmSpec;
        const bare = { fields: { ...fields, disks: [] }, warnings };
        const doc = await planGuest(plan, context, bare, rest, runOn, await placesOf(context));
        const volumes = found.disks.map(({ file, sizeBytes, sum: listed }, at) => ({
          ...{ file, sizeBytes, sum: listed, volume: `${pool}/${name}-disk${at + 1}` },
          target: fields.disks[at]?.target ?? '',
        }));
        const ids = await planInStores(
          volumes,
          ({ volume }) => storeOf(directory, volume),
          (store, some) => store.planNew(plan, context, some, force),
        );
        const run = start ? ('running' as const) : ('stopped' as const);
        const input: z.input<typeof ovaInput> = {
          ...{ name, directory, disks: fields.disks, run, autostart: false },
          volumes: volumes.map((one) => ({
            ...{ id: ids.get(one) ?? '', volume: one.volume, target: one.target, file: one.file, sum: one.sum },
          })),
        };
        plan.task({
          action: 'vm.import-ovf',
          target: { kind: 'vm', id: doc.id, label: name },
          node,
          input,
          timeoutMs: importTimeoutMs,
        });
        for (const { volume, file, sizeBytes } of volumes)
          plan.act(`make ${volume} (${formatBytes(sizeBytes)}) from ${file}`);
        if (start) plan.act(`start ${name} on ${doc.spec.node}`);
        return answerOf({ ...doc, spec: { ...doc.spec, run } });
      },
    }),
    defineUpload({
      name: 'vm.import-ova',
      summary: 'Make a guest of an OVA file of yours',
      description:
        'An OVA is a tar file with an OVF package, as VMware, VirtualBox and others export guests. It needs room for the file on the node that is asked. See `vm import-ovf` for what is taken over.',
      http: { method: 'PUT', path: '/vms/{name}/import-ova' },
      cli: {
        command: 'vm import-ova',
        arguments: [{ field: 'name' }],
        options,
        examples: ['pvc vm import-ova web1 web1.ova --pool vms --network office --start'],
      },
      role: 'admin',
      input: z.strictObject(wishes),
      output: vmAnswer,
      async receive(_context, input, body, run) {
        const { runtime, ovas } = need();
        const { host, node } = runtime;
        const sizeBytes = run.sizeBytes ?? 0;
        if (sizeBytes === 0) throw ovaError('OVA_UNFIT', { path: 'The file that was sent', reason: 'it is empty' });
        const directory = await ovas.place(sizeBytes);
        try {
          await unpack(host, body, directory, run.signal);
          run.progress('looks at the package');
          const { result } = await performFor(run, runtime, 'vm.import-ovf', { ...input, directory, node });
          return vmAnswer.parse(result);
        } finally {
          await host.files.remove(directory);
        }
      },
    }),
  ];
}
