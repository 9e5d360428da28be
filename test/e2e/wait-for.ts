/**
 * Waits for something to become true, and when it does not, says what was seen last. Times are given as for a machine with nothing
 * else to do; how long a wait may last in the end is no statement about speed, so a busy one gets several times as much.
 * @module
 */
import { inspect } from 'node:util';

const patience = 3;

export interface WaitOptions {
  /** Of a machine that is not busy. Default 30 s. */
  readonly timeoutMs?: number;
  /** Default 200 ms. */
  readonly everyMs?: number;
  /** Text for the failure message: what is worth reading when it never came true. */
  readonly evidence?: () => string | Promise<string>;
}

/** What was waited for did not happen in time. */
class NeverHappened extends Error {
  override readonly name = 'NeverHappened';
}

/**
 * Asks `probe` again and again until it returns something other than undefined, null or false, and returns that.
 * A probe that throws counts as "not yet"; its error is told at the end.
 * @throws NeverHappened with the description, the last value or error, and the evidence
 */
export async function waitFor<T>(
  description: string,
  probe: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, undefined | null | false>> {
  const { everyMs = 200 } = options;
  const timeoutMs = patience * (options.timeoutMs ?? 30_000);
  const end = performance.now() + timeoutMs;
  for (;;) {
    let last: string;
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false)
        return value as Exclude<T, undefined | null | false>;
      last = `last seen: ${inspect(value)}`;
    } catch (error) {
      last = `last error: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() >= end) {
      const evidence = await options.evidence?.();
      throw new NeverHappened(
        `waited ${timeoutMs / 1000} s for: ${description}\n${last}${evidence === undefined ? '' : `\n${evidence}`}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
