/** What becomes of a guest that ends by itself again and again, though it is started again each time. Pure. @module */
import type { VmDoc } from './guest-control.ts';
import type { Ends } from './guest-ends.ts';
import { Ledger, type World } from './ledger.ts';
import { judged, reasonsOf } from './place-all.ts';
import { choose } from './placement.ts';
import { goesOn } from './recovery-plan.ts';
import type { VmSpec } from './schema.ts';

/** Whether it has ended once more than it is to be started again on one node. */
export const endsTooOften = ({ restart }: Pick<VmSpec, 'restart'>, { count }: Pick<Ends, 'count'>): boolean =>
  restart.then !== 'again' && count > restart.tries;

/** Somebody wants it to run: where it was given up does not count any more. */
export const startedAnew = ({ crashes: _crashes, ...spec }: VmSpec): VmSpec => ({ ...spec, run: 'running' });

const endText = ({ node, ends, reason }: { node: string; ends: number; reason: string }): string =>
  `it ended ${ends === 1 ? 'once' : `${ends} times`} on ${node} (${reason})`;

/**
 * The guest as it is once its node has given it up: on another node that can take it and has not had it yet, or failed
 * where it is. Alone: what a strict rule keeps with it runs well, and must not be torn away for its sake.
 */
export function givenUp(guest: VmDoc, ends: Ends, world: World): VmSpec {
  const { spec } = guest;
  const on = [...(spec.crashes?.on ?? []), { node: spec.node, ends: ends.count, reason: ends.reason }];
  const last = on.map(endText).join(', ');
  if (spec.restart.then !== 'move') return { ...spec, crashes: { on, failed: last } };
  const had = new Set(on.map(({ node }) => node));
  const places = judged([guest], new Ledger(world), 'shutdown').filter(({ node }) => !had.has(node));
  const best = choose(places, spec.selector);
  if (best !== undefined) return { ...goesOn(spec, spec.node, best.node), crashes: { on } };
  const why = places.length === 0 ? ['no other node is left'] : reasonsOf(places);
  return { ...spec, crashes: { on, failed: [last, ...why].join('; ') } };
}
