/**
 * What an OVF descriptor (DMTF DSP0243) says of a guest: processors, memory, firmware, its disks in order, its cards. What PVC
 * does not take over is told. Pure.
 * @module
 */
import { elements, parseXml, textOf, type XmlElement } from '../domain/xml.ts';
import { ovaError } from './ova-errors.ts';

export interface OvfDisk {
  /** The file beside the descriptor. */
  readonly file: string;
  /** Bytes, as the guest sees it. */
  readonly sizeBytes: number;
}

export interface OvfGuest {
  readonly name: string;
  /** The operating system, in the descriptor's words. */
  readonly os: string;
  /** Whether that has drivers for virtio by itself. */
  readonly knowsVirtio: boolean;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly firmware: 'bios' | 'uefi';
  readonly disks: readonly OvfDisk[];
  /** The network of each card, as it was called where the guest comes from. */
  readonly cards: readonly string[];
  /** What is not taken over. */
  readonly left: readonly string[];
}

/** Resource types of CIM_ResourceAllocationSettingData (DSP1041), as OVF has them. */
const type = {
  processor: 3,
  memory: 4,
  card: 10,
  floppy: 14,
  cd: 15,
  dvd: 16,
  disk: 17,
  usb: 23,
  graphics: 24,
} as const;
/** Controllers, and what every guest of PVC has anyway. */
const silently: readonly number[] = [1, 5, 6, 20, type.usb, type.graphics];

const local = (name: string): string => name.replace(/^.*:/, '');
const children = (parent: XmlElement | undefined, name: string): XmlElement[] =>
  parent === undefined ? [] : elements(parent).filter((one) => local(one.name) === name);
const child = (parent: XmlElement | undefined, name: string): XmlElement | undefined => children(parent, name)[0];
const text = (parent: XmlElement | undefined, name: string): string => textOf(child(parent, name)).trim();

function attribute(element: XmlElement | undefined, name: string): string | undefined {
  const found = Object.entries(element?.attributes ?? {}).find(([key]) => local(key) === name);
  return found?.[1];
}

/** Every element below, the element itself first. */
const all = (element: XmlElement): XmlElement[] => [element, ...elements(element).flatMap(all)];

type Wrong = (reason: string) => Error;

/**
 * Bytes of an amount. Units are `byte * 2^20` (DSP0004, programmatic units) or words that older programs write.
 * @param units empty: bytes
 */
function bytesOf(amount: string, units: string, wrong: Wrong): number {
  const words: Readonly<Record<string, number>> = {
    '': 1,
    byte: 1,
    bytes: 1,
    kilobytes: 2 ** 10,
    megabytes: 2 ** 20,
    gigabytes: 2 ** 30,
  };
  const unit = units.trim().toLowerCase();
  const power = /^byte\s*\*\s*(2|10)\s*\^\s*(\d{1,2})$/.exec(unit);
  const one = power === null ? words[unit] : Number(power[1]) ** Number(power[2]);
  const bytes = /^\d{1,16}$/.test(amount.trim()) && one !== undefined ? Number(amount) * one : Number.NaN;
  if (!Number.isSafeInteger(bytes)) throw wrong(`"${amount}" of "${units}" is no amount`);
  return bytes;
}

/** A file beside the descriptor, by a name that stays there. */
function fileNamed(href: string, wrong: Wrong): string {
  if (!/^[\w][\w .()+@=,~-]*$/.test(href) || href.length > 255)
    throw wrong(`the file "${href}" is not one beside the descriptor`);
  return href;
}

/** The files of the disks, by the id by which hardware names them. */
function disksOf(envelope: XmlElement, wrong: Wrong): ReadonlyMap<string, OvfDisk> {
  const files = new Map(
    children(child(envelope, 'References'), 'File').map((one) => [attribute(one, 'id') ?? '', one]),
  );
  const disks = new Map<string, OvfDisk>();
  for (const one of children(child(envelope, 'DiskSection'), 'Disk')) {
    const id = attribute(one, 'diskId') ?? '';
    const reference = attribute(one, 'fileRef');
    if (reference === undefined) throw wrong(`the disk ${id} has no file`);
    if (attribute(one, 'parentRef') !== undefined) throw wrong(`the disk ${id} is a difference to another one`);
    const file = files.get(reference);
    if (file === undefined) throw wrong(`the disk ${id} is in a file ${reference}, which is not told`);
    if ((attribute(file, 'compression') ?? 'identity') !== 'identity')
      throw wrong(`the file of the disk ${id} is compressed (${attribute(file, 'compression')})`);
    if (attribute(file, 'chunkSize') !== undefined) throw wrong(`the disk ${id} is divided into several files`);
    const sizeBytes = bytesOf(attribute(one, 'capacity') ?? '', attribute(one, 'capacityAllocationUnits') ?? '', wrong);
    disks.set(id, { file: fileNamed(attribute(file, 'href') ?? '', wrong), sizeBytes });
  }
  return disks;
}

interface Item {
  readonly kind: number;
  readonly element: XmlElement;
  readonly instance: string;
  readonly name: string;
}

/** The hardware, without alternatives: an item of another configuration than the default one does not count. */
function itemsOf(system: XmlElement, envelope: XmlElement): Item[] {
  const configuration = children(child(envelope, 'DeploymentOptionSection'), 'Configuration');
  const standard = configuration.find((one) => attribute(one, 'default') === 'true') ?? configuration[0];
  const chosen = attribute(standard, 'id');
  const hardware = child(system, 'VirtualHardwareSection');
  const kinds = ['Item', 'StorageItem', 'EthernetPortItem'];
  return (hardware === undefined ? [] : elements(hardware))
    .filter((one) => kinds.includes(local(one.name)))
    .filter((one) => {
      const only = attribute(one, 'configuration');
      return only === undefined || (chosen !== undefined && only.split(/\s+/).includes(chosen));
    })
    .map((element) => ({
      kind: Number(text(element, 'ResourceType')),
      element,
      instance: text(element, 'InstanceID'),
      name: text(element, 'ElementName'),
    }));
}

/** Disks as the firmware of the guest would find them: by controller, and by their place on it. */
function inOrder(items: readonly Item[]): Item[] {
  const placeOf = ({ element }: Item): readonly [number, number] => {
    const parent = items.findIndex(({ instance }) => instance === text(element, 'Parent'));
    return [parent, Number(text(element, 'AddressOnParent') || 0)];
  };
  return items
    .filter(({ kind }) => kind === type.disk)
    .toSorted((a, b) => {
      const [[parentA, placeA], [parentB, placeB]] = [placeOf(a), placeOf(b)];
      return parentA - parentB || placeA - placeB;
    });
}

const isEfi = (system: XmlElement): boolean =>
  all(system).some(
    (one) =>
      (local(one.name) === 'Config' && attribute(one, 'key') === 'firmware' && attribute(one, 'value') === 'efi') ||
      (local(one.name) === 'Firmware' && /^efi/i.test(attribute(one, 'type') ?? '')),
  );

/** Of CIM's operating systems (DSP0223, CIM_OperatingSystem.OSType) those that are a Linux, and words of descriptions. */
function isLinux(section: XmlElement | undefined): boolean {
  const id = Number(attribute(section, 'id'));
  const said = `${attribute(section, 'osType') ?? ''} ${text(section, 'Description')}`;
  return (
    id === 36 ||
    (id >= 79 && id <= 102) ||
    id === 106 ||
    id === 107 ||
    /linux|debian|ubuntu|centos|rhel|fedora|suse|alma|rocky/i.test(said)
  );
}

/**
 * @param descriptor the text of the file
 * @param path for messages
 * @throws PvcError OVA_UNFIT
 */
export function readOvf(descriptor: string, path: string): OvfGuest {
  const wrong: Wrong = (reason) => ovaError('OVA_UNFIT', { path, reason });
  let envelope: XmlElement;
  try {
    envelope = parseXml(descriptor);
  } catch (error) {
    throw ovaError(
      'OVA_UNFIT',
      { path, reason: `its descriptor is no XML: ${(error as Error).message}` },
      { cause: error },
    );
  }
  if (local(envelope.name) !== 'Envelope') throw wrong('its descriptor is no OVF');
  const systems = children(envelope, 'VirtualSystem');
  const system = systems[0];
  if (system === undefined || systems.length > 1 || child(envelope, 'VirtualSystemCollection') !== undefined)
    throw wrong('it does not hold exactly one guest');
  const items = itemsOf(system, envelope);
  const sum = (kind: number): string | undefined => {
    const found = items.find((one) => one.kind === kind);
    return found === undefined ? undefined : text(found.element, 'VirtualQuantity');
  };
  const memory = items.find(({ kind }) => kind === type.memory);
  if (memory === undefined) throw wrong('it does not say how much memory the guest has');
  const vcpus = Number(sum(type.processor) ?? 1);
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > 512)
    throw wrong(`${sum(type.processor)} is no number of processors`);
  // Without a unit it is MiB, in every program that leaves it out.
  const units = text(memory.element, 'AllocationUnits') || 'byte * 2^20';
  const memoryMiB = Math.ceil(bytesOf(text(memory.element, 'VirtualQuantity'), units, wrong) / 2 ** 20);
  const known = disksOf(envelope, wrong);
  const disks = inOrder(items).map(({ element }) => {
    const resource = text(element, 'HostResource');
    const id = /^(?:ovf:)?\/?disk\/(.+)$/.exec(resource)?.[1];
    const disk = id === undefined ? undefined : known.get(id);
    if (disk === undefined) throw wrong(`a disk of the guest is "${resource}", which is none of its disks`);
    return disk;
  });
  if (disks.length === 0) throw wrong('the guest has no disk');
  if (new Set(disks.map(({ file }) => file)).size < disks.length) throw wrong('two of its disks are in one file');
  const os = child(system, 'OperatingSystemSection');
  const taken: readonly number[] = [type.processor, type.memory, type.card, type.disk, ...silently];
  return {
    name: text(system, 'Name') || attribute(system, 'id') || '',
    os: text(os, 'Description') || attribute(os, 'osType') || '',
    knowsVirtio: isLinux(os),
    ...{ vcpus, memoryMiB, disks },
    firmware: isEfi(system) ? 'uefi' : 'bios',
    cards: items.filter(({ kind }) => kind === type.card).map(({ element }) => text(element, 'Connection')),
    left: items.filter(({ kind }) => !taken.includes(kind)).map(({ name, kind }) => name || `hardware of type ${kind}`),
  };
}
