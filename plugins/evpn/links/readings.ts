/**
 * What the kernel tells of all devices of this node at once: many networks are looked at side by side, and to ask of each by itself
 * would be a dozen commands for each.
 * @module
 */
import { type Clock, shared, z } from '../../../core/plugin/api.ts';
import { readDevices } from './anycast-plan.ts';
import { type Link, readLinks } from './reading.ts';
import { type FdbEntry, readEntries } from './router.ts';
import type { Command } from './steps.ts';

/** A reading that has ended is good for so long, where nothing was done meanwhile. */
const goodMs = 300;

const routes = z.array(z.looseObject({ dst: z.string(), dev: z.string().optional() }));

export interface Reading {
  readonly links: ReadonlyMap<string, Link>;
  /** Addresses with lengths, by device. */
  readonly addresses: ReadonlyMap<string, ReadonlySet<string>>;
  /** What `ip -j address show` printed. */
  readonly addressText: string;
  /** Prefixes that somebody has written down a way to, by device. */
  readonly routes: ReadonlyMap<string, readonly string[]>;
  /** What bridges know, by device. */
  readonly entries: ReadonlyMap<string, readonly FdbEntry[]>;
}

const parse = (text: string): unknown => (text.trim() === '' ? [] : JSON.parse(text));

function byDevice<T>(some: readonly T[], deviceOf: (one: T) => string | undefined): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of some) {
    const device = deviceOf(one) ?? '';
    const known = found.get(device);
    if (known === undefined) found.set(device, [one]);
    else known.push(one);
  }
  return found;
}

/** When a reading began: what was done before, it shows. */
interface Begun {
  readonly atMs: number;
  readonly reading: Promise<Reading>;
  /** Undefined: it goes on. */
  endedMs?: number;
}

export class Readings {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #run: (command: Command) => Promise<string>;
  /** Begins one when the one before has ended. */
  readonly #fresh: () => Promise<Reading>;
  #last: Begun | undefined;

  /** @param run runs a command @throws Error with what it says */
  constructor(clock: Pick<Clock, 'monotonicMs'>, run: (command: Command) => Promise<string>) {
    this.#clock = clock;
    this.#run = run;
    this.#fresh = shared(() => {
      const begun: Begun = { atMs: clock.monotonicMs(), reading: this.#read() };
      this.#last = begun;
      begun.reading.then(
        () => {
          begun.endedMs = clock.monotonicMs();
        },
        () => {
          // Who asks next tries again.
          if (this.#last === begun) this.#last = undefined;
        },
      );
      return begun.reading;
    });
  }

  async #read(): Promise<Reading> {
    const run = this.#run;
    const [links, addressText, routes4, routes6, entries] = await Promise.all([
      run(['ip', '-j', '-d', 'link', 'show']),
      run(['ip', '-j', 'address', 'show']),
      run(['ip', '-j', '-4', 'route', 'show', 'proto', 'static']),
      run(['ip', '-j', '-6', 'route', 'show', 'proto', 'static']),
      run(['bridge', '-j', 'fdb', 'show']),
    ]);
    const prefixes = [routes4, routes6].flatMap((text) => routes.parse(parse(text)));
    return {
      links: new Map(readLinks(links).map((link) => [link.ifname, link])),
      addresses: readDevices(addressText),
      addressText,
      routes: new Map(
        [...byDevice(prefixes, ({ dev }) => dev)].map(([dev, some]) => [dev, some.map(({ dst }) => dst)]),
      ),
      entries: byDevice(readEntries(entries), ({ ifname }) => ifname),
    };
  }

  /**
   * A reading that began after a moment, and goes on or has ended not long ago.
   * @param afterMs on the monotonic clock: that of the last act that it has to know of
   */
  since(afterMs: number): Promise<Reading> {
    const last = this.#last;
    const isGood =
      last !== undefined &&
      last.atMs > afterMs &&
      (last.endedMs === undefined || this.#clock.monotonicMs() - last.endedMs <= goodMs);
    return isGood ? last.reading : this.#fresh();
  }
}
