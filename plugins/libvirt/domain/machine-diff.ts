/**
 * What differs between a running domain and the wanted one beside network cards and drives; all of
 * it takes effect at the next start.
 * @module
 */
import type { DiffInput } from './device-diff.ts';
import { parseBytes, toMiB } from './quantity.ts';
import { changedDomainParts, says } from './tree-diff.ts';
import { child, clone, descend, elements, textOf, type XmlElement } from './xml.ts';

/** Said in words of their own, or not part of the machine. */
const apart = [
  'name',
  'uuid',
  'genid',
  'title',
  'description',
  'metadata',
  'memory',
  'currentMemory',
  'vcpu',
  'cpu',
  'os',
];
/** Compared one by one elsewhere. */
const devicesApart = ['interface', 'disk', 'emulator'];

const memoryText = (root: XmlElement, name: string): string => {
  const element = child(root, name);
  const bytes = parseBytes(textOf(element), element?.attributes['unit']);
  return typeof bytes === 'bigint' ? `${toMiB(bytes).miB} MiB` : 'none';
};

function wordsFor(name: string, before: string, after: string): string[] {
  return before === after ? [] : [`${name}: ${before} → ${after}`];
}

/** `q35` and `pc` stand for the newest machine of their kind, which libvirt prints with its version. */
function machineMatches(wanted: string, running: string): boolean {
  if (wanted === 'q35' || wanted === 'pc')
    return running === wanted || running.startsWith(wanted === 'q35' ? 'pc-q35-' : 'pc-i440fx-');
  return wanted === running;
}

const machineOf = (root: XmlElement): string => descend(root, 'os', 'type')?.attributes['machine'] ?? '';

function machineWords(base: XmlElement, wanted: XmlElement): string[] {
  const [before, after] = [machineOf(base), machineOf(wanted)];
  return after === '' || machineMatches(after, before) ? [] : [`machine: ${before} → ${after}`];
}

/** What the balloon starts with; of interest only where it is not all the memory. */
function balloonWords(base: XmlElement, wanted: XmlElement): string[] {
  const start = (root: XmlElement): string =>
    child(root, 'currentMemory') === undefined ? memoryText(root, 'memory') : memoryText(root, 'currentMemory');
  const whole = [base, wanted].every((root) => start(root) === memoryText(root, 'memory'));
  return whole ? [] : wordsFor('currentMemory', start(base), start(wanted));
}

/** Domain type, memory, vCPUs, machine. */
function headDifferences(base: XmlElement, wanted: XmlElement): string[] {
  return [
    ...wordsFor('domain type', base.attributes['type'] ?? '', wanted.attributes['type'] ?? ''),
    ...wordsFor('memory', memoryText(base, 'memory'), memoryText(wanted, 'memory')),
    ...wordsFor('vcpu', textOf(child(base, 'vcpu')).trim(), textOf(child(wanted, 'vcpu')).trim()),
    ...machineWords(base, wanted),
  ];
}

const plainOs = (root: XmlElement): XmlElement => {
  const os = child(root, 'os');
  const copy = os === undefined ? { name: 'os', attributes: {}, children: [] } : clone(os);
  delete child(copy, 'type')?.attributes['machine'];
  return copy;
};

/** Against the XML the domain was started from: every difference is one that PVC made. */
function exact(before: XmlElement, wanted: XmlElement): string[] {
  const [from, to] = [clone(before), clone(wanted)];
  for (const root of [from, to])
    root.children = root.children.map((node) => ('name' in node && node.name === 'os' ? plainOs(root) : node));
  return [
    ...headDifferences(before, wanted),
    ...balloonWords(before, wanted),
    ...changedDomainParts(
      from,
      to,
      apart.filter((name) => name !== 'cpu' && name !== 'os' && name !== 'genid'),
      devicesApart,
    ),
  ];
}

/** libvirt replaces a CPU that copies the host's by the model it found; then nothing can be said about it. */
const isExpanded = (wanted: XmlElement): boolean => child(wanted, 'cpu')?.attributes['mode'] === 'host-model';

/** Against what libvirt prints: only what is wanted and missing is found, not what should go. */
function loose(live: XmlElement, wanted: XmlElement): string[] {
  const missing = (
    from: XmlElement | undefined,
    to: XmlElement | undefined,
    ignore: readonly string[],
    prefix: string,
  ): string[] => {
    const left = from === undefined ? [] : [...elements(from)];
    return (to === undefined ? [] : elements(to)).flatMap((part) => {
      if (ignore.includes(part.name)) return [];
      const at = left.findIndex((candidate) => says(candidate, part));
      if (at === -1) return [`${prefix}${part.name}: changed`];
      left.splice(at, 1);
      return [];
    });
  };
  const cpu = child(wanted, 'cpu');
  const cpuSame =
    cpu === undefined ||
    isExpanded(wanted) ||
    (child(live, 'cpu') !== undefined && says(child(live, 'cpu') as XmlElement, cpu));
  return [
    ...headDifferences(live, wanted),
    ...(says(plainOs(live), plainOs(wanted)) ? [] : ['os: changed']),
    ...(cpuSame ? [] : ['cpu: changed']),
    ...missing(live, wanted, [...apart, 'devices'], ''),
    ...missing(child(live, 'devices'), child(wanted, 'devices'), devicesApart, 'devices/'),
  ];
}

/** One line for each difference. */
export const machineDifferences = ({ startedFrom, wanted, live }: DiffInput): string[] =>
  startedFrom === undefined ? loose(live, wanted) : exact(startedFrom, wanted);
