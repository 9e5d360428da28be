/**
 * The details of a guest for people and the API, read from its domain XML, stored or running.
 * @module
 */
import { loggedConsole } from './console.ts';
import { normalizeMac } from './nic.ts';
import { parseBytes, toMiB } from './quantity.ts';
import { child, childrenNamed, descend, elements, parseXml, textOf, type XmlElement } from './xml.ts';

export interface NetworkView {
  /** libvirt's interface type. */
  readonly type: string;
  /** Bridge, network or host device. */
  readonly source: string | null;
  readonly mac: string | null;
  readonly model: string | null;
  /** Device on the host; of a running guest only. */
  readonly target: string | null;
  readonly link: 'up' | 'down';
}

export interface DiskView {
  /** libvirt's disk type: file, block, network, volume … */
  readonly type: string;
  readonly device: string;
  /** Path, or pool/volume; null for an empty drive. */
  readonly name: string | null;
  /** Target in the guest. */
  readonly dev: string | null;
  readonly bus: string | null;
  readonly format: string | null;
  readonly readonly: boolean;
}

export interface VmDetail {
  readonly name: string;
  readonly uuid: string | null;
  readonly title: string | null;
  readonly description: string;
  /** kvm or qemu. */
  readonly type: string;
  readonly arch: string | null;
  readonly machine: string | null;
  readonly emulator: string | null;
  readonly memoryMiB: number;
  /** What the balloon leaves to the guest. */
  readonly currentMemoryMiB: number;
  readonly vcpus: number;
  readonly vcpusOnline: number;
  /** sockets/cores/threads, as libvirt presents them when nothing is said: one core a socket. */
  readonly topology: string;
  readonly cpu: { readonly mode: string; readonly model: string | null };
  readonly firmware: 'bios' | 'uefi';
  /** Boot order of the firmware, or `kernel` for a direct start. */
  readonly boot: readonly string[];
  readonly kernel: { readonly path: string; readonly initrd: string | null; readonly cmdline: string | null } | null;
  readonly features: readonly string[];
  readonly clock: string | null;
  readonly networks: readonly NetworkView[];
  readonly disks: readonly DiskView[];
  readonly controllers: readonly { readonly type: string; readonly model: string | null }[];
  readonly hostdevs: readonly { readonly type: string; readonly source: string }[];
  /** The logged console; `tty` of a running guest only. */
  readonly console: { readonly type: string; readonly tty: string | null; readonly log: string | null } | null;
  readonly vnc: { readonly listen: string | null; readonly port: number | 'auto' | null } | null;
  readonly spice: { readonly listen: string | null; readonly port: number | 'auto' | null } | null;
  readonly channels: readonly { readonly type: string; readonly name: string | null; readonly state: string | null }[];
  /** Whether there is a channel for the QEMU guest agent, and whether the agent answers on it. */
  readonly agent: 'none' | 'configured' | 'connected';
  readonly video: readonly string[];
  readonly watchdog: string | null;
  readonly tpm: string | null;
  readonly rng: boolean;
}

const attribute = (element: XmlElement | undefined, name: string): string | null => element?.attributes[name] ?? null;
const text = (element: XmlElement | undefined): string | null =>
  element === undefined ? null : textOf(element).trim();

function memory(root: XmlElement, name: string): number | undefined {
  const element = child(root, name);
  const bytes = parseBytes(textOf(element), element?.attributes['unit']);
  return typeof bytes === 'bigint' ? toMiB(bytes).miB : undefined;
}

function topology(root: XmlElement, vcpus: number): string {
  const { sockets, cores, threads } = descend(root, 'cpu', 'topology')?.attributes ?? {};
  return sockets === undefined ? `${vcpus}/1/1` : `${sockets}/${cores ?? '1'}/${threads ?? '1'}`;
}

/** Firmware is UEFI when it is asked for, or when a flash image is loaded in its place. */
const firmware = (os: XmlElement | undefined): 'bios' | 'uefi' =>
  os?.attributes['firmware'] === 'efi' || child(os, 'loader')?.attributes['type'] === 'pflash' ? 'uefi' : 'bios';

/** `<os><boot>` names kinds of devices; `<boot order>` in the devices themselves comes instead of it. */
function bootOrder(root: XmlElement): string[] {
  const os = child(root, 'os');
  if (child(os, 'kernel') !== undefined) return ['kernel'];
  const kinds = childrenNamed(os, 'boot').flatMap((element) => element.attributes['dev'] ?? []);
  const devices = child(root, 'devices');
  const ordered = (devices === undefined ? [] : elements(devices)).flatMap((device) => {
    const order = child(device, 'boot')?.attributes['order'];
    const name = attribute(child(device, 'mac'), 'address') ?? attribute(child(device, 'target'), 'dev') ?? device.name;
    return order === undefined ? [] : [{ order: Number(order), name }];
  });
  return ordered.length > 0 ? ordered.toSorted((a, b) => a.order - b.order).map(({ name }) => name) : kinds;
}

const network = (device: XmlElement): NetworkView => {
  const source = child(device, 'source')?.attributes ?? {};
  const type = device.attributes['type'] ?? '';
  return {
    type,
    source:
      type === 'hostdev'
        ? hostdev(device).source
        : (source['network'] ?? source['bridge'] ?? source['dev'] ?? source['path'] ?? null),
    mac: normalizeMac(attribute(child(device, 'mac'), 'address') ?? '') ?? null,
    model: attribute(child(device, 'model'), 'type'),
    target: attribute(child(device, 'target'), 'dev'),
    link: child(device, 'link')?.attributes['state'] === 'down' ? 'down' : 'up',
  };
};

const diskName = ({ file, dev, dir, name, pool, volume }: Readonly<Record<string, string>>): string | null =>
  file ?? dev ?? dir ?? name ?? (pool === undefined ? null : `${pool}/${volume ?? ''}`);

const disk = (device: XmlElement): DiskView => ({
  type: device.attributes['type'] ?? 'file',
  device: device.attributes['device'] ?? 'disk',
  name: diskName(child(device, 'source')?.attributes ?? {}),
  dev: attribute(child(device, 'target'), 'dev'),
  bus: attribute(child(device, 'target'), 'bus'),
  format: attribute(child(device, 'driver'), 'type'),
  readonly: child(device, 'readonly') !== undefined,
});

/** The address on the host, `0000:65:00.0`, or the USB ids. */
function hostdev(device: XmlElement): { type: string; source: string } {
  const source = child(device, 'source');
  const address = child(source, 'address')?.attributes ?? {};
  const ids = [child(source, 'vendor')?.attributes['id'], child(source, 'product')?.attributes['id']].filter(
    (id) => id !== undefined,
  );
  const hex = (value: string | undefined, width: number): string =>
    Number(value ?? 0)
      .toString(16)
      .padStart(width, '0');
  const pci = `${hex(address['domain'], 4)}:${hex(address['bus'], 2)}:${hex(address['slot'], 2)}.${hex(address['function'], 1)}`;
  const name = ids.length > 0 ? ids.join(':') : address['slot'] !== undefined ? pci : Object.values(address).join(':');
  return { type: device.attributes['type'] ?? device.attributes['mode'] ?? '', source: name };
}

function display(devices: XmlElement | undefined, type: string): VmDetail['vnc'] {
  const device = childrenNamed(devices, 'graphics').find(({ attributes }) => attributes['type'] === type);
  if (device === undefined) return null;
  const { port, autoport, listen } = device.attributes;
  const number = port === undefined || port === '-1' ? undefined : Number(port);
  return {
    listen: listen ?? attribute(child(device, 'listen'), 'address'),
    port: number ?? (autoport === 'yes' || port === '-1' ? 'auto' : null),
  };
}

const agentName = 'org.qemu.guest_agent.0';

function cpu(root: XmlElement): VmDetail['cpu'] {
  const element = child(root, 'cpu');
  const model = text(child(element, 'model'));
  return { mode: element?.attributes['mode'] ?? (model === null ? 'default' : 'custom'), model };
}

function consoleOf(devices: XmlElement): VmDetail['console'] {
  const device = loggedConsole(devices);
  if (device === undefined) return null;
  const pty = device.attributes['type'] === 'pty';
  return {
    type: device.attributes['type'] ?? '',
    tty: pty ? (attribute(child(device, 'source'), 'path') ?? attribute(device, 'tty')) : null,
    log: attribute(child(device, 'log'), 'file'),
  };
}

function kernelOf(os: XmlElement | undefined): VmDetail['kernel'] {
  const path = text(child(os, 'kernel'));
  return path === null ? null : { path, initrd: text(child(os, 'initrd')), cmdline: text(child(os, 'cmdline')) };
}

/** Reads a domain XML, as text or parsed. */
export function viewDomain(domain: string | XmlElement): VmDetail {
  const root = typeof domain === 'string' ? parseXml(domain) : domain;
  const os = child(root, 'os');
  const osType = child(os, 'type');
  const devices = child(root, 'devices') ?? { name: 'devices', attributes: {}, children: [] };
  const vcpu = child(root, 'vcpu');
  const vcpus = Number(text(vcpu) ?? 1);
  const memoryMiB = memory(root, 'memory') ?? 0;
  const channels = childrenNamed(devices, 'channel').map((device) => {
    const target = child(device, 'target');
    return {
      type: device.attributes['type'] ?? '',
      name: attribute(target, 'name'),
      state: attribute(target, 'state'),
    };
  });
  const agent = channels.find(({ name }) => name === agentName);
  const features = child(root, 'features');
  return {
    name: text(child(root, 'name')) ?? '',
    uuid: text(child(root, 'uuid')),
    title: text(child(root, 'title')),
    description: textOf(child(root, 'description')),
    type: root.attributes['type'] ?? '',
    arch: attribute(osType, 'arch'),
    machine: attribute(osType, 'machine'),
    emulator: text(child(devices, 'emulator')),
    memoryMiB,
    currentMemoryMiB: memory(root, 'currentMemory') ?? memoryMiB,
    vcpus,
    vcpusOnline: Number(vcpu?.attributes['current'] ?? vcpus),
    topology: topology(root, vcpus),
    cpu: cpu(root),
    firmware: firmware(os),
    boot: bootOrder(root),
    kernel: kernelOf(os),
    features: (features === undefined ? [] : elements(features))
      .filter(({ attributes }) => attributes['state'] !== 'off')
      .map(({ name }) => name),
    clock: attribute(child(root, 'clock'), 'offset'),
    networks: childrenNamed(devices, 'interface').map(network),
    disks: childrenNamed(devices, 'disk').map(disk),
    controllers: childrenNamed(devices, 'controller').map((device) => ({
      type: device.attributes['type'] ?? '',
      model: attribute(device, 'model'),
    })),
    hostdevs: childrenNamed(devices, 'hostdev').map(hostdev),
    console: consoleOf(devices),
    vnc: display(devices, 'vnc'),
    spice: display(devices, 'spice'),
    channels,
    agent: agent === undefined ? 'none' : agent.state === 'connected' ? 'connected' : 'configured',
    video: childrenNamed(devices, 'video').flatMap((device) => child(device, 'model')?.attributes['type'] ?? []),
    watchdog: attribute(child(devices, 'watchdog'), 'model'),
    tpm: attribute(child(devices, 'tpm'), 'model'),
    rng: child(devices, 'rng') !== undefined,
  };
}
