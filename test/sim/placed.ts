/** Whether placements keep to the strict rules for guests. What a move that failed leaves behind is no placement. @module */
import type { Op } from '../../core/store/store.ts';
import type { VmSpec } from '../../plugins/libvirt/schema.ts';
import { type ClusterState, transferOf } from './cluster-state.ts';

const goalOf = (spec: VmSpec): string => transferOf(spec)?.to ?? spec.node;

const parse = (text: string): VmSpec => (JSON.parse(text) as { d: VmSpec }).d;

/** Guests for which a commit, before it is taken note of, decides anew where they belong. */
export function newlyPlaced(state: ClusterState, ops: readonly Op[]): Set<string> {
  const placed = new Set<string>();
  for (const op of ops) {
    if (!('value' in op) || op.value === undefined) continue;
    const [, kind, uuid = '', half] = op.key.split('/');
    if (kind !== 'vm' || half !== 'spec') continue;
    const [before, after] = [state.guests.get(uuid)?.spec, parse(op.value)];
    const wakes = before?.run === 'disabled' && after.run !== 'disabled';
    // A move that ends, well or badly, leaves it at one of its two ends.
    const ends = before !== undefined && [before.node, goalOf(before)].includes(goalOf(after));
    if (before === undefined || wakes || (goalOf(before) !== goalOf(after) && !ends)) placed.add(uuid);
  }
  return placed;
}

/** What strict rules say to where these guests belong now, and to where the others are. */
export function unkept(state: ClusterState, placed: ReadonlySet<string>): string[] {
  if (placed.size === 0) return [];
  const guests = new Map(
    [...state.guests]
      .filter(([, { spec }]) => spec.run !== 'disabled')
      .map(([uuid, { spec }]) => [spec.name, { uuid, spec }]),
  );
  const said: string[] = [];
  for (const rule of state.guestRules.values()) {
    if (!rule.strict) continue;
    const members = rule.guests.flatMap((name) => guests.get(name) ?? []);
    for (const one of members.filter(({ uuid }) => placed.has(uuid)))
      for (const other of members) {
        if (other === one) continue;
        const goal = goalOf(one.spec);
        if (rule.kind === 'together' && goalOf(other.spec) !== goal)
          said.push(
            `${one.spec.name} belongs on ${goal} and ${other.spec.name} on ${goalOf(other.spec)} (${rule.name})`,
          );
        if (rule.kind === 'apart' && [other.spec.node, goalOf(other.spec)].includes(goal))
          said.push(`${one.spec.name} and ${other.spec.name} are both on ${goal} (${rule.name})`);
      }
  }
  return said;
}
