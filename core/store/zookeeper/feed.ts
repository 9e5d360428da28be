/**
 * What changed, told by ZooKeeper: each commit leaves a numbered child with its keys in the feed of each of its topics.
 * A reader holds one watch on each feed that it follows, however many objects there are; a number that is missing means
 * that anything may have changed.
 * @module
 */
import { errorText } from '../../error/error.ts';
import type { Host } from '../../host/host.ts';
import type { Key, Topic } from '../store.ts';
import { isFailure } from './connection.ts';
import { type Layout, sequenceOf } from './layout.ts';
import { code } from './library.ts';

/** What a feed needs of the session. */
export interface FeedReader {
  /** Names in a directory, and how many children it has ever had; one watch that fires once. @throws Failure */
  watchChildren(path: string, onChange: () => void): Promise<{ names: string[]; everHad: number }>;
  /** Undefined when it is gone. */
  readData(path: string): Promise<string | undefined>;
  makeDirectory(path: string): Promise<void>;
}

export interface FeedEvents {
  /** From the commit after this number on nothing is missed. */
  onArmed(topic: Topic, sequence: number): void;
  /** `sequence` is the number of the last commit among them; undefined for ephemeral entries that vanished. */
  onKeys(topic: Topic, keys: ReadonlySet<Key>, sequence: number | undefined): void;
  /** Anything may have changed. */
  onGap(topic: Topic, sequence: number): void;
}

const retryMs = 250;

/** Distance of two numbers that wrap around at 32 bits. */
const distance = (from: number, to: number): number => (to - from) | 0;

/** Looks at one directory again and again, whenever its watch fires; one look at a time. */
abstract class Looker {
  readonly path: string;
  protected readonly reader: FeedReader;
  readonly #host: Pick<Host, 'clock' | 'log'>;
  #busy = false;
  #again = false;
  #stopped = false;
  #armed: (() => void)[] = [];
  readonly #onChange = (): void => this.look();

  constructor(host: Pick<Host, 'clock' | 'log'>, reader: FeedReader, path: string) {
    this.#host = host;
    this.reader = reader;
    this.path = path;
  }

  /** Resolves once the watch is set for the first time, or when it is stopped before. */
  armed(): Promise<void> {
    const done = new Promise<void>((resolve) => this.#armed.push(resolve));
    this.look();
    return done;
  }

  stop(): void {
    this.#stopped = true;
    for (const tell of this.#armed.splice(0)) tell();
  }

  look(): void {
    this.#again = true;
    if (!this.#busy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      try {
        const { names, everHad } = await this.reader.watchChildren(this.path, this.#onChange);
        await this.seen(names, everHad);
        for (const tell of this.#armed.splice(0)) tell();
      } catch (error) {
        this.#again = true;
        if (isFailure(error, code.noNode))
          await this.reader
            .makeDirectory(this.path)
            .catch((reason: unknown) =>
              this.#host.log.debug('a feed could not be made', { reason: errorText(reason) }),
            );
        else {
          this.#host.log.debug('a feed could not be looked at', { path: this.path, reason: errorText(error) });
          await this.#host.clock.sleep(retryMs);
        }
      }
    }
    this.#busy = false;
  }

  protected abstract seen(names: readonly string[], everHad: number): Promise<void>;
}

class TopicFeed extends Looker {
  readonly topic: Topic;
  readonly #events: FeedEvents;
  /** Number of the last child that was read. */
  #last: number | undefined;

  constructor(host: Pick<Host, 'clock' | 'log'>, reader: FeedReader, layout: Layout, topic: Topic, events: FeedEvents) {
    super(host, reader, layout.feed(topic));
    this.topic = topic;
    this.#events = events;
  }

  protected async seen(names: readonly string[], everHad: number): Promise<void> {
    const last = this.#last;
    if (last === undefined) {
      this.#last = (everHad - 1) | 0;
      this.#events.onArmed(this.topic, this.#last);
      return;
    }
    const fresh = names
      .map((name) => ({ name, number: sequenceOf(name) ?? last }))
      .filter(({ number }) => distance(last, number) > 0)
      .sort((a, b) => distance(b.number, a.number));
    const [first] = fresh;
    const newest = fresh.at(-1);
    if (first === undefined || newest === undefined) {
      // Nothing is there, but something was: trimmed before it could be read.
      if (distance(last, (everHad - 1) | 0) > 0) this.#gap((everHad - 1) | 0);
      return;
    }
    if (distance(last, first.number) > 1) return this.#gap(newest.number);
    const texts = await Promise.all(fresh.map(({ name }) => this.reader.readData(`${this.path}/${name}`)));
    const keys = new Set<Key>();
    for (const text of texts) {
      // Trimmed meanwhile, or too many keys to name.
      if (text === undefined || text === '') return this.#gap(newest.number);
      for (const key of JSON.parse(text) as Key[]) keys.add(key);
    }
    this.#last = newest.number;
    this.#events.onKeys(this.topic, keys, newest.number);
  }

  #gap(newest: number): void {
    this.#last = newest;
    this.#events.onGap(this.topic, newest);
  }
}

/** Tells which ephemeral entries vanished with their session: no commit does. */
class MarkFeed extends Looker {
  readonly #layout: Layout;
  readonly #events: FeedEvents;
  #known: ReadonlySet<string> | undefined;

  constructor(host: Pick<Host, 'clock' | 'log'>, reader: FeedReader, layout: Layout, events: FeedEvents) {
    super(host, reader, layout.marks);
    this.#layout = layout;
    this.#events = events;
  }

  protected async seen(names: readonly string[]): Promise<void> {
    const now = new Set(names);
    const gone = [...(this.#known ?? [])].filter((name) => !now.has(name));
    this.#known = now;
    const keys = new Set(gone.flatMap((name) => this.#layout.markedKey(name) ?? []));
    if (keys.size > 0) this.#events.onKeys('all', keys, undefined);
  }
}

/** The feeds that somebody follows, each once. */
export class Feeds {
  readonly #make: (topic: Topic) => Looker[];
  readonly #held = new Map<Topic, { count: number; readonly lookers: readonly Looker[]; armed: Promise<unknown> }>();

  constructor(host: Pick<Host, 'clock' | 'log'>, reader: FeedReader, layout: Layout, events: FeedEvents) {
    this.#make = (topic) => [
      new TopicFeed(host, reader, layout, topic, events),
      ...(topic === 'all' ? [new MarkFeed(host, reader, layout, events)] : []),
    ];
  }

  /** Watches held at the ensemble. */
  get watches(): number {
    return [...this.#held.values()].reduce((sum, { lookers }) => sum + lookers.length, 0);
  }

  /** Resolves once nothing of these topics can be missed any more. Let go of them with `release`. */
  async hold(topics: readonly Topic[]): Promise<void> {
    await Promise.all(
      topics.map((topic) => {
        const known = this.#held.get(topic);
        if (known !== undefined) {
          known.count += 1;
          return known.armed;
        }
        const lookers = this.#make(topic);
        const armed = Promise.all(lookers.map((looker) => looker.armed()));
        this.#held.set(topic, { count: 1, lookers, armed });
        return armed;
      }),
    );
  }

  release(topics: readonly Topic[]): void {
    for (const topic of topics) {
      const known = this.#held.get(topic);
      if (known === undefined) continue;
      known.count -= 1;
      if (known.count > 0) continue;
      this.#held.delete(topic);
      for (const looker of known.lookers) looker.stop();
    }
  }

  /** The link is new: watches may not have fired. */
  lookAgain(): void {
    for (const { lookers } of this.#held.values()) for (const looker of lookers) looker.look();
  }

  stop(): void {
    for (const { lookers } of this.#held.values()) for (const looker of lookers) looker.stop();
    this.#held.clear();
  }
}
