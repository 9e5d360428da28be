/** Tells administrators when the watchdog of a node does not do its work. @module */
import { type FaultBook, faultId } from '../../fault/fault-book.ts';
import type { Watchdog } from './watchdog.ts';

/** @param report called when what the node says of its watchdog may have changed */
export function tellOfWatchdog(
  watchdog: Pick<Watchdog, 'problem' | 'onChange'>,
  faults: Pick<FaultBook, 'raise' | 'clear'>,
  node: string,
  report: () => void,
): void {
  const fault = faultId('node.watchdog', node);
  const tell = (): void => {
    if (watchdog.problem === undefined) faults.clear(fault);
    else
      faults.raise(fault, {
        severity: 'warning',
        message: `The watchdog of ${node} does not do its work: ${watchdog.problem}`,
        hint: 'It is tried again by itself. See `watchdog` in docs/node-failure.md.',
        object: `node ${node}`,
      });
    report();
  };
  watchdog.onChange(tell);
  // It may have been armed, or not, before anybody listened.
  tell();
}
