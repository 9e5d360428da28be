/** The line of progress on a terminal: drawn again and again, with a bar in it. @module */
import type { Clock } from '../host/clock.ts';
import { paint } from '../render/colour.ts';
import type { SessionTerminal } from './session-terminal.ts';

export const frameMs = 200;
const barWidth = 20;

/** A bar that is filled by a share of 1. */
export function progressBar(share: number, context: { readonly colour: boolean }): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * barWidth);
  return `${paint('━'.repeat(filled), 'green', context)}${paint('━'.repeat(barWidth - filled), 'dim', context)}`;
}

/** Calls `draw` now and at every frame until the returned function is called; never where no line can be shown. */
export function redraw(draw: () => void, terminal: Pick<SessionTerminal, 'showsStatus'>, clock: Clock): () => void {
  if (!terminal.showsStatus) return () => {};
  let cancel = (): void => {};
  const next = (): void => {
    draw();
    cancel = clock.after(frameMs, next);
  };
  next();
  return () => cancel();
}
