/**
 * A disk, CD-ROM or floppy drive between its typed form and libvirt's `<disk>`.
 * @module
 */
import { names } from '../../../core/plugin/api.ts';
import { type Disk, type DiskBus, diskTarget, word } from '../schema.ts';
import { mergeExtra, takeExtra } from './extra.ts';
import type { DeviceReading } from './nic.ts';
import { child, el, type XmlElement } from './xml.ts';

const managed = {
  driver: ['name', 'type'],
  source: ['file', 'dev', 'pool', 'volume'],
  target: ['dev', 'bus'],
  readonly: [],
} as const;
const types = ['file', 'block', 'volume'];
const devices = ['disk', 'cdrom', 'floppy'] as const;
const buses: readonly string[] = ['virtio', 'scsi', 'sata', 'ide', 'usb', 'fdc'];

/** The other buses that libvirt's schema names (domaincommon.rng); what is none of either is a mistake. */
const otherBuses: readonly string[] = ['xen', 'uml', 'sd', 'nvme'];

/** What libvirt takes when `bus` is missing: from the letters of the target. */
const busOfPrefix: Readonly<Record<string, DiskBus>> = { vd: 'virtio', sd: 'scsi', hd: 'ide', fd: 'fdc' };

const letters = (target: string): string => (target.startsWith('xvd') ? 'xvd' : target.slice(0, 2));

/** What libvirt or QEMU would refuse at start, found now. */
export function busFaults(disk: Pick<Disk, 'target' | 'bus' | 'device'>): string[] {
  const faults: string[] = [];
  const floppies = [disk.device === 'floppy', disk.bus === 'fdc', letters(disk.target) === 'fd'];
  if (floppies.includes(true) && floppies.includes(false))
    faults.push(
      `device '${disk.device}' on bus '${disk.bus}' as ${disk.target}: a floppy drive is device='floppy' with bus='fdc' and a target fda or fdb, and nothing else is`,
    );
  if (disk.device === 'cdrom' && disk.bus === 'virtio')
    faults.push("the bus 'virtio' carries no CD-ROM drive; use 'sata' or 'scsi'");
  return faults;
}

/** A target whose letters belong to another bus works, but misleads people. */
export function busWarning(disk: Pick<Disk, 'target' | 'bus'>): string | undefined {
  const expected = { virtio: 'vd', scsi: 'sd', sata: 'sd', usb: 'sd', ide: 'hd', fdc: 'fd' }[disk.bus];
  return letters(disk.target) === expected
    ? undefined
    : `the target ${disk.target} is unusual for the bus '${disk.bus}' (${expected}a, ${expected}b …)`;
}

function readSource(device: XmlElement, kind: Disk['device'], problems: string[]): Disk['source'] | undefined {
  const type = device.attributes['type'] ?? 'file';
  const attributes = child(device, 'source')?.attributes ?? {};
  if (type === 'volume') {
    const pool = names.objectName.safeParse(attributes['pool']);
    const volume = names.objectName.safeParse(attributes['volume']);
    if (pool.success && volume.success) return { type, pool: pool.data, volume: volume.data };
    problems.push("needs <source pool='…' volume='…'/> with names of letters, digits, '.', '_' and '-'");
    return undefined;
  }
  const key = type === 'file' ? 'file' : 'dev';
  const other = type === 'file' ? 'dev' : 'file';
  if (attributes[other] !== undefined) {
    problems.push(`type '${type}' goes with <source ${key}='…'>, not with ${other}`);
    return undefined;
  }
  const path = attributes[key] ?? '';
  if (path === '') {
    if (kind !== 'disk') return { type: 'empty' };
    problems.push(`has no <source ${key}='…'>; only a CD-ROM or floppy drive may be empty`);
    return undefined;
  }
  const form = names.absolutePath.safeParse(path);
  if (form.success) return { type: type === 'file' ? 'file' : 'block', path: form.data };
  problems.push(`source/@${key} "${path}": ${form.error.issues[0]?.message ?? 'not a path'}`);
  return undefined;
}

/** Why the typed form cannot speak for this element, if so. */
function reasonToLeave(device: XmlElement): string | undefined {
  const type = device.attributes['type'] ?? 'file';
  if (!types.includes(type)) return `type '${type}' is left to libvirt as it is`;
  const kind = device.attributes['device'] ?? 'disk';
  if (!(devices as readonly string[]).includes(kind)) return `device '${kind}' is left to libvirt as it is`;
  const foreign = Object.keys(device.attributes).find((name) => name !== 'type' && name !== 'device');
  if (foreign !== undefined) return `the attribute ${foreign} is none that PVC manages, so the element stays as it is`;
  const driver = child(device, 'driver')?.attributes['name'];
  if (driver !== undefined && driver !== 'qemu') return `the driver '${driver}' is left to libvirt as it is`;
  const bus = child(device, 'target')?.attributes['bus'];
  return bus === undefined || !otherBuses.includes(bus) ? undefined : `the bus '${bus}' is left to libvirt as it is`;
}

/** Reads a `<disk>` that `stripRuntime` has been over. */
export function readDisk(device: XmlElement): DeviceReading<Disk> {
  const reason = reasonToLeave(device);
  if (reason !== undefined) return { leave: reason };
  const extra = takeExtra(device, managed);
  if (extra === undefined) return { leave: 'an element occurs twice in it, so it stays as it is' };

  const problems: string[] = [];
  const kind = (device.attributes['device'] ?? 'disk') as Disk['device'];
  const source = readSource(device, kind, problems);
  const target = diskTarget.safeParse(child(device, 'target')?.attributes['dev']);
  if (!target.success) problems.push("needs <target dev='…'/>: vda, sdb, hdc …");
  const format = word.safeParse(child(device, 'driver')?.attributes['type'] ?? 'raw');
  if (!format.success) problems.push('driver/@type is no word; write raw or qcow2');
  if (extra.length > 16_384) problems.push('has more than 16384 characters of unmanaged elements; remove some');
  if (source === undefined || !target.success || !format.success) return { problems };
  const bus = (child(device, 'target')?.attributes['bus'] ?? busOfPrefix[letters(target.data)]) as DiskBus | undefined;
  if (bus === undefined) return { problems: [...problems, `the target ${target.data} needs a bus='…' beside it`] };
  if (!buses.includes(bus)) return { problems: [...problems, `the bus '${bus}' is none; use ${buses.join(', ')}`] };
  problems.push(...busFaults({ target: target.data, bus, device: kind }));
  if (problems.length > 0) return { problems };
  // A CD-ROM drive cannot be written to; libvirt says so by itself.
  const readonly = kind === 'cdrom' || child(device, 'readonly') !== undefined;
  return { device: { target: target.data, device: kind, bus, source, format: format.data, readonly, extra } };
}

/** What stands behind a drive, as libvirt shall see it: what a storage plugin says for a volume of its own. */
export interface DiskBacking {
  /** libvirt's disk type: file, block, network … */
  readonly type: string;
  /** The whole `<source>`; none for an empty drive. */
  readonly source?: XmlElement;
  /** `<auth>` and the like. */
  readonly children?: readonly XmlElement[];
}

const backingOf = (source: Disk['source']): DiskBacking => {
  if (source.type === 'empty') return { type: 'file' };
  if (source.type === 'file') return { type: 'file', source: el('source', { file: source.path }) };
  if (source.type === 'block') return { type: 'block', source: el('source', { dev: source.path }) };
  return { type: 'volume', source: el('source', { pool: source.pool, volume: source.volume }) };
};

/** The `<disk>` of a drive; `foreign` replaces what the drive itself says about its source. */
export function diskElement(disk: Disk, foreign?: DiskBacking): XmlElement {
  const backing = foreign ?? backingOf(disk.source);
  const device = el(
    'disk',
    { type: backing.type, device: disk.device },
    el('driver', { name: 'qemu', type: disk.format }),
    backing.source,
    el('target', { dev: disk.target, bus: disk.bus }),
    disk.readonly || disk.device === 'cdrom' ? el('readonly') : undefined,
  );
  // What stood beside another kind of source (a port group, a start-up policy) is no part of this one.
  mergeExtra(device, disk.extra, managed, foreign === undefined ? [] : ['source']);
  for (const element of backing.children ?? []) device.children.push(element);
  return device;
}
