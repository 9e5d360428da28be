/** What runs on one node of the cluster at a time. @module */
import type { PrimaryRole, PrimaryState } from '../cluster/primary.ts';

/** Runs something only while this node is primary: its signal aborts with the role, and it is started again with the next. */
export const onlyAsPrimary = (primary: PrimaryRole, signal: AbortSignal, start: (signal: AbortSignal) => void): void =>
  onlyIn(['primary'], primary, signal, start);

/** The same, from the moment that the role is taken: for what must not wait until the duties are. */
export const onlyAsLeader = (primary: PrimaryRole, signal: AbortSignal, start: (signal: AbortSignal) => void): void =>
  onlyIn(['takeover', 'primary'], primary, signal, start);

function onlyIn(
  states: readonly PrimaryState[],
  primary: PrimaryRole,
  signal: AbortSignal,
  start: (signal: AbortSignal) => void,
): void {
  let current: AbortController | undefined;
  const look = (): void => {
    const wanted = states.includes(primary.state);
    if (wanted && current === undefined) {
      current = new AbortController();
      start(AbortSignal.any([signal, current.signal]));
    } else if (!wanted && current !== undefined) {
      current.abort();
      current = undefined;
    }
  };
  const stop = primary.onChange(look);
  signal.addEventListener('abort', stop, { once: true });
  look();
}
