/**
 * The hardware watchdog of this machine: fed only while the lease holds, or while it is certain that nobody reaches the
 * store. So a node that is cut off, or whose daemon does not get to run, is reset. See docs/decisions/025.
 * @module
 */
import { z } from 'zod';
import { errorText } from '../../error/error.ts';
import type { ArmedWatchdog, Host } from '../../host/host.ts';
import type { NodeStatus } from '../../model/node-kind.ts';
import type { Session } from '../../store/store.ts';
import { askCoordinators, findingFrom, type Peers } from './ask-coordinators.ts';

const settings = z.object({ device: z.string(), timeoutS: z.int(), proves: z.boolean() });
export type WatchdogSettings = z.infer<typeof settings>;

/** What an earlier life of the daemon has armed counts on when this one begins. */
const mark = z.object({ bootId: z.string(), settings });

export interface WatchdogParts {
  readonly host: Pick<Host, 'clock' | 'files' | 'log' | 'machine' | 'watchdogs'>;
  readonly node: string;
  readonly peers: Peers;
  readonly settings: WatchdogSettings | undefined;
  /** What lasts until the next boot. */
  readonly directory: string;
}

const feedEveryMs = 500;
/** For so long after they were asked the coordinators' words count. */
const wordsCountMs = 2_000;
const armAgainMs = 10_000;

export class Watchdog {
  readonly #parts: Omit<WatchdogParts, 'settings'>;
  readonly #settings: WatchdogSettings;
  readonly #bootId: string;
  readonly #listeners = new Set<() => void>();
  #earlier: boolean;
  /** The session in which others see this daemon. */
  #announced: { readonly session: Pick<Session, 'epoch' | 'leaseUntilMs'>; readonly epoch: number } | undefined;
  #outageUntilMs = -Infinity;
  #armed: ArmedWatchdog | undefined;
  #problem: string | undefined;
  #armAgainAtMs = -Infinity;
  #ended = false;

  private constructor(parts: WatchdogParts, chosen: WatchdogSettings, bootId: string, earlier: boolean) {
    this.#parts = parts;
    this.#settings = chosen;
    this.#bootId = bootId;
    this.#earlier = earlier;
  }

  /**
   * Undefined: there is none to be fed. One that an earlier life has armed in this boot is, whatever the file says now: it
   * counts on.
   */
  static async of(parts: WatchdogParts): Promise<Watchdog | undefined> {
    const { bootId } = await parts.host.machine.facts();
    const text = await parts.host.files.readText(markPath(parts.directory));
    const known = text === undefined ? undefined : mark.safeParse(parsed(text)).data;
    const earlier = known?.bootId === bootId ? known : undefined;
    const chosen = earlier?.settings ?? parts.settings;
    return chosen === undefined ? undefined : new Watchdog(parts, chosen, bootId, earlier !== undefined);
  }

  /** What others may count on; undefined: it is not armed. */
  get record(): NodeStatus['watchdog'] {
    if (this.#armed === undefined) return undefined;
    const { identity, timeoutS } = this.#armed;
    const { device, proves } = this.#settings;
    return { device, identity, timeoutS, proves, bootId: this.#bootId };
  }

  /** Why it is not armed or fed. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Calls it when `record` or `problem` has changed. */
  onChange(changed: () => void): void {
    this.#listeners.add(changed);
  }

  /** Others see this daemon in that session: its lease counts. That of one in which they do not would feed unseen. */
  announced(session: Pick<Session, 'epoch' | 'leaseUntilMs'>, epoch: number): void {
    this.#announced = { session, epoch };
  }

  /** Feeds it until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.host;
    void this.#askWithoutLease(signal);
    while (!signal.aborted) {
      if (this.#armed === undefined) await this.#arm();
      else this.#feed();
      await clock.sleep(feedEveryMs, signal).catch(() => undefined);
    }
  }

  /** An orderly end, of which others have been told: nobody counts on it any more. */
  async disarm(): Promise<void> {
    const { files, log } = this.#parts.host;
    const armed = this.#armed;
    this.#ended = true;
    this.#armed = undefined;
    if (armed === undefined) return;
    armed.disarm();
    await files.remove(markPath(this.#parts.directory));
    log.child('watchdog').info('disarmed: the daemon stops');
  }

  /** Judged anew at each write: between a look and its write there is no await. */
  #may(): boolean {
    if (this.#ended) return false;
    return this.#leaseHolds() || this.#parts.host.clock.monotonicMs() < this.#outageUntilMs;
  }

  #leaseHolds(): boolean {
    if (this.#announced === undefined) return false;
    const { session, epoch } = this.#announced;
    return session.epoch === epoch && this.#parts.host.clock.monotonicMs() < session.leaseUntilMs;
  }

  #feed(): void {
    if (this.#armed === undefined || !this.#may()) return;
    try {
      this.#armed.feed();
      this.#tell(undefined);
    } catch (error) {
      this.#tell(errorText(error));
    }
  }

  async #arm(): Promise<void> {
    const { host, directory } = this.#parts;
    const nowMs = host.clock.monotonicMs();
    // In an outage nothing is armed that does not count already.
    if (this.#ended || nowMs < this.#armAgainAtMs || !(this.#leaseHolds() || (this.#earlier && this.#may()))) return;
    const { device, timeoutS } = this.#settings;
    try {
      if (!this.#earlier)
        await host.files.writeAtomic(
          markPath(directory),
          JSON.stringify({ bootId: this.#bootId, settings: this.#settings }),
          0o600,
        );
      const armed = await host.watchdogs.arm(device, timeoutS, () => this.#may());
      if (armed === undefined) return;
      // The daemon was told to stop while it was opened.
      if (this.#ended) return armed.disarm();
      this.#armed = armed;
      this.#earlier = true;
      host.log.child('watchdog').info(`${device} (${armed.identity}) resets this machine after ${timeoutS} s`);
      this.#tell(undefined, true);
    } catch (error) {
      this.#armAgainAtMs = nowMs + armAgainMs;
      this.#tell(errorText(error));
      // Else the next life would go by it, whatever the file says then.
      if (!this.#earlier)
        await host.files.remove(markPath(directory)).catch((left: unknown) => this.#tell(errorText(left)));
    }
  }

  /** Asks whether it is an outage: by itself, since that begins before there is a store, and whatever else has started. */
  async #askWithoutLease(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.host;
    while (!signal.aborted) {
      if (this.#earlier && !this.#leaseHolds()) await this.#ask(signal);
      await clock.sleep(feedEveryMs, signal).catch(() => undefined);
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const askedMs = this.#parts.host.clock.monotonicMs();
    try {
      const words = await askCoordinators(this.#parts, signal);
      if (words.length === 0 || findingFrom(words) !== 'outage') return;
    } catch (error) {
      return this.#tell(errorText(error));
    }
    this.#outageUntilMs = askedMs + wordsCountMs;
    this.#feed();
  }

  #tell(problem: string | undefined, anew = false): void {
    if (problem === this.#problem && !anew) return;
    this.#problem = problem;
    if (problem !== undefined) this.#parts.host.log.child('watchdog').warn(problem);
    for (const listener of this.#listeners) listener();
  }
}

const markPath = (directory: string): string => `${directory}/watchdog.json`;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Written whole or not at all; what is no JSON is not ours.
    return undefined;
  }
}
