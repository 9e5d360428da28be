/**
 * Takes the devices that typed fields own out of `<devices>`: network cards, drives and, where it is
 * the usual one, the emulator.
 * @module
 */
import type { Disk } from '../schema.ts';
import { normalizeConsoles } from './console.ts';
import type { Findings } from './define-head.ts';
import { busWarning, readDisk } from './disk.ts';
import { normalizeGraphics } from './graphics.ts';
import { type DeviceReading, type NicDraft, normalizeMac, readNic } from './nic.ts';
import { child, childrenNamed, el, isBare, removeChildren, textOf, type XmlElement } from './xml.ts';

/** Where distributions put QEMU; a node uses its own, so that guests can move. */
const usualEmulator = /^(?:\/usr\/bin\/(?:qemu-system-\w+|kvm|kvm-spice|qemu-kvm)|\/usr\/libexec\/qemu-kvm)$/;

function takeEmulator(devices: XmlElement, { warnings }: Findings): void {
  const element = child(devices, 'emulator');
  if (element === undefined) return;
  const path = textOf(element).trim();
  if (!usualEmulator.test(path)) return;
  if (!path.startsWith('/usr/bin/qemu-system-'))
    warnings.push(`/domain/devices/emulator: ${path} is dropped; each node uses its own QEMU`);
  removeChildren(devices, (other) => other === element);
}

/** Reads all elements of one name; those that became typed devices leave the tree. */
function take<T>(
  devices: XmlElement,
  name: string,
  read: (device: XmlElement) => DeviceReading<T>,
  { problems, warnings }: Findings,
): T[] {
  const taken: T[] = [];
  const gone = new Set<XmlElement>();
  childrenNamed(devices, name).forEach((element, at) => {
    const path = `/domain/devices/${name}[${at + 1}]`;
    const reading = read(element);
    if ('leave' in reading) warnings.push(`${path}: ${reading.leave}`);
    else {
      gone.add(element);
      if ('device' in reading) taken.push(reading.device);
      else problems.push(...reading.problems.map((problem) => `${path}: ${problem}`));
    }
  });
  removeChildren(devices, (element) => gone.has(element));
  return taken;
}

function refuseTwice(what: string, values: readonly string[], { problems }: Findings): void {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value))
      problems.push(`/domain/devices: the ${what} ${value} is used twice; each must be unique in the guest`);
    seen.add(value);
  }
}

/** MAC addresses of the interfaces that stayed in the definition. */
export const definedMacs = (devices: XmlElement | undefined): string[] =>
  childrenNamed(devices, 'interface').flatMap(
    (device) => normalizeMac(child(device, 'mac')?.attributes['address'] ?? '') ?? [],
  );

/** Targets of the disks that stayed in the definition. */
export const definedTargets = (devices: XmlElement | undefined): string[] =>
  childrenNamed(devices, 'disk').flatMap((device) => child(device, 'target')?.attributes['dev'] ?? []);

/** Takes the typed devices out of the domain; `<devices>` itself stays, unless nothing is left in it. */
export function takeDevices(root: XmlElement, findings: Findings): { nics: NicDraft[]; disks: Disk[] } {
  let devices = child(root, 'devices');
  if (devices === undefined) {
    devices = el('devices');
    root.children.push(devices);
  }
  takeEmulator(devices, findings);
  normalizeConsoles(devices, findings);
  normalizeGraphics(devices, findings);
  const kinds = childrenNamed(devices, 'interface').map((device) => 'leave' in readNic(device));
  if (kinds.indexOf(true) !== -1 && kinds.lastIndexOf(false) > kinds.indexOf(true)) {
    findings.warnings.push(
      '/domain/devices/interface: cards that stay in the definition come after those that PVC manages; without an <address> the guest may number them anew',
    );
  }
  const nics = take(devices, 'interface', readNic, findings);
  const disks = take(devices, 'disk', readDisk, findings);
  for (const disk of disks) {
    const warning = busWarning(disk);
    if (warning !== undefined) findings.warnings.push(`/domain/devices/disk: ${warning}`);
  }
  if (nics.length > 64) findings.problems.push(`/domain/devices: ${nics.length} network cards are more than 64`);
  if (disks.length > 256) findings.problems.push(`/domain/devices: ${disks.length} disks are more than 256`);
  refuseTwice('MAC address', [...nics.flatMap(({ mac }) => mac ?? []), ...definedMacs(devices)], findings);
  refuseTwice('target', [...disks.map(({ target }) => target), ...definedTargets(devices)], findings);
  if (isBare(devices)) removeChildren(root, (element) => element === devices);
  return { nics, disks };
}
