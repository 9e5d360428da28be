/**
 * The domain XML while it is made: what the hook `libvirt.domain` hands to other plugins, with a few
 * verbs, so that they need not know how the tree is kept.
 * @module
 */
import type { Disk, Nic, VmSpec } from '../schema.ts';
import { type DiskBacking, diskElement } from './disk.ts';
import { type NicPlug, nicElement, normalizeMac } from './nic.ts';
import { child, childrenNamed, el, elements, type XmlElement } from './xml.ts';

interface Step {
  readonly name: string;
  readonly wanted: readonly (readonly [string, string])[];
}

/** `devices/controller[@type=scsi][@index=0]`: names below the domain, with attributes that must be so. */
function steps(path: string): Step[] {
  return path.split('/').map((part) => {
    const form = /^([A-Za-z_][\w.:-]*)((?:\[@[\w:-]+=[^\]]*\])*)$/.exec(part);
    if (form === null) throw new Error(`"${path}" is no path; write for example devices/controller[@type=scsi]`);
    const wanted = [...(form[2] as string).matchAll(/\[@([\w:-]+)=([^\]]*)\]/g)].map(
      ([, name, value]) => [name as string, value as string] as const,
    );
    return { name: form[1] as string, wanted };
  });
}

const fits = (element: XmlElement, { name, wanted }: Step): boolean =>
  element.name === name && wanted.every(([key, value]) => element.attributes[key] === value);

export class DomainDraft {
  /** `<domain>`; it may be changed in any way that leaves name, UUID and the devices of others alone. */
  readonly root: XmlElement;
  readonly uuid: string;
  readonly name: string;

  constructor(root: XmlElement, identity: { readonly uuid: string; readonly name: string }) {
    this.root = root;
    this.uuid = identity.uuid;
    this.name = identity.name;
  }

  /** Builds an element: `draft.el('source', { bridge: 'br100' })`. */
  readonly el = el;

  /** All elements at a path below the domain: `findAll('devices/disk[@device=cdrom]')`. */
  findAll(path: string): XmlElement[] {
    let found = [this.root];
    for (const step of steps(path))
      found = found.flatMap((element) => elements(element).filter((inner) => fits(inner, step)));
    return found;
  }

  find(path: string): XmlElement | undefined {
    return this.findAll(path)[0];
  }

  /** The element at the path; what is missing of it is made, with the attributes that the path names. */
  ensure(path: string): XmlElement {
    let at = this.root;
    for (const step of steps(path)) {
      let next = elements(at).find((element) => fits(element, step));
      if (next === undefined) {
        next = el(step.name, Object.fromEntries(step.wanted));
        at.children.push(next);
      }
      at = next;
    }
    return at;
  }

  devices(): XmlElement {
    return this.ensure('devices');
  }

  addDevice(element: XmlElement): void {
    this.devices().children.push(element);
  }

  /** The `<interface>` of a card, by its MAC address. */
  nic(mac: string): XmlElement | undefined {
    return childrenNamed(child(this.root, 'devices'), 'interface').find(
      (device) => normalizeMac(child(device, 'mac')?.attributes['address'] ?? '') === mac,
    );
  }

  /** The `<disk>` of a drive, by its target. */
  disk(target: string): XmlElement | undefined {
    return childrenNamed(child(this.root, 'devices'), 'disk').find(
      (device) => child(device, 'target')?.attributes['dev'] === target,
    );
  }

  /** Adds the element of a card on a plugin's network; model, MAC and the rest come from the card. */
  addNic(nic: Nic, plug: NicPlug): XmlElement {
    const element = nicElement(nic, plug);
    this.addDevice(element);
    return element;
  }

  /** Adds the element of a disk on a plugin's volume; target, bus, driver and the rest come from the disk. */
  addDisk(disk: Disk, backing: DiskBacking): XmlElement {
    const element = diskElement(disk, backing);
    this.addDevice(element);
    return element;
  }
}

/** A device of the guest that no plugin has made an element for. */
export type Unresolved =
  | { readonly kind: 'nic'; readonly mac: string; readonly network: string }
  | { readonly kind: 'disk'; readonly target: string; readonly pool: string; readonly volume: string };

/** What is still missing once every plugin has had its turn. */
export function unresolved(draft: DomainDraft, spec: Pick<VmSpec, 'nics' | 'disks'>): Unresolved[] {
  const missing: Unresolved[] = [];
  for (const { mac, source } of spec.nics) {
    if (source.type === 'network' && draft.nic(mac) === undefined)
      missing.push({ kind: 'nic', mac, network: source.network });
  }
  for (const { target, source } of spec.disks) {
    if (source.type === 'volume' && draft.disk(target) === undefined)
      missing.push({ kind: 'disk', target, pool: source.pool, volume: source.volume });
  }
  return missing;
}

/** One sentence for people. */
export const unresolvedText = (device: Unresolved): string =>
  device.kind === 'nic'
    ? `no plugin knows the network ${device.network} of the network card ${device.mac}`
    : `no plugin knows the volume ${device.pool}/${device.volume} of the disk ${device.target}`;
