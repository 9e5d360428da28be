/**
 * A guest's XML after an administrator edited it: the new fields, and what changed in words. Identity
 * is not changed here.
 * @module
 */
import type { Disk } from '../schema.ts';
import { fromXml, type VmFields } from './define.ts';
import { vmDocumentText } from './document.ts';
import { domainError, summarize } from './errors.ts';
import type { NicDraft } from './nic.ts';
import { rateText } from './nic-guard.ts';
import { topologyText } from './numa.ts';
import { changedDomainParts } from './tree-diff.ts';
import { parseXml } from './xml.ts';

export interface EditedVm {
  /** A card without a MAC address is new or lost its own; `assignMacs` gives it one. */
  readonly fields: VmFields;
  /** One line each; empty when the guest is as before. */
  readonly changes: readonly string[];
  /** Only what the edit brought with it. */
  readonly warnings: readonly string[];
}

const sourceText = (source: NicDraft['source'] | Disk['source']): string => {
  if (source.type === 'bridge') return `bridge ${source.bridge}`;
  if (source.type === 'network') return `network ${source.network}`;
  if (source.type === 'user') return 'user network';
  if (source.type === 'volume') return `volume ${source.pool}/${source.volume}`;
  return source.type === 'empty' ? 'nothing' : source.path;
};

type Described = Readonly<Record<string, string>>;

const nicFacts = ({ source, model, limits, antiSpoof, extra }: NicDraft): Described => ({
  source: sourceText(source),
  model,
  'limit in': rateText(limits?.inKBps),
  'limit out': rateText(limits?.outKBps),
  'anti-spoofing': antiSpoof === undefined ? 'off' : ['on', ...antiSpoof.addresses].join(' '),
  elements: extra,
});
const diskFacts = ({ device, bus, source, format, readonly, extra }: Disk): Described => ({
  device,
  bus,
  source: sourceText(source),
  format,
  readonly: readonly ? 'yes' : 'no',
  elements: extra,
});

/** Differences of two devices; XML text is too long for a line. */
function factChanges(what: string, before: Described, after: Described): string[] {
  return Object.entries(after)
    .filter(([key, value]) => before[key] !== value)
    .map(([key, value]) =>
      key === 'elements' ? `${what}: other elements changed` : `${what}: ${key} ${before[key] ?? ''} → ${value}`,
    );
}

function deviceChanges<T>(
  noun: string,
  before: readonly T[],
  after: readonly T[],
  keyOf: (device: T) => string | undefined,
  facts: (device: T) => Described,
): string[] {
  const old = new Map(before.map((device) => [keyOf(device), device]));
  const kept = new Set<string | undefined>();
  const lines = after.flatMap((device) => {
    const key = keyOf(device);
    const previous = key === undefined ? undefined : old.get(key);
    const what = `${noun} ${key ?? 'with a MAC address to be chosen'}`;
    if (previous === undefined) return [`${what}: added, ${facts(device)['source'] ?? ''}`];
    kept.add(key);
    return factChanges(what, facts(previous), facts(device));
  });
  const gone = before
    .filter((device) => !kept.has(keyOf(device)))
    .map((device) => `${noun} ${keyOf(device) ?? ''}: removed`);
  const order =
    before
      .map(keyOf)
      .filter((key) => kept.has(key))
      .join() ===
    after
      .map(keyOf)
      .filter((key) => kept.has(key))
      .join();
  return [...lines, ...gone, ...(order ? [] : [`${noun}s: another order`])];
}

const scalar = (what: string, before: string, after: string): string[] =>
  before === after ? [] : [`${what}: ${before} → ${after}`];

/** What changed between two states of a guest, for people; the definition by the names of its elements. */
export function describeChanges(before: VmFields, after: VmFields): string[] {
  const shape = ({ topology }: VmFields): string => (topology === undefined ? 'none' : topologyText(topology));
  const parts = changedDomainParts(parseXml(before.definition), parseXml(after.definition), [], []);
  const lines = [
    ...scalar('name', before.name, after.name),
    ...(before.description === after.description ? [] : ['description: changed']),
    ...scalar('accelerator', before.accelerator, after.accelerator),
    ...scalar('memory', `${before.memoryMiB} MiB`, `${after.memoryMiB} MiB`),
    ...scalar('vcpu', String(before.vcpus), String(after.vcpus)),
    ...scalar('topology', shape(before), shape(after)),
    ...deviceChanges('network card', before.nics, after.nics, ({ mac }) => mac, nicFacts),
    ...deviceChanges('drive', before.disks, after.disks, ({ target }) => target, diskFacts),
    ...parts,
  ];
  return parts.length === 0 && before.definition !== after.definition
    ? [...lines, 'definition: only comments, order or layout changed']
    : lines;
}

/**
 * Reads the edited XML of a guest.
 * @throws PvcError VM_XML_MALFORMED, VM_XML_INVALID, VM_EDIT_REFUSED when the name or the UUID changed
 */
export function editFromXml(old: { readonly uuid: string; readonly fields: VmFields }, newXml: string): EditedVm {
  const { uuid, fields, warnings } = fromXml(newXml);
  const refusals: string[] = [];
  if (uuid !== undefined && uuid !== old.uuid) refusals.push(`the UUID is ${old.uuid} and stays; the XML says ${uuid}`);
  if (fields.name !== old.fields.name) refusals.push(`the name is ${old.fields.name}; the XML says ${fields.name}`);
  if (refusals.length > 0)
    throw domainError(
      'VM_EDIT_REFUSED',
      { name: old.fields.name, summary: summarize(refusals) },
      { details: refusals },
    );
  const known = new Set(fromXml(vmDocumentText(old.uuid, old.fields)).warnings);
  return {
    fields,
    changes: describeChanges(old.fields, fields),
    warnings: warnings.filter((warning) => !known.has(warning)),
  };
}
