/** What the objects that guests are made from have in common. @module */
import { modelError, names, type View, z } from '../../../core/plugin/api.ts';

export const description = names.oneLine.describe('text for people');

/** Who refers to an object, as `profile web`. */
export async function usersOf(view: View, kind: string, name: string): Promise<string[]> {
  const users = (await view.referrers(kind)).get(name) ?? [];
  return users.map((user) => `${user.kind} ${user.label}`);
}

export const usedBy = z.array(z.string()).describe('what refers to it');

/** @throws PvcError OBJECT_EXISTS */
export function refuseTwice(kind: string, name: string, before: unknown): void {
  if (before !== undefined) throw modelError('OBJECT_EXISTS', { kind, field: 'name', value: name, owner: '' });
}

/** Whether two values are the same when they are written down. */
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
