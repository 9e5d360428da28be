/** Work that somebody waits for only so long. @module */
import type { Clock } from './clock.ts';

/**
 * What the work comes to, if it ends in time. Work that does not goes on, and nobody hears how it ends.
 * @param late the error when it has not ended after `ms`
 * @throws what the work throws
 */
export function within<T>(clock: Pick<Clock, 'after'>, ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const cancel = clock.after(ms, () => reject(late()));
  work.then(
    (value) => {
      cancel();
      resolve(value);
    },
    (error: unknown) => {
      cancel();
      reject(error);
    },
  );
  return promise;
}
