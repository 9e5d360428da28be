/**
 * The readers of `Store.watch` within one store: each has a set of dirty keys that fills while it is busy
 * and that it takes as a whole. Shared by all back ends.
 * @module
 */
import type { Dirty, Key, Topic } from './store.ts';

/** With more dirty keys than this a reader is told to look at everything, which bounds the memory. */
export const maxDirtyKeys = 4096;

class Reader {
  readonly #topics: ReadonlySet<Topic>;
  #resync = true;
  #keys = new Set<Key>();
  #ended = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  constructor(topics: readonly Topic[]) {
    this.#topics = new Set(topics);
  }

  heeds(topics: readonly Topic[]): boolean {
    return this.#topics.has('all') || topics.some((topic) => this.#topics.has(topic));
  }

  add(keys: Iterable<Key>, topics: readonly Topic[]): void {
    if (!this.heeds(topics)) return;
    if (this.#resync) return; // it will look at everything anyway
    for (const key of keys) this.#keys.add(key);
    if (this.#keys.size > maxDirtyKeys) this.resync();
    else if (this.#keys.size > 0) this.#wake();
  }

  resync(): void {
    this.#resync = true;
    this.#keys = new Set();
    this.#wake();
  }

  end(error?: Error): void {
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  /** What became dirty since the last call, as soon as there is something; undefined at the end. */
  async take(): Promise<Dirty | undefined> {
    while (!this.#ended && !this.#resync && this.#keys.size === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#error !== undefined) throw this.#error;
    if (this.#ended) return undefined;
    const dirty = { resync: this.#resync, keys: this.#keys };
    this.#resync = false;
    this.#keys = new Set();
    return dirty;
  }
}

export class Watchers {
  readonly #readers = new Set<Reader>();
  readonly #onCount: (count: number) => void;

  /** `onCount` hears how many readers there are, each time that changes. */
  constructor(onCount: (count: number) => void = () => {}) {
    this.#onCount = onCount;
  }

  get count(): number {
    return this.#readers.size;
  }

  /** Some reader wants to know of one of the topics. One that comes later begins with a look at everything. */
  heed(topics: readonly Topic[]): boolean {
    for (const reader of this.#readers) if (reader.heeds(topics)) return true;
    return false;
  }

  /** Marks keys as dirty for every reader of one of the topics, and for those of `all`. */
  notify(keys: Iterable<Key>, topics: readonly Topic[]): void {
    for (const reader of this.#readers) reader.add(keys, topics);
  }

  /** Changes may have been missed: every reader must look at everything. */
  resync(): void {
    for (const reader of this.#readers) reader.resync();
  }

  /** Ends every iteration, with the error if there is one. */
  end(error?: Error): void {
    for (const reader of this.#readers) {
      reader.end(error);
      this.#remove(reader);
    }
  }

  /** `begin` runs when the first element is asked for, before the reader is counted. */
  async *watch(topics: readonly Topic[], signal: AbortSignal, begin: () => void): AsyncGenerator<Dirty, void, void> {
    begin();
    if (signal.aborted) return;
    const reader = new Reader(topics);
    // Frees the reader at once: whoever aborts may never ask for another element.
    const stop = (): void => {
      reader.end();
      this.#remove(reader);
    };
    signal.addEventListener('abort', stop, { once: true });
    this.#readers.add(reader);
    try {
      this.#onCount(this.#readers.size);
      for (let dirty = await reader.take(); dirty !== undefined; dirty = await reader.take()) yield dirty;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#remove(reader);
    }
  }

  #remove(reader: Reader): void {
    if (this.#readers.delete(reader)) this.#onCount(this.#readers.size);
  }
}
