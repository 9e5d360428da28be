/** What runs on one node of the cluster at a time. @module */
import type { PrimaryRole } from '../cluster/primary.ts';

/** Runs something only while this node is primary: its signal aborts with the role, and it is started again with the next. */
export function onlyAsPrimary(primary: PrimaryRole, signal: AbortSignal, start: (signal: AbortSignal) => void): void {
  let current: AbortController | undefined;
  const look = (): void => {
    if (primary.state === 'primary' && current === undefined) {
      current = new AbortController();
      start(AbortSignal.any([signal, current.signal]));
    } else if (primary.state !== 'primary' && current !== undefined) {
      current.abort();
      current = undefined;
    }
  };
  const stop = primary.onChange(look);
  signal.addEventListener('abort', stop, { once: true });
  look();
}
