/**
 * Waits for a condition that is cheap to look at.
 * @module
 */

/** Looks every 20 ms; false when it did not come true in time. Rejects when `signal` aborts. */
export async function becomesTrue(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    if (await condition()) return true;
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
