/**
 * Chooses MAC addresses for network cards, and fills them in where an XML has none. Pure: random
 * bytes and what is taken come from the caller.
 * @module
 */
import type { Nic } from '../schema.ts';
import type { VmFields } from './define.ts';
import { definedMacs } from './define-devices.ts';
import { domainError } from './errors.ts';
import { child, childrenNamed, el, parseXml, printXml, removeChildren } from './xml.ts';

/**
 * The first three octets that libvirt and virt-install give to KVM guests as well. 0x52 has the bit
 * "locally administered" (IEEE 802, 0x02) set and the bit "group" (0x01) clear, so no vendor's card collides.
 */
export const macPrefix = '52:54:00';

export interface MacChoice {
  /** Fresh random bytes, of which a MAC takes three. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Whether a guest or a network of the cluster has this address already. */
  readonly taken: (mac: string) => boolean;
  readonly prefix?: string;
  /** How many random addresses are looked at before giving up. */
  readonly tries?: number;
}

/**
 * A free address.
 * @throws PvcError VM_MAC_EXHAUSTED when every try hit one that is taken
 */
export function chooseMac({ randomBytes, taken, prefix = macPrefix, tries = 64 }: MacChoice): string {
  for (let left = tries; left > 0; left -= 1) {
    const tail = Array.from(randomBytes(3), (octet) => octet.toString(16).padStart(2, '0'));
    const mac = [prefix, ...tail].join(':');
    if (!taken(mac)) return mac;
  }
  throw domainError('VM_MAC_EXHAUSTED', { prefix, tries });
}

export type FieldsWithMacs = Omit<VmFields, 'nics'> & { nics: Nic[] };

/** Takes every card's MAC address away, those that stay in the definition too, so that `assignMacs` gives new ones. */
export function withoutMacs(fields: VmFields): VmFields {
  const root = parseXml(fields.definition);
  for (const device of childrenNamed(child(root, 'devices'), 'interface'))
    removeChildren(device, (element) => element.name === 'mac');
  return { ...fields, nics: fields.nics.map((nic) => ({ ...nic, mac: undefined })), definition: printXml(root) };
}

/**
 * Gives every card without a MAC address one, those that stay in the definition too: a transient
 * domain would otherwise get another one at each start. No address is given twice.
 */
export function assignMacs(fields: VmFields, choice: MacChoice): FieldsWithMacs {
  const root = parseXml(fields.definition);
  const devices = child(root, 'devices');
  const mine = new Set([...fields.nics.flatMap(({ mac }) => mac ?? []), ...definedMacs(devices)]);
  const next = (): string => {
    const mac = chooseMac({ ...choice, taken: (candidate) => mine.has(candidate) || choice.taken(candidate) });
    mine.add(mac);
    return mac;
  };
  const nics = fields.nics.map((nic) => ({ ...nic, mac: nic.mac ?? next() }));
  const bare = childrenNamed(devices, 'interface').filter((device) => child(device, 'mac') === undefined);
  for (const device of bare) device.children.unshift(el('mac', { address: next() }));
  return { ...fields, nics, definition: bare.length === 0 ? fields.definition : printXml(root) };
}
