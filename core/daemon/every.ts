/** What is done again and again while the daemon runs. @module */
import type { Host } from '../host/host.ts';

/** @param pauseMs from the end of one time to the beginning of the next */
export async function every(
  host: Pick<Host, 'clock'>,
  pauseMs: number,
  signal: AbortSignal,
  run: () => Promise<void>,
  failed: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await run().catch((error: unknown) => {
      if (!signal.aborted) failed(error);
    });
    await host.clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
