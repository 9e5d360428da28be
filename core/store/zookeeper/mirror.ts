/**
 * Copies of whole directories, kept in step by the feed of all changes while they are used. ZooKeeper answers for one
 * znode at a time: a list of 5,000 guests would be 10,000 requests each time.
 * @module
 */
import type { Host } from '../../host/host.ts';
import type { Entry, Key } from '../store.ts';
import { placeOf } from './layout.ts';

export interface MirrorSource {
  /** Every entry of a directory, now. */
  load(directory: string): Promise<Entry[]>;
  read(key: Key): Promise<Entry | undefined>;
  /** Follows the feed of all changes; resolves when nothing can be missed any more. */
  follow(): Promise<void>;
  unfollow(): void;
}

/** Unused for so long it is dropped, and the feed with it. */
const idleMs = 60_000;

interface Copy {
  readonly entries: Map<Key, Entry>;
  /** Keys that changed while it was loaded: what was read of them may be old. */
  readonly loading: Promise<void>;
}

export class Mirror {
  readonly #host: Pick<Host, 'clock'>;
  readonly #source: MirrorSource;
  readonly #copies = new Map<string, Copy>();
  #following: Promise<void> | undefined;
  /** Changes are applied one after the other. */
  #applying: Promise<unknown> = Promise.resolve();
  /** Number of the last commit that is in every copy. */
  #applied: number | undefined;
  #cancelIdle = (): void => {};

  constructor(host: Pick<Host, 'clock'>, source: MirrorSource) {
    this.#host = host;
    this.#source = source;
  }

  /** How many entries are held. */
  get size(): number {
    return [...this.#copies.values()].reduce((sum, copy) => sum + copy.entries.size, 0);
  }

  /**
   * Every entry of a directory. `after` is the number of a commit that must be in it. Undefined when that has not come
   * within `withinMs`: then it must be read without a copy.
   */
  async entries(directory: string, after: number | undefined, withinMs: number): Promise<Entry[] | undefined> {
    this.#cancelIdle();
    this.#cancelIdle = this.#host.clock.after(idleMs, () => this.drop());
    this.#following ??= this.#source.follow();
    const following = this.#following;
    await following;
    let copy = this.#copies.get(directory);
    if (copy === undefined) {
      const entries = new Map<Key, Entry>();
      const loading = this.#load(directory, entries);
      copy = { entries, loading };
      this.#copies.set(directory, copy);
      loading.catch(() => this.#copies.delete(directory));
    }
    const held = copy;
    await held.loading;
    const untilMs = this.#host.clock.monotonicMs() + withinMs;
    while (after !== undefined && (this.#applied === undefined || ((after - this.#applied) | 0) > 0)) {
      if (this.#host.clock.monotonicMs() >= untilMs || this.#copies.get(directory) !== held) return undefined;
      await this.#host.clock.sleep(1);
    }
    await this.#applying;
    return this.#copies.get(directory) === held ? [...held.entries.values()] : undefined;
  }

  /** Takes changes in. `sequence` is the number of the last commit among them. */
  changed(keys: ReadonlySet<Key>, sequence: number | undefined): void {
    if (this.#following === undefined) return;
    this.#applying = this.#applying.then(async () => {
      const known = [...keys].filter((key) => this.#copies.has(placeOf(key).directory));
      try {
        const entries = await Promise.all(known.map((key) => this.#source.read(key)));
        for (const [index, key] of known.entries()) this.#put(key, entries[index]);
      } catch {
        // Without the link nothing is known: the copies are made anew when somebody asks.
        this.#copies.clear();
      }
      if (sequence !== undefined) this.#applied = sequence;
    });
  }

  /** Anything may have changed up to this commit: every copy is made anew when it is asked for. */
  reset(sequence: number | undefined): void {
    this.#copies.clear();
    this.#applied = sequence;
  }

  drop(): void {
    this.#cancelIdle();
    this.reset(undefined);
    if (this.#following === undefined) return;
    this.#following = undefined;
    this.#source.unfollow();
  }

  async #load(directory: string, entries: Map<Key, Entry>): Promise<void> {
    for (const entry of await this.#source.load(directory)) {
      // A change that came while it was loaded is newer than what was read.
      const known = entries.get(entry.key);
      if (known === undefined || known.birth !== entry.birth || known.version < entry.version)
        entries.set(entry.key, entry);
    }
  }

  #put(key: Key, entry: Entry | undefined): void {
    const copy = this.#copies.get(placeOf(key).directory);
    if (entry === undefined) copy?.entries.delete(key);
    else copy?.entries.set(key, entry);
  }
}
