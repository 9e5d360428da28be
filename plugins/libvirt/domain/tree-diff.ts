/**
 * Compares two domain trees by what they say, not by how they are laid out: attribute order and
 * comments do not count.
 * @module
 */
import { child, elements, textOf, type XmlElement } from './xml.ts';

/** One text for all elements that say the same; the order of different children does not count, that of equal names does. */
export function canonical(element: XmlElement): string {
  const attributes = Object.entries(element.attributes)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const children = elements(element).map((inner) => [inner.name, canonical(inner)] as const);
  const inner = children.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, text]) => text);
  return `${element.name}(${attributes.join(' ')})${JSON.stringify(textOf(element).trim())}{${inner.join(',')}}`;
}

const groups = (parent: XmlElement | undefined): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const element of parent === undefined ? [] : elements(parent))
    found.set(element.name, [...(found.get(element.name) ?? []), canonical(element)]);
  return found;
};

/** Takes equal entries out of both lists. */
function difference(before: readonly string[], after: readonly string[]): { removed: number; added: number } {
  const left = [...before];
  let added = 0;
  for (const text of after) {
    const at = left.indexOf(text);
    if (at === -1) added += 1;
    else left.splice(at, 1);
  }
  return { removed: left.length, added };
}

function line(path: string, { removed, added }: { removed: number; added: number }): string | undefined {
  if (removed === 0 && added === 0) return undefined;
  const changed = Math.min(removed, added);
  const parts = [
    [changed, 'changed'],
    [added - changed, 'added'],
    [removed - changed, 'removed'],
  ] as const;
  return `${path}: ${parts.flatMap(([count, verb]) => (count === 0 ? [] : [count === 1 ? verb : `${count} ${verb}`])).join(', ')}`;
}

/**
 * What differs between the children of two elements, one line for each name: `devices/controller: 2 added`.
 * Names in `ignore` are left out.
 */
export function changedParts(
  before: XmlElement | undefined,
  after: XmlElement | undefined,
  ignore: readonly string[],
  prefix = '',
): string[] {
  const old = groups(before);
  const now = groups(after);
  const names = [...new Set([...old.keys(), ...now.keys()])].filter((name) => !ignore.includes(name));
  return names.flatMap((name) => line(`${prefix}${name}`, difference(old.get(name) ?? [], now.get(name) ?? [])) ?? []);
}

/** The same for whole domains; devices are listed by their own names. */
export function changedDomainParts(
  before: XmlElement,
  after: XmlElement,
  ignore: readonly string[],
  ignoreDevices: readonly string[],
): string[] {
  return [
    ...changedParts(before, after, [...ignore, 'devices']),
    ...changedParts(child(before, 'devices'), child(after, 'devices'), ignoreDevices, 'devices/'),
  ];
}

const sameValue = (wanted: string, found: string | undefined): boolean =>
  wanted === found || (found !== undefined && /^0x[0-9a-f]+$/i.test(wanted) && Number(wanted) === Number(found));

/**
 * Whether `found` says all that `wanted` says; it may say more, as libvirt's print of a running
 * device does. The only comparison possible when nobody knows what the device was started from.
 */
export function says(found: XmlElement, wanted: XmlElement): boolean {
  if (found.name !== wanted.name) return false;
  if (!Object.entries(wanted.attributes).every(([key, value]) => sameValue(value, found.attributes[key]))) return false;
  const inner = elements(wanted);
  if (inner.length === 0 && textOf(wanted).trim() !== '' && textOf(wanted).trim() !== textOf(found).trim())
    return false;
  const left = elements(found);
  return inner.every((part) => {
    const at = left.findIndex((candidate) => says(candidate, part));
    if (at === -1) return false;
    left.splice(at, 1);
    return true;
  });
}
