/** The store as one life of a daemon has it: through its gate, and through whatever a planted bug makes of it. @module */
import type { Clock } from '../../core/host/clock.ts';
import type { MemoryStore } from '../../core/store/memory-store.ts';
import type {
  CommitResult,
  Dirty,
  Entry,
  Key,
  Op,
  Session,
  SessionState,
  Store,
  Topic,
} from '../../core/store/store.ts';
import type { Life } from './life.ts';

export interface StoreHooks {
  /** Stands between the daemon and the store; a planted bug changes something here. */
  commit(ops: readonly Op[], go: (ops: readonly Op[]) => Promise<CommitResult>): Promise<CommitResult>;
  /** False: the daemon is not told of this change. */
  tells(dirty: Dirty): boolean;
  /** Until when the lease holds, as the daemon has it. */
  lease(untilMs: number): number;
}

const linkWaitMs = 2_000;
const linkLookMs = 50;

export class LifeStore implements Store {
  readonly backend = 'memory';
  readonly session: Session;
  readonly #life: Life;
  readonly #inner: MemoryStore;
  readonly #hooks: StoreHooks;
  readonly #clock: Clock;

  /** `here` tells a moment of the world on the clock of the daemon's machine. */
  constructor(life: Life, inner: MemoryStore, hooks: StoreHooks, here: (worldMs: number) => number, clock: Clock) {
    this.#clock = clock;
    this.#life = life;
    this.#inner = inner;
    this.#hooks = hooks;
    this.session = new LifeSession(life, inner.session, (worldMs) => hooks.lease(here(worldMs)));
  }

  read(key: Key): Promise<Entry | undefined> {
    return this.#life.call('store.read', () => this.#inner.read(key));
  }

  readMany(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    return this.#life.call('store.readMany', () => this.#inner.readMany(keys));
  }

  children(prefix: Key): Promise<string[]> {
    return this.#life.call('store.children', () => this.#inner.children(prefix));
  }

  list(prefix: Key): Promise<Entry[]> {
    return this.#life.call('store.list', () => this.#inner.list(prefix));
  }

  commit(ops: readonly Op[], topics: readonly Topic[] = []): Promise<CommitResult> {
    return this.#life.call('store.commit', async () => {
      await this.#linked();
      return this.#hooks.commit(ops, (actual) => this.#inner.commit(actual, topics));
    });
  }

  /**
   * As the ZooKeeper client does: a commit waits for a link that is away for a moment, and may then be made in another
   * session than the one in which it was thought of.
   */
  async #linked(): Promise<void> {
    const { session } = this.#inner;
    const untilMs = this.#clock.monotonicMs() + linkWaitMs;
    const there = (): boolean => session.state === 'live' && this.#clock.monotonicMs() < session.leaseUntilMs;
    while (!there() && this.#clock.monotonicMs() < untilMs) await this.#clock.sleep(linkLookMs);
  }

  async *watch(topics: readonly Topic[], signal: AbortSignal): AsyncGenerator<Dirty, void, void> {
    const changes = this.#inner.watch(topics, signal)[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#life.call('store.watch', () => changes.next());
      if (next.done === true) return;
      if (this.#hooks.tells(next.value)) yield next.value;
    }
  }

  freshWord(): string {
    return this.#inner.freshWord();
  }

  close(): Promise<void> {
    return this.#life.call('store.close', () => this.#inner.close());
  }
}

/** What a daemon reads of its session is true at once; of changes it is told when it hears. */
class LifeSession implements Session {
  readonly #life: Life;
  readonly #inner: Session;
  readonly #here: (worldMs: number) => number;

  constructor(life: Life, inner: Session, here: (worldMs: number) => number) {
    this.#life = life;
    this.#inner = inner;
    this.#here = here;
  }

  get state(): SessionState {
    return this.#inner.state;
  }

  get epoch(): number {
    return this.#inner.epoch;
  }

  get leaseUntilMs(): number {
    return this.#here(this.#inner.leaseUntilMs);
  }

  onChange(fn: (state: SessionState) => void): () => void {
    let wanted = true;
    const stop = this.#inner.onChange((state) =>
      this.#life.hear(() => {
        if (wanted) fn(state);
      }),
    );
    this.#life.until(stop);
    return () => {
      wanted = false;
      this.#life.forget(stop);
      stop();
    };
  }
}
