/** What rules say to a place of guests, and whether rules agree with one another. Pure. @module */
import type { Rule } from './rule-kind.ts';

/** Where a guest is, and where it is going while it is being moved. */
export interface Place {
  readonly node: string;
  readonly to: string | undefined;
}

export interface Breach {
  readonly rule: Rule;
  /** In plain words, the rule named. */
  readonly text: string;
}

/**
 * What would be broken if these guests, which go together, came to a node.
 * @param rules those that name one of them
 * @param placeOf place of a guest by its name; undefined: it takes none (it is disabled)
 */
export function breaches(
  rules: Iterable<Rule>,
  moving: ReadonlySet<string>,
  target: string,
  placeOf: (guest: string) => Place | undefined,
): Breach[] {
  const found: Breach[] = [];
  for (const rule of rules) {
    const [one = '', ...more] = rule.guests.filter((guest) => moving.has(guest));
    const says = (verb: string, rest: string): void => {
      found.push({ rule, text: `the rule ${rule.name} keeps ${one} ${verb} ${rest}` });
    };
    if (rule.kind === 'apart') for (const other of more) says('apart from', `${other}, which goes with it`);
    for (const other of rule.guests) {
      const place = moving.has(other) ? undefined : placeOf(other);
      if (place === undefined) continue;
      const goal = place.to ?? place.node;
      if (rule.kind === 'apart' && (place.node === target || place.to === target))
        says('apart from', `${other}, which is ${place.to === target ? 'on its way there' : 'there'}`);
      if (rule.kind === 'together' && goal !== target) says('together with', `${other}, which is on ${goal}`);
    }
  }
  return found;
}

/**
 * A guest and all that strict rules keep with it, also by way of one another.
 * @param counts whether a guest has a place at all: one without ties no others to each other
 */
export function companions(
  rules: readonly Rule[],
  guest: string,
  counts: (guest: string) => boolean = () => true,
): Set<string> {
  const together = rules.filter(({ kind, strict }) => kind === 'together' && strict);
  const group = new Set([guest]);
  // A set gives out what is added while it is walked.
  for (const one of group)
    for (const { guests } of together)
      if (guests.includes(one)) for (const other of guests.filter(counts)) group.add(other);
  return group;
}

/** Why a strict rule cannot be kept beside the others; undefined when it can. */
export function contradiction(rule: Rule, others: readonly Rule[]): string | undefined {
  const all = [...others.filter(({ name, strict }) => strict && name !== rule.name), rule];
  for (const apart of all.filter(({ kind }) => kind === 'apart'))
    for (const guest of apart.guests) {
      const group = companions(all, guest);
      const second = apart.guests.find((other) => other !== guest && group.has(other));
      if (second === undefined) continue;
      const against = rule.kind === 'apart' ? all.filter(({ kind }) => kind === 'together') : [apart];
      const named = against.filter(({ guests }) => guests.some((one) => group.has(one))).map(({ name }) => name);
      return `${guest} and ${second} are kept ${rule.kind === 'apart' ? 'together' : 'apart'} by ${named.join(', ')}`;
    }
  return undefined;
}
