/**
 * Who sleeps until a signal aborts. A daemon has dozens of sleepers on one signal, and a list of listeners is walked to take
 * one away: all of them share one.
 * @module
 */

interface Sleepers {
  readonly stops: Set<() => void>;
  readonly wake: () => void;
}

const sleeping = new WeakMap<AbortSignal, Sleepers>();

function sleepersOf(signal: AbortSignal): Sleepers {
  const known = sleeping.get(signal);
  if (known !== undefined) return known;
  const stops = new Set<() => void>();
  const wake = (): void => {
    for (const stop of [...stops]) stop();
    stops.clear();
  };
  const made = { stops, wake };
  sleeping.set(signal, made);
  return made;
}

/** Calls `stop` once the signal aborts, which it has not yet; the returned function says that nobody sleeps any more. */
export function whenAborted(signal: AbortSignal, stop: () => void): () => void {
  const { stops, wake } = sleepersOf(signal);
  if (stops.size === 0) signal.addEventListener('abort', wake, { once: true });
  stops.add(stop);
  return () => {
    // A signal that is made of others is kept for as long as somebody listens to it.
    if (stops.delete(stop) && stops.size === 0) signal.removeEventListener('abort', wake);
  };
}
