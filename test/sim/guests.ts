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
  /** Nodes where its virtual CPUs run, with the disks that it has there. */
  readonly running: Map<string, readonly string[]>;
  /** Nodes where it runs and its volumes are lost to it: who was refused once does not come through again, let in or not. */
  readonly lost: Set<string>;
  /** How often it was started from nothing. */
  starts: number;
  /** When libvirt was asked to start it, and where. */
  readonly asked: { readonly node: string; readonly atMs: number }[];
  /** Since when it has been doing what it does now: runs, or not. */
  sinceMs: number;
  habits: GuestHabits;
}

export interface GuestsParts {
  readonly trace: Trace;
  readonly nowMs: () => number;
  readonly violated: (rule: string, text: string) => void;
  /** A guest runs on more than one node. */
  readonly several: (guest: GuestTruth) => void;
}

export class Guests {
  readonly #parts: GuestsParts;
  readonly #byUuid = new Map<string, GuestTruth>();
  /** Those that run or ran with it, by disk. */
  readonly #users = new Map<string, Set<GuestTruth>>();
  /** Nodes that the storage does not let in. */
  readonly #shutOut = new Set<string>();

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
      const habits = { shutdownMs: 2_000, bootMs: 400 };
      guest = { uuid, name, running: new Map(), lost: new Set(), starts: 0, asked: [], sinceMs: 0, habits };
      this.#byUuid.set(uuid, guest);
    }
    return guest;
  }

  /** The virtual CPUs run from now on. */
  runs(uuid: string, node: string, disks: readonly string[], why: string): void {
    const guest = this.of(uuid);
    if (guest.running.has(node)) return;
    if (why === 'booted') guest.starts += 1;
    guest.running.set(node, disks);
    for (const disk of disks) this.#users.set(disk, (this.#users.get(disk) ?? new Set()).add(guest));
    guest.sinceMs = this.#parts.nowMs();
    this.#parts.trace.world(guest.name, `runs on ${node} (${why})`);
    if (guest.running.size > 1) this.#parts.several(guest);
    this.#look(guest);
  }

  /** They do not run any more. */
  stands(uuid: string, node: string, why: string): void {
    const guest = this.of(uuid);
    if (!guest.running.delete(node)) return;
    guest.lost.delete(node);
    guest.sinceMs = this.#parts.nowMs();
    this.#parts.trace.world(guest.name, `stops on ${node} (${why})`);
  }

  /** What guests there write to volumes comes through no more. */
  shutOut(node: string): void {
    this.#shutOut.add(node);
    for (const guest of this.#byUuid.values())
      if (guest.running.get(node)?.some(isVolume) === true) guest.lost.add(node);
  }

  letIn(node: string): void {
    this.#shutOut.delete(node);
    for (const guest of this.#byUuid.values()) if (guest.running.has(node)) this.#look(guest);
  }

  isShutOut(node: string, disks: readonly string[]): boolean {
    return this.#shutOut.has(node) && disks.some(isVolume);
  }

  /** A copy whose volumes are shut off does no harm to them, whatever it does. */
  #look(guest: GuestTruth): void {
    const copies = [...guest.running].filter(([node, disks]) => !this.isShutOut(node, disks)).map(([node]) => node);
    if (copies.length > 1) this.#parts.violated('two-copies', `${guest.name} runs on ${copies.sort().join(' and ')}`);
    for (const node of copies)
      for (const disk of guest.running.get(node) ?? []) {
        const writers = [...(this.#users.get(disk) ?? [])].flatMap((other) =>
          [...other.running]
            .filter(([at, disks]) => disks.includes(disk) && !(isVolume(disk) && this.#shutOut.has(at)))
            .map(([at]) => `${other.name} on ${at}`),
        );
        if (writers.length > 1)
          this.#parts.violated('two-writers', `${disk} is written by ${writers.join(' and by ')}`);
      }
  }
}

/** `pool/name`; files have a path. */
const isVolume = (disk: string): boolean => !disk.startsWith('/');
