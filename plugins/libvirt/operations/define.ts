/** New guests: from an XML, from flags. @module */
import { defineMutation, names, type PlanBuilder, type PlanContext, z } from '../../../core/plugin/api.ts';
import { fromFlags, type GuestFlags } from '../domain/create.ts';
import { type DefinedVm, fromXml } from '../domain/define.ts';
import { given } from '../given.ts';
import { type diskSource, type nicSource, topology, type VmSpec, word } from '../schema.ts';
import { vmError } from '../vm-kind.ts';
import { answerOf, foretell, vmAnswer, vmTask } from './common.ts';
import { type MetaInput, metaDefaults, metaOptions, metaShape, withMeta } from './meta-input.ts';
import { planGuest } from './new-guest.ts';
import { guardAsAsked, newGuardInput } from './nic-guard-input.ts';
import { startTimeoutMs } from './power.ts';

const newGuest = {
  node: names.nodeName.optional().describe('node that it is for; chosen by the selector unless given'),
  tag: z.array(names.tagName).max(64).optional().describe('tag, may be repeated'),
  start: z.boolean().default(false).describe('start it at once'),
  ...metaShape,
};

/** Plans a guest from a definition and options. */
async function planNew(
  plan: PlanBuilder,
  context: PlanContext,
  defined: DefinedVm,
  input: MetaInput & { node?: string | undefined; tag?: string[] | undefined; start: boolean },
) {
  const rest = {
    ...withMeta({ ...metaDefaults } as unknown as VmSpec, input),
    run: input.start ? ('running' as const) : ('stopped' as const),
    tags: [...new Set(input.tag ?? [])].map((tag) => ({ name: tag, protected: false })),
  };
  const doc = await planGuest(plan, context, defined, rest, input.node);
  if (input.start) {
    vmTask(plan, doc, 'vm.start', startTimeoutMs);
    foretell(plan, doc, doc.spec);
  }
  return answerOf(doc);
}

export const defineOperations = [
  defineMutation({
    name: 'vm.define',
    summary: 'Define a guest from a libvirt XML file',
    description:
      'What PVC does not manage in the XML is kept as it is. The guest stays stopped unless --start is given.',
    http: { method: 'POST', path: '/vms' },
    cli: {
      command: 'vm define',
      arguments: [{ field: 'xml', from: 'file', value: 'FILE', complete: 'file' }],
      options: { ...metaOptions, node: { complete: 'node', short: 't' }, tag: { short: 'g' } },
      waits: true,
      examples: [
        'pvc vm define web1.xml',
        'pvc vm define web1.xml --node hv1 --autostart --start',
        'virsh dumpxml old | pvc vm define - --plan',
      ],
    },
    role: 'operator',
    input: z.strictObject({
      xml: z
        .string()
        .min(1)
        .max(1024 * 1024)
        .describe('domain XML; - is standard input'),
      ...newGuest,
    }),
    output: vmAnswer,
    plan: async (plan, context, input) => planNew(plan, context, fromXml(input.xml), input),
  }),
  defineMutation({
    name: 'vm.create',
    summary: 'Create a guest from options',
    description:
      'Makes a modern guest: q35, virtio devices, a serial console that is logged, the channel of the guest agent. Disks are files of the node; they are not made.',
    http: { method: 'POST', path: '/vms/create' },
    cli: {
      command: 'vm create',
      arguments: [{ field: 'name' }],
      options: {
        ...metaOptions,
        node: { complete: 'node', short: 't' },
        tag: { short: 'g' },
        disk: { from: 'pairs', lone: 'file', value: 'PATH[,bus=,format=]', complete: 'file' },
        nic: { from: 'pairs', lone: 'bridge', value: 'BRIDGE|network=NAME[,mac=,model=,limitIn=,limitOut=,antiSpoof]' },
        topology: { from: 'pairs', value: 'sockets=,cores=,threads=' },
        cdrom: { complete: 'file' },
        kernel: { complete: 'file' },
        initrd: { complete: 'file' },
      },
      waits: true,
      examples: [
        'pvc vm create web1 --vcpus 2 --memory 2048 --disk /var/lib/images/web1.qcow2,format=qcow2 --nic br0 --start',
        'pvc vm create web2 --memory 2G --disk volume=vms/web2 --nic network=office --start',
        'pvc vm create web3 --disk volume=vms/web3 --nic network=office,limitIn=100mbit,antiSpoof --start',
        'pvc vm create live --memory 1024 --cdrom /var/lib/images/debian.iso',
        'pvc vm create tiny --memory 192 --kernel /boot/vmlinuz --initrd /boot/initrd --cmdline console=ttyS0 --start',
      ],
    },
    role: 'operator',
    input: z.strictObject({
      name: names.objectName.describe('name of the new guest'),
      description: z.string().max(4096).optional().describe('text for people'),
      vcpus: z.int().min(1).max(512).default(1).describe('number of virtual CPUs'),
      memory: z
        .int()
        .min(16)
        .max(16 * 1024 * 1024)
        .default(1024)
        .describe('memory, in MiB unless a unit is given')
        .meta({ unit: 'MiB' }),
      topology: topology.optional().describe('shape of the vCPUs'),
      accelerator: z.enum(['auto', 'kvm', 'tcg']).optional().describe('auto: KVM where it works'),
      machine: word.optional().describe('machine type (q35)'),
      cpu: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
        .optional()
        .describe('CPU mode or model (host-model)'),
      disk: z
        .array(
          z.strictObject({
            file: names.absolutePath.optional(),
            block: names.absolutePath.optional(),
            volume: z
              .string()
              .regex(/^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/, 'POOL/VOLUME')
              .optional(),
            format: word.optional(),
            bus: z.enum(['virtio', 'scsi', 'sata', 'ide', 'usb']).optional(),
          }),
        )
        .max(64)
        .optional()
        .describe('disk: a file of the node, block=DEVICE or volume=POOL/NAME; may be repeated'),
      cdrom: z
        .union([names.absolutePath, z.literal('')])
        .optional()
        .describe('ISO image; empty for an empty drive'),
      kernel: names.absolutePath.optional().describe('kernel to start directly'),
      initrd: names.absolutePath.optional().describe('initial RAM disk of that kernel'),
      cmdline: z.string().max(2048).optional().describe('command line of the kernel'),
      nic: z
        .array(
          z.strictObject({
            bridge: names.linkName.optional(),
            network: names.objectName.optional(),
            user: z.boolean().optional(),
            mac: names.macAddress.optional(),
            model: word.optional(),
            limitIn: newGuardInput.limitIn,
            limitOut: newGuardInput.limitOut,
            antiSpoof: newGuardInput.antiSpoof,
          }),
        )
        .max(64)
        .optional()
        .describe('network card: a bridge of the node, network=NAME or user=true; may be repeated'),
      boot: z
        .array(z.enum(['disk', 'cdrom', 'network']))
        .max(3)
        .optional()
        .describe('boot order; may be repeated'),
      firmware: z.enum(['bios', 'uefi']).optional().describe('firmware (bios)'),
      graphics: z.enum(['vnc', 'none']).optional().describe('display (vnc)'),
      guestAgent: z.boolean().optional().describe('channel for the QEMU guest agent (on)'),
      watchdog: z.boolean().optional().describe('watchdog card that resets a hung guest (off)'),
      ...newGuest,
    }),
    output: vmAnswer,
    plan: async (plan, context, input) => {
      const flags: GuestFlags = {
        ...given({
          name: input.name,
          description: input.description,
          vcpus: input.vcpus,
          memoryMiB: input.memory,
          topology: input.topology,
          accelerator: input.accelerator,
          machine: input.machine,
          cpu: input.cpu,
          cdrom: input.cdrom,
          kernel: input.kernel,
          initrd: input.initrd,
          cmdline: input.cmdline,
          boot: input.boot,
          firmware: input.firmware,
          graphics: input.graphics,
          guestAgent: input.guestAgent,
          watchdog: input.watchdog,
          disks: input.disk?.map((disk) => given({ source: diskSourceOf(disk), format: disk.format, bus: disk.bus })),
          nics: input.nic?.map((nic) => {
            const source = nicSourceOf(nic);
            return given({ source, mac: nic.mac, model: nic.model, ...guardAsAsked(source, {}, nic) });
          }),
        }),
      };
      return planNew(plan, context, fromFlags(flags), input);
    },
  }),
];

export function diskSourceOf(disk: {
  file?: string | undefined;
  block?: string | undefined;
  volume?: string | undefined;
}): z.infer<typeof diskSource> {
  const given = [disk.file, disk.block, disk.volume].filter((source) => source !== undefined);
  if (given.length !== 1) throw vmError('VM_DEVICE_INPUT', { what: 'disk', choices: 'file=, block= or volume=' });
  if (disk.file !== undefined) return { type: 'file', path: disk.file };
  if (disk.block !== undefined) return { type: 'block', path: disk.block };
  const [pool = '', volume = ''] = (disk.volume ?? '').split('/');
  return { type: 'volume', pool, volume };
}

export function nicSourceOf(nic: {
  bridge?: string | undefined;
  network?: string | undefined;
  user?: boolean | undefined;
}): z.infer<typeof nicSource> {
  const given = [nic.bridge, nic.network, nic.user === true ? 'user' : undefined].filter(
    (source) => source !== undefined,
  );
  if (given.length !== 1)
    throw vmError('VM_DEVICE_INPUT', { what: 'network card', choices: 'bridge=, network= or user=true' });
  if (nic.bridge !== undefined) return { type: 'bridge', bridge: nic.bridge };
  return nic.network !== undefined ? { type: 'network', network: nic.network } : { type: 'user' };
}
