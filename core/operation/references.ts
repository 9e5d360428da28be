/**
 * What objects refer to: a plan that refers to something that does not exist is refused, and so is one that takes the
 * name away from something that others refer to; what belongs to a removed object is removed with it. All are safe against each other in the same moment: what is newly
 * referred to is written once more, so that one of two such commits meets a conflict and is planned again.
 * @module
 */
import { type AnyKind, modelError, notFound, type Reference } from '../model/kind.ts';
import { outcomes, type Write } from '../store/documents.ts';
import type { View } from './view.ts';

const keyOf = ({ kind, name }: Reference): string => `${kind} ${name}`;

const namesOf = (kind: AnyKind, spec: unknown): string[] =>
  spec === undefined ? [] : [...(kind.unique?.(spec, undefined)['name'] ?? [])];

const referencesOf = (kind: AnyKind, spec: unknown): readonly Reference[] =>
  spec === undefined ? [] : (kind.refers?.(spec) ?? []);

/**
 * @param kinds all that there are; references to objects of others are not checked
 * @returns what the commit needs besides
 * @throws PvcError OBJECT_NOT_FOUND, OBJECT_IN_USE
 */
export async function referred(view: View, kinds: readonly AnyKind[], writes: readonly Write[]): Promise<Write[]> {
  const changes = [...outcomes(writes)];
  const written = new Map<string, { readonly spec?: unknown }>(
    changes.map((change) => [`${change.kind.name}/${change.id}`, change]),
  );
  const touched = new Map<string, Write>();
  for (const { kind, before, spec } of changes) {
    const known = new Set(referencesOf(kind, before?.spec).map(keyOf));
    for (const reference of referencesOf(kind, spec)) {
      const target = kinds.find(({ name }) => name === reference.kind);
      if (target === undefined || known.has(keyOf(reference))) continue;
      const own = changes.find(
        (other) => other.kind === target && namesOf(target, other.spec).includes(reference.name),
      );
      if (own !== undefined) continue;
      const doc = await view.find(target, 'name', reference.name);
      const change = doc === undefined ? undefined : written.get(`${target.name}/${doc.id}`);
      if (doc === undefined || (change !== undefined && !namesOf(target, change.spec).includes(reference.name)))
        throw notFound(target, reference.name);
      if (change === undefined) touched.set(keyOf(reference), { do: 'touch', kind: target, before: doc });
    }
  }
  const belongings: Write[] = [];
  for (const { kind, before, spec } of changes) {
    const kept = namesOf(kind, spec);
    for (const name of namesOf(kind, before?.spec).filter((one) => !kept.includes(one))) {
      const reference = { kind: kind.name, name };
      const gone = spec === undefined ? await belongingsOf(view, kinds, reference, written) : [];
      for (const write of gone) written.set(`${write.kind.name}/${write.before.id}`, {});
      belongings.push(...gone);
      const users = await usersOf(view, kinds, reference, written);
      if (users.length > 0) throw modelError('OBJECT_IN_USE', { kind: kind.name, name, users: users.join(', ') });
    }
  }
  return [...touched.values(), ...belongings];
}

/** What goes with an object that is removed, but for what the plan deals with itself. */
async function belongingsOf(
  view: View,
  kinds: readonly AnyKind[],
  owner: Reference,
  written: ReadonlyMap<string, unknown>,
): Promise<Extract<Write, { do: 'remove' }>[]> {
  const gone: Extract<Write, { do: 'remove' }>[] = [];
  for (const kind of kinds.filter(({ belongs }) => belongs !== undefined))
    for (const before of await view.list(kind)) {
      const its = kind.belongs?.(before.spec);
      if (its !== undefined && keyOf(its) === keyOf(owner) && !written.has(`${kind.name}/${before.id}`))
        gone.push({ do: 'remove', kind, before });
    }
  return gone;
}

/** Those who will refer to an object once this is written. */
async function usersOf(
  view: View,
  kinds: readonly AnyKind[],
  reference: Reference,
  written: ReadonlyMap<string, { readonly spec?: unknown }>,
): Promise<string[]> {
  const users: string[] = [];
  for (const kind of kinds.filter(({ refers }) => refers !== undefined))
    for (const doc of await view.list(kind)) {
      const change = written.get(`${kind.name}/${doc.id}`);
      const spec: unknown = change === undefined ? doc.spec : change.spec;
      if (referencesOf(kind, spec).some((one) => keyOf(one) === keyOf(reference)))
        users.push(`${kind.name} ${kind.label?.(spec) ?? doc.id}`);
    }
  return users;
}
