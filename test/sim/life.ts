/**
 * One life of one daemon: the gate through which everything passes that it does to the world and that the world tells
 * it. A daemon that is killed does nothing more from one `await` to the next, and hears of nothing; one that was stopped
 * (SIGSTOP) stands between two of its steps while the rest of the world goes on, and hears of it all afterwards.
 * @module
 */

/** Where a life is to be ended or stopped: at the n-th call of that kind from now. */
export interface Trap {
  /** The beginning of the call's name: `store.commit`, `files`, `exec`, or '' for every call. */
  readonly call: string;
  readonly count: number;
  /** Whether what was asked for still happens. */
  readonly when: 'before' | 'after';
  readonly act: () => void;
}

/** Later than `after(0)` of a clock: one of the things that a daemon hears of, each in a turn of its own. */
type Defer = (run: () => void) => void;

export class Life {
  readonly #defer: Defer;
  readonly #traps: { trap: Trap; left: number }[] = [];
  /** What it has not heard of yet; undefined while it hears of everything at once. */
  #held: (() => void)[] | undefined;
  #paused = false;
  #ended = false;
  /** Undoes what would reach a dead daemon past `hear`. */
  readonly #undo = new Set<() => void>();
  /** How often it has turned to the world. */
  calls = 0;

  constructor(defer: Defer) {
    this.#defer = defer;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** It was killed. */
  end(): void {
    this.#ended = true;
    this.#held = undefined;
    for (const undo of this.#undo) undo();
    this.#undo.clear();
  }

  pause(): void {
    this.#paused = true;
    this.#held ??= [];
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#defer(() => this.#drain());
  }

  set(trap: Trap): void {
    this.#traps.push({ trap, left: trap.count });
  }

  /** Takes away the traps that have not sprung. */
  disarm(): void {
    this.#traps.length = 0;
  }

  /** Something reaches the daemon: now, later, or never. */
  hear(run: () => void): void {
    if (this.#ended) return;
    if (this.#held === undefined) run();
    else this.#held.push(run);
  }

  /** `undo` is called when the life ends. */
  until(undo: () => void): void {
    this.#undo.add(undo);
  }

  /** There is nothing to undo any more. */
  forget(undo: () => void): void {
    this.#undo.delete(undo);
  }

  /**
   * The daemon turns to the world. Of a call that ends its life it never hears again.
   * @param run what it comes to, itself when that takes no time
   */
  call<T>(name: string, run: () => T | Promise<T>): Promise<T> {
    if (this.#ended) return never();
    this.calls += 1;
    const sprung = this.#traps.length === 0 ? undefined : this.#spring(name);
    if (sprung?.when === 'before') sprung.act();
    // A daemon that stands still has not sent anything; it does so when it goes on.
    if (this.#ended) return never();
    if (this.#paused && sprung?.when === 'before') {
      return new Promise((resolve) => {
        this.hear(() => resolve(this.#through(run())));
      });
    }
    const answer = this.#through(run());
    if (sprung?.when === 'after') sprung.act();
    return answer;
  }

  /** It hears of everything at once. */
  get #listens(): boolean {
    return this.#held === undefined && !this.#ended;
  }

  /** The answer as it was, when the daemon hears of it. */
  #through<T>(answer: T | Promise<T>): Promise<T> {
    const given = Promise.resolve(answer);
    if (!(answer instanceof Promise) && this.#listens) return given;
    return given.then(
      (value) => (this.#listens ? value : new Promise((resolve) => this.hear(() => resolve(value)))),
      () => (this.#listens ? given : new Promise((resolve) => this.hear(() => resolve(given)))),
    );
  }

  #spring(name: string): Trap | undefined {
    for (const entry of this.#traps) {
      if (!name.startsWith(entry.trap.call)) continue;
      entry.left -= 1;
      if (entry.left > 0) continue;
      this.#traps.splice(this.#traps.indexOf(entry), 1);
      return entry.trap;
    }
    return undefined;
  }

  #drain(): void {
    if (this.#paused || this.#ended || this.#held === undefined) return;
    const next = this.#held.shift();
    if (next === undefined) {
      this.#held = undefined;
      return;
    }
    next();
    this.#defer(() => this.#drain());
  }
}

const never = <T>(): Promise<T> => new Promise<T>(() => {});
