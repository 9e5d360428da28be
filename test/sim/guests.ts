/**
 * The truth about guests: on which node the virtual CPUs of each run, and who writes to which disk. The pretended
 * hypervisors tell it of every change, and it objects the moment that two do what only one may.
 * @module
 */
import type { Trace } from './trace.ts';

export interface GuestHabits {
  /** How long it takes to shut down once the power button is pressed; undefined: it does not hear it. */
  readonly shutdownMs: number | undefined;
  readonly bootMs: number;
}

export interface GuestTruth {
  readonly uuid: string;
  readonly name: string;
  /** Nodes where its virtual CPUs run. */
  readonly running: Set<string>;
  /** How often it was started from nothing. */
  starts: number;
  /** Since when it has been doing what it does now: runs, or not. */
  sinceMs: number;
  habits: GuestHabits;
}

export interface GuestsParts {
  readonly trace: Trace;
  readonly nowMs: () => number;
  readonly violated: (rule: string, text: string) => void;
}

export class Guests {
  readonly #parts: GuestsParts;
  readonly #byUuid = new Map<string, GuestTruth>();
  /** Who writes to a disk: `guest@node`. */
  readonly #writers = new Map<string, Set<string>>();

  constructor(parts: GuestsParts) {
    this.#parts = parts;
  }

  all(): IterableIterator<GuestTruth> {
    return this.#byUuid.values();
  }

  named(name: string): GuestTruth | undefined {
    return [...this.#byUuid.values()].find((guest) => guest.name === name);
  }

  of(uuid: string, name = uuid): GuestTruth {
    let guest = this.#byUuid.get(uuid);
    if (guest === undefined) {
      guest = { uuid, name, running: new Set(), starts: 0, sinceMs: 0, habits: { shutdownMs: 2_000, bootMs: 400 } };
      this.#byUuid.set(uuid, guest);
    }
    return guest;
  }

  /** The virtual CPUs run from now on. */
  runs(uuid: string, node: string, disks: readonly string[], why: string): void {
    const guest = this.of(uuid);
    if (guest.running.has(node)) return;
    if (why === 'booted') guest.starts += 1;
    guest.running.add(node);
    guest.sinceMs = this.#parts.nowMs();
    this.#parts.trace.world(guest.name, `runs on ${node} (${why})`);
    if (guest.running.size > 1)
      this.#parts.violated('two-copies', `${guest.name} runs on ${[...guest.running].sort().join(' and ')}`);
    for (const disk of disks) {
      const writers = this.#writers.get(disk) ?? new Set();
      writers.add(`${guest.name} on ${node}`);
      this.#writers.set(disk, writers);
      if (writers.size > 1)
        this.#parts.violated('two-writers', `${disk} is written by ${[...writers].join(' and by ')}`);
    }
  }

  /** They do not run any more. */
  stands(uuid: string, node: string, disks: readonly string[], why: string): void {
    const guest = this.of(uuid);
    if (!guest.running.delete(node)) return;
    guest.sinceMs = this.#parts.nowMs();
    this.#parts.trace.world(guest.name, `stops on ${node} (${why})`);
    for (const disk of disks) this.#writers.get(disk)?.delete(`${guest.name} on ${node}`);
  }
}
