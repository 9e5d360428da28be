/** One reading for many who ask at the same time. @module */

/** Whoever asks gets a reading that began after that; all who ask until it begins share it. */
export function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let waiting: Promise<T> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    if (waiting === undefined) {
      waiting = last.then(() => {
        waiting = undefined;
        return read();
      });
      last = waiting.catch(() => undefined);
    }
    return waiting;
  };
}
