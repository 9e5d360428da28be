/**
 * A modern guest from a few options: the same shape that an administrator's XML becomes. Opinionated:
 * q35, virtio everywhere, a logged serial console, a random source, the guest agent's channel, spare
 * slots to plug devices in while it runs.
 * @module
 */
import { PvcError } from '../../../core/plugin/api.ts';
import type { Disk, DiskBus, Nic, Topology, VmSpec } from '../schema.ts';
import { compose } from './compose.ts';
import { serialPort } from './console.ts';
import { type DefinedVm, fromElement } from './define.ts';
import { domainError, summarize } from './errors.ts';
import { topologyProduct, topologyText } from './numa.ts';
import { scsiController } from './scsi.ts';
import { el, printXml, type XmlElement } from './xml.ts';

export interface DiskFlag {
  readonly source: Disk['source'];
  /** raw unless said; qcow2 for images that grow. */
  readonly format?: string;
  /** virtio unless said. */
  readonly bus?: DiskBus;
}

export interface NicFlag {
  readonly source: Nic['source'];
  readonly mac?: string;
  /** virtio unless said. */
  readonly model?: string;
  readonly limits?: Nic['limits'];
  readonly antiSpoof?: Nic['antiSpoof'];
}

export interface GuestFlags {
  readonly name: string;
  readonly description?: string;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly topology?: Topology;
  readonly accelerator?: VmSpec['accelerator'];
  /** q35 unless said; `pc` for guests that know no PCI Express. */
  readonly machine?: string;
  /** host-model unless said (`maximum` where it is emulated); host-passthrough, or a model's name. */
  readonly cpu?: string;
  readonly disks?: readonly DiskFlag[];
  /** Path of an ISO image; '' for an empty drive; no drive when left out. */
  readonly cdrom?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  readonly nics?: readonly NicFlag[];
  /** disk, cdrom, network unless said: an empty disk falls through to the installer. */
  readonly boot?: readonly BootDevice[];
  /** bios unless said. */
  readonly firmware?: 'bios' | 'uefi';
  /** vnc unless said. */
  readonly graphics?: 'vnc' | 'none';
  /** Channel of the QEMU guest agent; on unless said. */
  readonly guestAgent?: boolean;
  /** Emulated watchdog card that resets a hung guest; off unless said. */
  readonly watchdog?: boolean;
  /** The serial number of the machine, as its firmware tells it (SMBIOS, type 1); none unless said. */
  readonly serial?: string;
}

export type BootDevice = 'disk' | 'cdrom' | 'network';

const bootNames: Readonly<Record<BootDevice, string>> = { disk: 'hd', cdrom: 'cdrom', network: 'network' };

/** A PCI Express guest can take this many devices while it runs, less what it starts with; virt-manager gives as many. */
const rootPorts = 14;

const isExpress = (machine: string): boolean => machine.includes('q35');

/** Options that do not go together. */
function flagProblems(flags: GuestFlags): string[] {
  const problems: string[] = [];
  if (flags.kernel === undefined && flags.initrd !== undefined) problems.push('--initrd needs --kernel');
  if (flags.kernel === undefined && flags.cmdline !== undefined) problems.push('--cmdline needs --kernel');
  if (flags.kernel !== undefined && flags.firmware === 'uefi')
    problems.push('--kernel starts the guest without firmware; leave --firmware uefi out');
  if (flags.boot?.includes('cdrom') === true && flags.cdrom === undefined) problems.push('--boot cdrom needs --cdrom');
  if (flags.topology !== undefined && topologyProduct(flags.topology) !== flags.vcpus) {
    problems.push(
      `--topology: ${topologyText(flags.topology)} make ${topologyProduct(flags.topology)} vCPUs, but --vcpus says ${flags.vcpus}`,
    );
  }
  return problems;
}

const letter = (at: number): string =>
  at < 26 ? String.fromCharCode(97 + at) : letter(Math.floor(at / 26) - 1) + letter(at % 26);
const prefixes: Readonly<Record<DiskBus, string>> = {
  virtio: 'vd',
  scsi: 'sd',
  sata: 'sd',
  usb: 'sd',
  ide: 'hd',
  fdc: 'fd',
};

/** Gives each drive the first free target of its bus. The CD-ROM comes first: firmware looks at the first SATA port. */
function drives(flags: GuestFlags, express: boolean): Disk[] {
  const used = new Set<string>();
  const target = (bus: DiskBus): string => {
    for (let at = 0; ; at += 1) {
      const name = `${prefixes[bus]}${letter(at)}`;
      if (used.has(name)) continue;
      used.add(name);
      return name;
    }
  };
  const cdrom = (path: string): Disk => {
    const bus = express ? 'sata' : 'ide';
    return {
      target: target(bus),
      device: 'cdrom',
      bus,
      source: path === '' ? { type: 'empty' } : { type: 'file', path },
      format: 'raw',
      readonly: true,
      extra: '',
    };
  };
  const optical = flags.cdrom === undefined ? [] : [cdrom(flags.cdrom)];
  const disks = (flags.disks ?? []).map(({ source, format = 'raw', bus = 'virtio' }): Disk => {
    return {
      target: target(bus),
      device: 'disk',
      bus,
      source,
      format,
      readonly: false,
      extra: "<driver discard='unmap'/>",
    };
  });
  return [...disks, ...optical];
}

function osElement(flags: GuestFlags, machine: string): XmlElement {
  const { kernel, initrd, cmdline } = flags;
  const order = flags.boot ?? (['disk', 'cdrom', 'network'] as const);
  const boots = order
    .filter((device) => device !== 'cdrom' || flags.cdrom !== undefined)
    .map((device) => el('boot', { dev: bootNames[device] }));
  return el(
    'os',
    { firmware: flags.firmware === 'uefi' ? 'efi' : undefined },
    el('type', { arch: 'x86_64', machine }, 'hvm'),
    flags.serial === undefined ? undefined : el('smbios', { mode: 'sysinfo' }),
    kernel === undefined ? undefined : el('kernel', {}, kernel),
    initrd === undefined ? undefined : el('initrd', {}, initrd),
    cmdline === undefined || cmdline === '' ? undefined : el('cmdline', {}, cmdline),
    ...(kernel === undefined ? boots : []),
  );
}

const sysinfoElement = ({ serial }: GuestFlags): XmlElement | undefined =>
  serial === undefined
    ? undefined
    : el('sysinfo', { type: 'smbios' }, el('system', {}, el('entry', { name: 'serial' }, serial)));

function cpuElement(cpu: string): XmlElement {
  const mode = ['host-model', 'host-passthrough', 'maximum'].includes(cpu);
  return mode
    ? el('cpu', { mode: cpu })
    : el('cpu', { mode: 'custom', match: 'exact' }, el('model', { fallback: 'forbid' }, cpu));
}

function devicesElement(flags: GuestFlags, express: boolean, disks: readonly Disk[]): XmlElement {
  const vnc = flags.graphics !== 'none';
  const controllers = [
    ...(express ? [el('controller', { type: 'pci', index: 0, model: 'pcie-root' })] : []),
    ...(express
      ? Array.from({ length: rootPorts }, (_none, at) =>
          el('controller', { type: 'pci', index: at + 1, model: 'pcie-root-port' }),
        )
      : []),
    el('controller', { type: 'usb', index: 0, model: 'qemu-xhci', ports: 15 }),
    disks.some(({ bus }) => bus === 'scsi') ? scsiController() : undefined,
    el('controller', { type: 'virtio-serial', index: 0 }),
  ];
  return el(
    'devices',
    {},
    ...controllers,
    serialPort(),
    flags.guestAgent === false
      ? undefined
      : el('channel', { type: 'unix' }, el('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' })),
    vnc ? el('input', { type: 'tablet', bus: 'usb' }) : undefined,
    vnc ? el('graphics', { type: 'vnc', autoport: 'yes' }) : undefined,
    vnc ? el('video', {}, el('model', { type: 'vga' })) : undefined,
    flags.watchdog === true ? el('watchdog', { model: 'i6300esb', action: 'reset' }) : undefined,
    el('memballoon', { model: 'virtio' }, el('stats', { period: 10 })),
    el('rng', { model: 'virtio' }, el('backend', { model: 'random' }, '/dev/urandom')),
    el('panic', { model: 'isa' }),
  );
}

/** The definition of such a guest: what typed fields do not say. */
function definitionTree(flags: GuestFlags, machine: string, disks: readonly Disk[]): XmlElement {
  return el(
    'domain',
    {},
    sysinfoElement(flags),
    osElement(flags, machine),
    el('features', {}, el('acpi'), el('apic')),
    cpuElement(flags.cpu ?? 'host-model'),
    el(
      'clock',
      { offset: 'utc' },
      el('timer', { name: 'rtc', tickpolicy: 'catchup' }),
      el('timer', { name: 'pit', tickpolicy: 'delay' }),
      el('timer', { name: 'hpet', present: 'no' }),
    ),
    // A guest that suspends itself looks dead to everybody else.
    el('pm', {}, el('suspend-to-mem', { enabled: 'no' }), el('suspend-to-disk', { enabled: 'no' })),
    devicesElement(flags, isExpress(machine), disks),
  );
}

/** Any valid UUID; `fromElement` takes it out again. */
const placeholder = '00000000-0000-4000-8000-000000000001';

/**
 * Makes a guest from options; it passes through the same checks as an administrator's XML.
 * @throws PvcError VM_FLAGS_INVALID with every problem as a detail
 */
export function fromFlags(flags: GuestFlags): DefinedVm {
  const problems = flagProblems(flags);
  if (problems.length > 0)
    throw domainError('VM_FLAGS_INVALID', { name: flags.name, summary: summarize(problems) }, { details: problems });
  const machine = flags.machine ?? 'q35';
  const disks = drives(flags, isExpress(machine));
  const nics = (flags.nics ?? []).map(({ mac, model = 'virtio', ...card }) => ({ ...card, mac, model, extra: '' }));
  const definition = definitionTree(flags, machine, disks);
  const whole = compose({
    uuid: placeholder,
    fields: {
      name: flags.name,
      description: flags.description ?? '',
      accelerator: flags.accelerator ?? 'auto',
      memoryMiB: flags.memoryMiB,
      vcpus: flags.vcpus,
      topology: flags.topology,
      nics,
      disks,
      definition: printXml(definition),
    },
    type: 'kvm',
    foreign: true,
    mark: { accelerator: flags.accelerator ?? 'auto', type: 'kvm' },
  });
  try {
    const { fields, warnings } = fromElement(whole);
    return { fields, warnings };
  } catch (error) {
    if (!(error instanceof PvcError) || error.code !== 'VM_XML_INVALID') throw error;
    // Nobody who gave options wants to read paths of an XML they never saw.
    const details = error.details.map((detail) => detail.replace(/^\/domain\//, ''));
    throw domainError('VM_FLAGS_INVALID', { name: flags.name, summary: summarize(details) }, { details, cause: error });
  }
}
