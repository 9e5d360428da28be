/** What the fencing of nodes decides, without doing it. Pure. @module */
import type { Stranded } from '../../plugin/fence-hooks.ts';

/** So long a node must be missed. A daemon that starts again is away for a moment between its two sessions. */
export const missedMs = 1_500;
/** So long whoever judges must have reached the store without a break: after an outage others take their time to be back. */
export const judgeMs = 10_000;

export interface Death {
  /** It told that it stops, or never told anything. */
  readonly quiet: boolean;
  readonly alive: boolean;
  readonly maintenance: boolean;
  /** There is an open fence for it. */
  readonly fenced: boolean;
  readonly missedForMs: number;
  /** For how long its machine has not answered; 0: it does, or nobody knows. */
  readonly silentForMs: number;
  /** It is silent, and its BMC reads that it is off. */
  readonly readsOff: boolean;
  /** For how long this node has reached the store without a break. */
  readonly steadyForMs: number;
}

/**
 * Whether a node is to be fenced: `no`, `now`, `off` (now, though its session has not ended: its machine is off), or to be
 * looked at again after so many milliseconds.
 */
export function judge(death: Death): 'no' | 'now' | 'off' | number {
  if (death.quiet || death.maintenance || death.fenced) return 'no';
  if (death.alive) return death.readsOff && death.steadyForMs >= judgeMs ? 'off' : 'no';
  // The machine of a daemon that starts again answers.
  const missLeftMs = death.silentForMs >= missedMs ? 0 : missedMs - death.missedForMs;
  const leftMs = Math.max(missLeftMs, judgeMs - death.steadyForMs);
  // What is left of a millisecond may be too little for a clock to move by.
  return leftMs > 0 ? Math.ceil(leftMs) : 'now';
}

/** How many nodes may be fenced by themselves at the same time. */
export const mostAtOnce = (nodes: number, percent: number): number => Math.max(1, Math.floor((nodes * percent) / 100));

/** Resources of which it is not proven yet that nothing on the node uses them. */
export function unproven(stranded: readonly Stranded[], isProven: (resource: string) => boolean): string[] {
  return [...new Set(stranded.flatMap(({ needs }) => needs))].filter((resource) => !isProven(resource)).sort();
}
