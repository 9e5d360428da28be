/** Work that somebody waits for only so long. @module */
import type { Clock } from './clock.ts';

/**
 * What the work comes to, if it ends in time. Work that does not goes on, and nobody hears how it ends.
 * @param late the error when it has not ended after `ms`
 * @throws what the work throws
 */
export async function within<T>(
  clock: Pick<Clock, 'after'>,
  ms: number,
  work: Promise<T>,
  late: () => Error,
): Promise<T> {
  let cancel = (): void => {};
  const over = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(late()));
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    cancel();
  }
}
