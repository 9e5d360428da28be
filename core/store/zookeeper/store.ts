/** The store on a ZooKeeper ensemble: the back end of a cluster. @module */
import type { Host } from '../../host/host.ts';
import { requireKey, requireOps, stemOf } from '../key.ts';
import {
  type CommitResult,
  type Dirty,
  type Entry,
  type Key,
  type Op,
  type Session,
  type Store,
  storeError,
  type Topic,
} from '../store.ts';
import { Watchers } from '../watchers.ts';
import { isFailure, NotSent } from './connection.ts';
import { Feeds } from './feed.ts';
import { keyOf, Layout, placeOf, sequenceOf } from './layout.ts';
import {
  type Client,
  code,
  type Failure,
  mode,
  ownAcl,
  type ServerAddress,
  type Stat,
  type TransactionResult,
} from './library.ts';
import { Mirror } from './mirror.ts';
import { send, transactionOf, verdictOf } from './multi.ts';
import { ZooKeeperSession } from './session.ts';

export interface ZooKeeperOptions {
  readonly servers: readonly ServerAddress[];
  /** What opens the state: nobody without it can read or change anything. */
  readonly secret: string;
  readonly owner: string;
  /** A daemon: one session of that owner at a time, and an exact lease. Default true. */
  readonly exclusive?: boolean;
  /** Default 6000. The servers may give another. */
  readonly sessionTimeoutMs?: number;
  /** How long a call waits for a link that is away. Default two thirds of the session's time. */
  readonly linkWaitMs?: number;
  /** How long opening may take. Default 10000. */
  readonly openWithinMs?: number;
  /** Below which path the state lies. Default `/pvc`. */
  readonly root?: string;
}

/** What the metrics page and `pvc store status` tell of the link. */
export interface LinkFigures {
  readonly watches: number;
  readonly callsInFlight: number;
  readonly connects: number;
  readonly brokenLinks: number;
  readonly beatMs: number;
  readonly feedGaps: number;
  readonly mirrorEntries: number;
}

/** All values of one commit; the servers take 8 MiB in one request (`jute.maxbuffer`), its frame included. */
const maxCommitBytes = 7 * 1024 * 1024;
/** Children of a feed that are kept for those who are late. */
const keptInFeed = 512;
const trimEvery = 64;
const mirrorWaitMs = 1_000;

type Callback<T> = (error: Failure | null, value?: T) => void;

/** @throws PvcError STORE_UNAVAILABLE when no server serves the session in time */
export async function openZooKeeperStore(
  host: Pick<Host, 'clock' | 'random' | 'log'>,
  options: ZooKeeperOptions,
): Promise<ZooKeeperStore> {
  const store = new ZooKeeperStore(host, options);
  try {
    await store.open(options.openWithinMs ?? 10_000);
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

export class ZooKeeperStore implements Store {
  readonly backend = 'zookeeper';
  readonly #host: Pick<Host, 'clock' | 'random' | 'log'>;
  readonly #layout: Layout;
  readonly #session: ZooKeeperSession;
  readonly #watchers = new Watchers();
  readonly #feeds: Feeds;
  readonly #mirror: Mirror;
  readonly #linkWaitMs: number;
  /** Directories that have been seen. */
  readonly #directories = new Set<string>();
  #closed: Error | undefined;
  #gaps = 0;

  constructor(host: Pick<Host, 'clock' | 'random' | 'log'>, options: ZooKeeperOptions) {
    this.#host = host;
    this.#layout = new Layout(options.root ?? '/pvc');
    const sessionTimeoutMs = options.sessionTimeoutMs ?? 6_000;
    this.#linkWaitMs = options.linkWaitMs ?? (sessionTimeoutMs * 2) / 3;
    this.#session = new ZooKeeperSession(
      host,
      this.#layout,
      {
        servers: options.servers,
        secret: options.secret,
        owner: options.owner,
        exclusive: options.exclusive ?? true,
        sessionTimeoutMs,
        linkWaitMs: this.#linkWaitMs,
      },
      {
        onLink: () => this.#feeds.lookAgain(),
        onReplaced: (reason) => this.#end(reason),
      },
    );
    this.#feeds = new Feeds(
      host,
      {
        watchChildren: (path, onChange) => this.#watchChildren(path, onChange),
        readData: async (path) => (await this.#getData(path))?.data.toString('utf8'),
        makeDirectory: (path) => this.#makeDirectory(path),
      },
      this.#layout,
      {
        onArmed: (topic, sequence) => {
          if (topic === 'all') this.#mirror.reset(sequence);
        },
        onKeys: (topic, keys, sequence) => {
          if (topic === 'all') this.#mirror.changed(keys, sequence);
          this.#watchers.notify(keys, [topic]);
        },
        onGap: (topic, sequence) => {
          this.#gaps += 1;
          if (topic === 'all') this.#mirror.reset(sequence);
          this.#watchers.resync();
        },
      },
    );
    this.#mirror = new Mirror(host, {
      load: (directory) => this.#load(directory),
      read: (key) => this.read(key),
      follow: () => this.#feeds.hold(['all']),
      unfollow: () => this.#feeds.release(['all']),
    });
    this.#session.tracked.onChange((state) => {
      if (state !== 'live' || this.#closed !== undefined) return;
      // Another session, or one whose link was away: readers look at everything.
      this.#mirror.drop();
      this.#watchers.resync();
    });
  }

  open(withinMs: number): Promise<void> {
    return this.#session.open(withinMs);
  }

  get session(): Session {
    return this.#session.tracked;
  }

  get figures(): LinkFigures {
    const { connects, brokenLinks, beatMs } = this.#session.counts;
    return {
      watches: this.#feeds.watches,
      callsInFlight: this.#session.inFlight,
      connects,
      brokenLinks,
      beatMs,
      feedGaps: this.#gaps,
      mirrorEntries: this.#mirror.size,
    };
  }

  /** Which servers there are from now on; the session goes on. */
  setServers(servers: readonly ServerAddress[]): void {
    this.#session.setServers(servers);
  }

  /** The ensemble's configuration as it says itself (`/zookeeper/config`). @throws PvcError STORE_UNAVAILABLE */
  async ensembleText(): Promise<string | undefined> {
    return (await this.#getData('/zookeeper/config'))?.data.toString('utf8');
  }

  async read(key: Key): Promise<Entry | undefined> {
    requireKey(key);
    const found = await this.#getData(this.#layout.path(key));
    return found === undefined ? undefined : entryOf(key, found.data, found.stat);
  }

  async readMany(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    for (const key of keys) requireKey(key);
    this.#requireOpen();
    return Promise.all(keys.map((key) => this.read(key)));
  }

  async children(prefix: Key): Promise<string[]> {
    const stem = stemOf(prefix);
    const found = new Set<string>();
    for (const directory of await this.#directoriesBelow(prefix)) {
      for (const name of await this.#names(this.#layout.directory(directory))) {
        const key = keyOf(directory, name);
        if (key?.startsWith(stem)) found.add(key.slice(stem.length).split('/')[0] as string);
      }
    }
    return [...found].sort();
  }

  async list(prefix: Key): Promise<Entry[]> {
    const stem = stemOf(prefix);
    const found: Entry[] = [];
    const directories = await this.#directoriesBelow(prefix);
    // The copy must be as new as what this server would answer itself.
    const newest = await this.#newestCommit();
    for (const directory of directories) {
      const entries = (await this.#mirror.entries(directory, newest, mirrorWaitMs)) ?? (await this.#load(directory));
      for (const entry of entries) if (entry.key.startsWith(stem)) found.push(entry);
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async commit(ops: readonly Op[], topics: readonly Topic[] = []): Promise<CommitResult> {
    requireOps(ops);
    this.#requireOpen();
    if (ops.length === 0) return { outcome: 'ok' };
    const transaction = transactionOf(this.#layout, ops, topics);
    if (transaction.size > maxCommitBytes)
      throw storeError('STORE_TOO_LARGE', {
        what: 'A commit',
        size: `${transaction.size} bytes`,
        limit: `${maxCommitBytes} bytes`,
      });
    for (let tries = 1; ; tries += 1) {
      for (const directory of transaction.directories)
        if (!this.#directories.has(directory)) await this.#makeDirectory(directory);
      let results: readonly TransactionResult[];
      try {
        results = await this.#sent<readonly TransactionResult[]>((client, callback) =>
          send(client, transaction, callback),
        );
      } catch (error) {
        if (error instanceof Error && 'code' in error && typeof error.code === 'number')
          return { outcome: 'unknown', cause: error };
        throw error;
      }
      const verdict = verdictOf(transaction, ops, results);
      switch (verdict.outcome) {
        case 'ok':
          this.#committed(verdict.paths);
          return { outcome: 'ok' };
        case 'conflict':
          return verdict;
        case 'directory':
          for (const directory of transaction.directories) this.#directories.delete(directory);
          if (tries < 3) continue;
          throw storeError('STORE_UNAVAILABLE', { reason: 'its directories vanish' });
        case 'failed':
          throw storeError('STORE_UNAVAILABLE', { reason: `ZooKeeper refuses the commit (${verdict.code})` });
      }
    }
  }

  watch(topics: readonly Topic[], signal: AbortSignal): AsyncIterable<Dirty> {
    return this.#watch([...new Set(topics)], signal);
  }

  async *#watch(topics: readonly Topic[], signal: AbortSignal): AsyncGenerator<Dirty, void, void> {
    this.#requireOpen();
    if (signal.aborted) return;
    // The reader looks at everything after its first element: from then on nothing may be missed.
    const armed = this.#feeds.hold(topics);
    try {
      await untilAborted(armed, signal);
      for await (const dirty of this.#watchers.watch(topics, signal, () => this.#requireOpen())) yield dirty;
    } finally {
      this.#feeds.release(topics);
    }
  }

  freshWord(): string {
    return this.#session.freshWord();
  }

  async close(): Promise<void> {
    this.#end(undefined);
    await this.#session.close();
  }

  #end(reason: Error | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason ?? storeError('STORE_UNAVAILABLE', { reason: 'it has been closed' });
    this.#mirror.drop();
    this.#feeds.stop();
    this.#watchers.end(reason);
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  /** One request, over a link that goes away before it is sent. @throws Failure, PvcError STORE_UNAVAILABLE */
  async #sent<T>(request: (client: Client, callback: Callback<T>) => void): Promise<T> {
    const untilMs = this.#host.clock.monotonicMs() + this.#linkWaitMs;
    for (;;) {
      this.#requireOpen();
      try {
        return await this.#session.call(request);
      } catch (error) {
        if (!(error instanceof NotSent)) throw error;
        if (this.#host.clock.monotonicMs() >= untilMs)
          throw storeError('STORE_UNAVAILABLE', { reason: 'the link to ZooKeeper comes and goes' });
      }
    }
  }

  /** A request that changes nothing, so that one whose answer was lost is made again. @throws Failure, PvcError STORE_UNAVAILABLE */
  async #ask<T>(request: (client: Client, callback: Callback<T>) => void): Promise<T> {
    const untilMs = this.#host.clock.monotonicMs() + this.#linkWaitMs;
    for (;;) {
      try {
        return await this.#sent(request);
      } catch (error) {
        if (!isFailure(error, code.connectionLoss, code.sessionExpired)) throw unavailable(error);
        if (this.#host.clock.monotonicMs() >= untilMs) throw unavailable(error);
      }
    }
  }

  async #getData(path: string): Promise<{ data: Buffer; stat: Stat } | undefined> {
    return this.#ask<{ data: Buffer; stat: Stat } | undefined>((client, callback) =>
      client.getData(path, (error, data, stat) => {
        if (isFailure(error, code.noNode)) callback(null, undefined);
        else if (error) callback(error);
        else callback(null, { data: data ?? Buffer.alloc(0), stat: stat as Stat });
      }),
    );
  }

  async #names(path: string): Promise<string[]> {
    return this.#ask<string[]>((client, callback) =>
      client.getChildren(path, undefined, (error, names) => {
        if (isFailure(error, code.noNode)) callback(null, []);
        else if (error) callback(error);
        else callback(null, names ?? []);
      }),
    );
  }

  #watchChildren(path: string, onChange: () => void): Promise<{ names: string[]; everHad: number }> {
    return this.#sent((client, callback: Callback<{ names: string[]; everHad: number }>) =>
      client.getChildren(path, onChange, (error, names, stat) => {
        if (error) callback(error);
        else callback(null, { names: names ?? [], everHad: stat === undefined ? 0 : everHadOf(stat) });
      }),
    );
  }

  /** Makes a directory and those above it; being there already is fine. */
  async #makeDirectory(path: string): Promise<void> {
    try {
      await this.#ask<true>((client, callback) =>
        client.create(path, Buffer.alloc(0), ownAcl, mode.persistent, (error) => {
          if (error && !isFailure(error, code.nodeExists)) callback(error);
          else callback(null, true);
        }),
      );
    } catch (error) {
      const above = path.slice(0, path.lastIndexOf('/'));
      if (!(error instanceof Error && isFailure(error.cause, code.noNode)) || above === '') throw error;
      await this.#makeDirectory(above);
      await this.#makeDirectory(path);
    }
    this.#directories.add(path);
  }

  /** Directories that may hold keys below the prefix. */
  async #directoriesBelow(prefix: Key): Promise<string[]> {
    this.#requireOpen();
    const below = async (path: string): Promise<string[]> =>
      (await this.#names(path)).filter((name) => !name.startsWith('~')).sort();
    const deep = async (first: string): Promise<string[]> =>
      (await below(this.#layout.directory(first))).map((second) => `${first}/${second}`);
    if (prefix === '/') {
      const all = ['', ...(await below(this.#layout.root))];
      const parts = await Promise.all(all.map(async (name) => (isDeep(name) ? deep(name) : [name])));
      return parts.flat();
    }
    const [first = '', second] = prefix.slice(1).split('/');
    if (!isDeep(first)) return [first];
    return second === undefined ? ['', ...(await deep(first))] : [`${first}/${second}`];
  }

  async #load(directory: string): Promise<Entry[]> {
    const names = await this.#names(this.#layout.directory(directory));
    const keys = names.flatMap((name) => keyOf(directory, name) ?? []);
    return (await this.readMany(keys)).filter((entry) => entry !== undefined);
  }

  /** Number of the last commit that this server knows of. */
  async #newestCommit(): Promise<number | undefined> {
    return this.#ask<number | undefined>((client, callback) =>
      client.exists(this.#layout.feed('all'), (error, stat) => {
        if (error) callback(error);
        else callback(null, stat ? everHadOf(stat) - 1 : undefined);
      }),
    );
  }

  /** Now and then shortens the feeds. */
  #committed(paths: readonly string[]): void {
    for (const path of paths) {
      const [, topic] = /-feed\/([^/]+)\/e-?\d+$/.exec(path) ?? [];
      if (topic === undefined) continue;
      const number = sequenceOf(path);
      if (number !== undefined && number % trimEvery === 0) void this.#trim(topic as Topic, number);
    }
  }

  async #trim(topic: Topic, newest: number): Promise<void> {
    const path = this.#layout.feed(topic);
    try {
      const old = (await this.#names(path)).filter((name) => {
        const number = sequenceOf(name);
        return number !== undefined && ((newest - number) | 0) > keptInFeed;
      });
      await Promise.all(
        old.map((name) =>
          this.#sent<true>((client, callback) =>
            client.remove(`${path}/${name}`, -1, (error) => {
              if (error && !isFailure(error, code.noNode)) callback(error);
              else callback(null, true);
            }),
          ),
        ),
      );
    } catch (error) {
      // The next writer tries again.
      this.#host.log.debug('a feed could not be shortened', { topic, reason: String(error) });
    }
  }
}

/**
 * How many children a directory has ever had, which is the number that the next one gets. The servers know it, and tell twice
 * that less those that are left: "the number of changes" (ZooKeeper's DataNode.copyStat).
 */
const everHadOf = ({ cversion, numChildren }: Pick<Stat, 'cversion' | 'numChildren'>): number =>
  (cversion + numChildren) >>> 1;

const isDeep = (first: string): boolean => first !== '' && placeOf(`/${first}/x`).directory === '';

const entryOf = (key: Key, data: Buffer, stat: Stat): Entry => ({
  key,
  value: data.toString('utf8'),
  version: stat.version,
  birth: stat.czxid.toString('hex'),
});

const unavailable = (error: unknown): unknown =>
  error instanceof Error && 'code' in error && typeof error.code === 'number'
    ? storeError('STORE_UNAVAILABLE', { reason: error.message }, { cause: error })
    : error;

/** Resolves with the promise or when the signal aborts, whichever is first. */
async function untilAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const stop = (): void => aborted.resolve();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
