/** A watchdog in memory. `expire` is what its reset does. @module */
import type { Clock } from './clock.ts';
import type { ArmedWatchdog, Watchdogs } from './host.ts';

export class VirtualWatchdogs implements Watchdogs {
  readonly #clock: Clock;
  #timeoutS: number | undefined;
  #cancel = (): void => {};
  /** What its reset does. */
  expire = (): void => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It counts. */
  get counts(): boolean {
    return this.#timeoutS !== undefined;
  }

  async arm(_device: string, timeoutS: number, may: () => boolean): Promise<ArmedWatchdog | undefined> {
    if (!may()) return undefined;
    this.#timeoutS = timeoutS;
    this.#feed();
    return { identity: 'Virtual Watchdog', timeoutS, feed: () => this.#feed(), disarm: () => this.off() };
  }

  /** The process that has it ends without having disarmed it: the kernel feeds it once. */
  closed(): void {
    this.#feed();
  }

  /** It counts no more. */
  off(): void {
    this.#cancel();
    this.#timeoutS = undefined;
  }

  #feed(): void {
    if (this.#timeoutS === undefined) return;
    this.#cancel();
    this.#cancel = this.#clock.after(this.#timeoutS * 1000, () => {
      this.off();
      this.expire();
    });
  }
}
