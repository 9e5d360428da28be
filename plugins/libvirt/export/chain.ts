/** In what order exports of a guest build on each other. Pure. @module */
import type { Manifest } from './manifest.ts';

export interface ExportSet {
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Where a set lies and what it says that it is. */
const wordsOf = ({ directory, manifest }: ExportSet): string =>
  `${directory} (${manifest.guest.name} as of ${manifest.snapshot.name})`;

const listed = (sets: readonly ExportSet[]): string => sets.map(wordsOf).join(', ');

/** The disks of a set, in words that are equal only where the disks are. */
const disksOf = ({ manifest }: ExportSet): string =>
  manifest.disks
    .map(({ target, volume }) => `${target} (${volume})`)
    .toSorted()
    .join(', ');

/** @returns the full one first, or what is wrong, in words */
export function chainOf(
  sets: readonly ExportSet[],
): { readonly chain: readonly [ExportSet, ...ExportSet[]] } | { readonly problem: string } {
  const uuids = new Set(sets.map(({ manifest }) => manifest.guest.uuid));
  if (uuids.size > 1) return { problem: `they are of different guests: ${listed(sets)}` };
  const byMoment = new Map<string, ExportSet>();
  for (const set of sets) {
    const twin = byMoment.get(set.manifest.snapshot.id);
    if (twin !== undefined) return { problem: `two are of the same snapshot: ${listed([twin, set])}` };
    byMoment.set(set.manifest.snapshot.id, set);
  }
  const full = sets.filter(({ manifest }) => manifest.since === null);
  const [first, second] = full;
  if (second !== undefined) return { problem: `more than one is a full export: ${listed(full)}` };
  const lacking = sets.find(({ manifest }) => manifest.since !== null && !byMoment.has(manifest.since.id));
  if (lacking !== undefined)
    return {
      problem: `${wordsOf(lacking)} builds on the export of ${lacking.manifest.since?.name}, which is not among them`,
    };
  if (first === undefined) return { problem: 'none of them is a full export' };
  const chain: [ExportSet, ...ExportSet[]] = [first];
  for (let last = first; ; ) {
    const after = sets.filter(({ manifest }) => manifest.since?.id === last.manifest.snapshot.id);
    if (after.length > 1) return { problem: `more than one builds on ${wordsOf(last)}: ${listed(after)}` };
    const [next] = after;
    if (next === undefined) break;
    if (disksOf(next) !== disksOf(last))
      return { problem: `${wordsOf(next)} has the disks ${disksOf(next)}, and ${wordsOf(last)} has ${disksOf(last)}` };
    chain.push(next);
    last = next;
  }
  const apart = sets.filter((set) => !chain.includes(set));
  // Each builds on one that is there, and none on the full one: they build on each other in a circle.
  if (apart.length > 0) return { problem: `${listed(apart)} build on each other` };
  return { chain };
}
