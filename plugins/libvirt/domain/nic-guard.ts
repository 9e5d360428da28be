/**
 * What a card on a network of the cluster is kept to, in libvirt's own form: `<bandwidth>` and the filter `clean-traffic`
 * (libvirt's formatdomain and formatnwfilter). The plugin of the network does it, so that it is done for every kernel. What
 * libvirt knows beyond that (bursts, other filters) stays in the card's other elements, and is libvirt's to do.
 * @module
 */
import { addressText } from '../../../core/plugin/api.ts';
import { hostAddress, type Nic, nicLimits } from '../schema.ts';
import { child, childrenNamed, el, elements, type XmlElement } from './xml.ts';

export type NicGuard = Pick<Nic, 'limits' | 'antiSpoof'>;

/** The filter of libvirt that lets a card send only as itself. */
const filterName = 'clean-traffic';

const units = { kbit: 1, mbit: 1_000, gbit: 1_000_000 } as const;
const rateForm = /^(\d{1,9})(kbit|mbit|gbit)$/;

/** `100mbit` in kilobytes a second; undefined: it is no such rate. */
function kBpsOf(text: string): number | undefined {
  const [, amount, unit] = rateForm.exec(text.trim().toLowerCase()) ?? [];
  if (amount === undefined) return undefined;
  const kBps = (Number(amount) * units[unit as keyof typeof units]) / 8;
  return nicLimits.shape.inKBps.safeParse(kBps).success ? kBps : undefined;
}

/** Whether it is a rate as people write it, in the words of tc(8). */
export const isRate = (text: string): boolean => kBpsOf(text) !== undefined;
export const rateHelp = 'a rate is 100mbit, 1gbit or 512kbit: at least 8kbit, at most 100gbit, in kbit a multiple of 8';

/** @throws Error for what is no rate */
export function rateInKBps(text: string): number {
  const kBps = kBpsOf(text);
  if (kBps === undefined) throw new Error(`${text} is no rate`);
  return kBps;
}

/** For people; `none` where there is no limit. */
export function rateText(kBps: number | undefined): string {
  if (kBps === undefined) return 'none';
  const kbit = kBps * 8;
  if (kbit % 1_000_000 === 0) return `${kbit / 1_000_000}gbit`;
  return kbit % 1_000 === 0 ? `${kbit / 1_000}mbit` : `${kbit}kbit`;
}

const soleAttribute = (element: XmlElement, name: string): string | undefined =>
  Object.keys(element.attributes).length === 1 && element.children.length === 0 ? element.attributes[name] : undefined;

/** Undefined: it says more than PVC does by itself. */
function limitsOf(bandwidth: XmlElement): Nic['limits'] {
  const parts = elements(bandwidth);
  const names = parts.map(({ name }) => name);
  if (Object.keys(bandwidth.attributes).length > 0 || new Set(names).size < names.length) return undefined;
  const read = Object.fromEntries(
    parts.map((part) => [part.name, Number(soleAttribute(part, 'average') ?? Number.NaN)] as const),
  );
  const { inbound, outbound, ...others } = read;
  if (parts.length === 0 || Object.keys(others).length > 0) return undefined;
  return nicLimits.safeParse({
    ...(inbound === undefined ? {} : { inKBps: inbound }),
    ...(outbound === undefined ? {} : { outKBps: outbound }),
  }).data;
}

function antiSpoofOf(filterref: XmlElement): Nic['antiSpoof'] {
  if (filterref.attributes['filter'] !== filterName || Object.keys(filterref.attributes).length > 1) return undefined;
  const addresses: string[] = [];
  for (const { name, attributes, children } of elements(filterref)) {
    const address = hostAddress.safeParse(attributes['value']);
    if (name !== 'parameter' || attributes['name'] !== 'IP' || children.length > 0 || !address.success)
      return undefined;
    addresses.push(addressText(address.data));
  }
  return { addresses };
}

/** Takes out of an `<interface>` what PVC keeps the card to; the element itself stays as it was. */
export function takeGuard(device: XmlElement): { readonly guard: NicGuard; readonly rest: XmlElement } {
  const [bandwidth, filterref] = [child(device, 'bandwidth'), child(device, 'filterref')];
  const limits = bandwidth === undefined ? undefined : limitsOf(bandwidth);
  const antiSpoof = filterref === undefined ? undefined : antiSpoofOf(filterref);
  const taken = [limits === undefined ? undefined : bandwidth, antiSpoof === undefined ? undefined : filterref];
  // One that is there twice is told by whoever reads the rest.
  const twice = ['bandwidth', 'filterref'].some((name) => childrenNamed(device, name).length > 1);
  if (twice) return { guard: {}, rest: device };
  return {
    guard: { ...(limits === undefined ? {} : { limits }), ...(antiSpoof === undefined ? {} : { antiSpoof }) },
    rest: { ...device, children: device.children.filter((node) => !taken.includes(node as XmlElement)) },
  };
}

/** The children of `<interface>` that say it. */
export const guardElements = ({ limits, antiSpoof }: NicGuard): XmlElement[] => [
  ...(limits === undefined
    ? []
    : [
        el(
          'bandwidth',
          {},
          limits.inKBps === undefined ? undefined : el('inbound', { average: limits.inKBps }),
          limits.outKBps === undefined ? undefined : el('outbound', { average: limits.outKBps }),
        ),
      ]),
  ...(antiSpoof === undefined
    ? []
    : [
        el(
          'filterref',
          { filter: filterName },
          ...antiSpoof.addresses.map((value) => el('parameter', { name: 'IP', value })),
        ),
      ]),
];
