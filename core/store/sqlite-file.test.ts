import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { create, mustCommit, put } from '../../test/conformance/store-subject.ts';
import { eventually, withCode } from '../../test/fixtures/expect.ts';
import type { Host } from '../host/host.ts';
import { createLinuxHost } from '../host/linux.ts';
import { openSqliteStore, type SqliteStoreOptions } from './sqlite.ts';
import { openDatabase } from './sqlite-driver.ts';
import { keptChanges } from './sqlite-entries.ts';
import { newestLayout } from './sqlite-schema.ts';
import type { Store } from './store.ts';

const directory = mkdtempSync(join(tmpdir(), 'pvc-sqlite-'));
after(() => rmSync(directory, { recursive: true }));

let count = 0;
let path = '';
let lines: string[] = [];
let host: Host;

beforeEach(() => {
  path = join(directory, `case${count++}`, 'store.sqlite');
  lines = [];
  host = createLinuxHost({ destination: (line) => lines.push(line) });
});

const open = (owner = 'daemon', options: Partial<SqliteStoreOptions> = {}): Promise<Store> =>
  openSqliteStore(host, { path, owner, leaseMs: 2000, pollMs: 10, ...options });

/** Runs `use` with a store that is closed afterwards. */
async function using(use: (store: Store) => Promise<void>, options: Partial<SqliteStoreOptions> = {}): Promise<void> {
  const store = await open('daemon', options);
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

function raw<T>(use: (database: ReturnType<typeof openDatabase>) => T): T {
  const database = openDatabase(path, 1000);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

describe('the file of a SQLite store', () => {
  it('is made for its owner only, with its companions', () =>
    using(async (store) => {
      await mustCommit(store, [create('/a')]);
      assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
      for (const end of ['', '-wal', '-shm']) assert.equal(statSync(path + end).mode & 0o777, 0o600, end);
      assert.deepEqual(lines, []);
    }));

  it('warns when others can read it', async () => {
    await using(async () => {});
    chmodSync(path, 0o644);
    await using(async () => {
      assert.match(lines.join('\n'), /"mode":"644".*can be read by others/);
    });
  });

  it('keeps everything over closing and opening', async () => {
    await using((store) => mustCommit(store, [create('/a', '1'), create('/e', '2', true)]));
    await using(async (store) => {
      assert.deepEqual(
        (await store.list('/')).map((entry) => [entry.key, entry.value]),
        [['/a', '1']],
      );
    });
  });

  it('refuses a newer layout and leaves the file as it is', async () => {
    await using((store) => mustCommit(store, [create('/a')]));
    raw((database) => database.pragma(`user_version = ${newestLayout + 1}`));
    const before = readFileSync(path);
    await assert.rejects(
      open(),
      (error: Error) => withCode('STORE_VERSION')(error) && error.message.includes(`layout ${newestLayout + 1}`),
    );
    assert.deepEqual(readFileSync(path), before);
  });

  it('refuses a database of another program', async () => {
    mkdirSync(join(path, '..'), { recursive: true });
    raw((database) => database.exec('CREATE TABLE theirs (x)'));
    await assert.rejects(open(), withCode('STORE_CORRUPT'));
    raw((database) => assert.equal(database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get(), 1));
  });

  it('refuses a file that is no database and leaves it as it is', async () => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, 'not a database, but long enough to be taken for one'.repeat(100), { mode: 0o600 });
    const before = readFileSync(path);
    await assert.rejects(open(), withCode('STORE_CORRUPT'));
    assert.deepEqual(readFileSync(path), before);
  });

  it('names a damaged page when it is read', async () => {
    await using(async (store) => {
      for (let n = 0; n < 50; n += 1) await mustCommit(store, [create(`/k/${n}`, JSON.stringify('v'.repeat(3000)))]);
    });
    const bytes = readFileSync(path);
    bytes.fill(0xee, 4096 * 12, 4096 * 40);
    writeFileSync(path, bytes);
    await using(async (store) => {
      await assert.rejects(store.list('/'), withCode('STORE_CORRUPT'));
    });
  });

  it('says so when the place cannot be written', async () => {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(join(path, '../file'), '');
    path = join(path, '../file/below/store.sqlite');
    await assert.rejects(open(), withCode('FILE_FAILED'));
  });

  it('may be made by several at once', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, (_, n) => open(`cli-${n}`)));
    await mustCommit(stores[0] as Store, [create('/a', '7')]);
    for (const store of stores) assert.equal((await store.read('/a'))?.value, '7');
    await Promise.all(stores.map((store) => store.close()));
    raw((database) => assert.equal(database.prepare('SELECT count(*) FROM session').pluck().get(), 0));
  });
});

describe('a SQLite store among others', () => {
  it('waits for the lock of another process without holding up its own', () =>
    using(async (store) => {
      const other = openDatabase(path, 0);
      other.exec('BEGIN IMMEDIATE');
      let done = false;
      const commit = store.commit([create('/a')]).finally(() => {
        done = true;
      });
      await delay(100); // comes back, so the event loop goes on
      assert.equal(done, false);
      other.exec('ROLLBACK');
      other.close();
      assert.deepEqual(await commit, { outcome: 'ok' });
    }));

  it('gives up when the lock stays; nothing was written', () =>
    using(
      async (store) => {
        const other = openDatabase(path, 0);
        other.exec('BEGIN IMMEDIATE');
        await assert.rejects(store.commit([create('/a')]), withCode('STORE_UNAVAILABLE'));
        assert.equal(await store.read('/a'), undefined, 'reading goes on');
        other.exec('ROLLBACK');
        other.close();
        await mustCommit(store, [create('/a')]);
      },
      { patienceMs: 150, leaseMs: 6000 },
    ));

  it('is suspended, then lost, while the lease cannot be refreshed, and begins anew', () =>
    using(async (store) => {
      await mustCommit(store, [create('/e', '1', true)]);
      const seen: string[] = [];
      store.session.onChange((state) => seen.push(state));
      const other = openDatabase(path, 0);
      other.exec('BEGIN IMMEDIATE');
      await eventually('lost', () => store.session.state === 'lost');
      assert.ok(host.clock.monotonicMs() >= store.session.leaseUntilMs);
      await assert.rejects(store.commit([create('/a')]), withCode('STORE_UNAVAILABLE'));
      other.exec('ROLLBACK');
      other.close();
      await eventually('live', () => store.session.state === 'live');
      assert.deepEqual(seen, ['suspended', 'lost', 'live']);
      assert.equal(store.session.epoch, 2);
      assert.equal(await store.read('/e'), undefined);
    }));

  it('loses its session for good to another of the same owner', async () => {
    const older = await open('daemon');
    const watch = older.watch(['all'], new AbortController().signal)[Symbol.asyncIterator]();
    await watch.next();
    const next = watch.next();
    await mustCommit(older, [create('/e', '1', true), create('/a', '1')]);
    await next;
    const ended = watch.next().then((element) => (element.done ? element : watch.next()));
    const newer = await open('daemon');
    assert.equal(await newer.read('/e'), undefined);
    await assert.rejects(older.commit([put('/a', '2')]), withCode('STORE_UNAVAILABLE'));
    await assert.rejects(ended, withCode('STORE_UNAVAILABLE'));
    await assert.rejects(older.read('/a'), withCode('STORE_UNAVAILABLE'));
    assert.equal(older.session.state, 'lost');
    assert.equal((await newer.read('/a'))?.value, '1');
    await older.close();
    await mustCommit(newer, [put('/a', '3')]);
    await newer.close();
  });

  it('ends the sessions of an earlier boot when it is opened', async () => {
    const machine = {
      ...host.machine,
      facts: async () => ({ ...(await host.machine.facts()), bootId: 'an earlier one' }),
    };
    const before = await openSqliteStore({ ...host, machine }, { path, owner: 'before', leaseMs: 3_600_000 });
    await mustCommit(before, [create('/e', '1', true)]);
    await using(async (store) => {
      assert.equal(await store.read('/e'), undefined);
    });
    await before.close();
  });

  it('looks at everything when it has fallen behind what is kept of the changes', () =>
    using(
      async (store) => {
        const reader = store.watch(['node:hv1'], new AbortController().signal)[Symbol.asyncIterator]();
        assert.equal((await reader.next()).done, false);
        const next = reader.next();
        const other = await open('other');
        await Promise.all(Array.from({ length: keptChanges + 50 }, (_, n) => other.commit([create(`/k/${n}`)])));
        raw((database) => assert.equal(database.prepare('SELECT count(*) FROM change').pluck().get(), keptChanges));
        assert.deepEqual(await next, { value: { resync: true, keys: new Set() }, done: false });
        await other.close();
      },
      { pollMs: 1500 },
    ));

  it('lets timers through in an endless loop of commits and reads', () =>
    using(async (store) => {
      await mustCommit(store, [create('/n', '0')]);
      const seen = { turns: 0 };
      const timer = setInterval(() => {
        seen.turns += 1;
      }, 1);
      const end = Date.now() + 10_000;
      while (seen.turns < 3 && Date.now() < end) await mustCommit(store, [put('/n', String(seen.turns))]);
      assert.ok(seen.turns >= 3, 'while committing');
      seen.turns = 0;
      while (seen.turns < 3 && Date.now() < end) await store.read('/n');
      assert.ok(seen.turns >= 3, 'while reading');
      clearInterval(timer);
    }));

  it('finishes the commits under way when it is closed', async () => {
    const store = await open();
    const commits = Array.from({ length: 200 }, (_, n) => store.commit([create(`/k/${n}`)]));
    await store.close();
    for (const result of await Promise.all(commits)) assert.deepEqual(result, { outcome: 'ok' });
    await using(async (again) => assert.equal((await again.children('/k')).length, 200));
  });
});
