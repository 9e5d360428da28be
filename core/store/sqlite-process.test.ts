import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { mustCommit, put } from '../../test/conformance/store-subject.ts';
import { eventually } from '../../test/fixtures/expect.ts';
import { createLinuxHost } from '../host/linux.ts';
import { openSqliteStore } from './sqlite.ts';
import { openDatabase } from './sqlite-driver.ts';
import type { Store } from './store.ts';

const directory = mkdtempSync(join(tmpdir(), 'pvc-sqlite-'));
after(() => rmSync(directory, { recursive: true }));
const fixture = (name: string): string => join(import.meta.dirname, '../../test/fixtures', name);
const host = createLinuxHost({ destination: () => {} });
const open = (path: string, owner: string): Promise<Store> =>
  openSqliteStore(host, { path, owner, leaseMs: 2000, pollMs: 10 });

interface CommitLoop {
  readonly child: ChildProcess;
  /** The last number that was acknowledged, -1 before the first. */
  last(): number;
}

function commitLoop(path: string, owner: string): CommitLoop {
  const child = spawn(process.execPath, [fixture('commit-loop.ts'), path, owner], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, last: () => Number(text.slice(0, text.lastIndexOf('\n')).split('\n').pop() || -1) };
}

async function killNow({ child }: CommitLoop): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'close');
}

/** Every acknowledged pair is there, and what is there is whole. */
async function requireWhole(store: Store, owner: string, acknowledged: number): Promise<void> {
  const last = Number((await store.read(`/${owner}/last`))?.value);
  assert.ok(last === acknowledged || last === acknowledged + 1, `last is ${last}, acknowledged ${acknowledged}`);
  const numbers = (names: string[]): number[] => names.map(Number).sort((a, b) => a - b);
  const expected = Array.from({ length: last + 1 }, (_, n) => n);
  assert.deepEqual(numbers(await store.children(`/${owner}/left`)), expected);
  assert.deepEqual(numbers(await store.children(`/${owner}/right`)), expected);
}

describe('SQLite store of several processes', () => {
  it('is whole, with every acknowledged commit, after a process was killed while committing', async () => {
    for (let round = 0; round < 3; round += 1) {
      const path = join(directory, `crash${round}.sqlite`);
      const loop = commitLoop(path, 'victim');
      await eventually('some commits', () => loop.last() >= 20);
      await delay(round * 11);
      await killNow(loop);
      const acknowledged = loop.last();
      const store = await open(path, 'after');
      await requireWhole(store, 'victim', acknowledged);
      await eventually('what was ephemeral is gone', async () => (await store.read('/live/victim')) === undefined);
      await store.close();
      const database = openDatabase(path, 1000);
      assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
      database.close();
    }
  });

  it('lets two processes commit at once; both are seen, and one may be killed', async () => {
    const path = join(directory, 'two.sqlite');
    const store = await open(path, 'watcher');
    const abort = new AbortController();
    const dirty = new Set<string>();
    let resyncs = 0;
    const follow = async (): Promise<void> => {
      for await (const { resync, keys } of store.watch(['all'], abort.signal)) {
        if (resync) resyncs += 1;
        for (const key of keys) dirty.add(key);
      }
    };
    const following = follow();
    await eventually('the first element', () => resyncs === 1);
    const loops = [commitLoop(path, 'one'), commitLoop(path, 'two')];
    await eventually('both commit', () => loops.every((loop) => loop.last() >= 30));
    await killNow(loops[0] as CommitLoop);
    const then = (loops[1] as CommitLoop).last();
    await eventually('the other goes on', () => (loops[1] as CommitLoop).last() > then + 20);
    await eventually('the dead one is noticed', () => dirty.has('/live/one') && resyncs === 1);
    await eventually('its ephemeral entry goes', async () => (await store.read('/live/one')) === undefined);
    assert.ok(await store.read('/live/two'));
    await killNow(loops[1] as CommitLoop);
    for (const [n, owner] of ['one', 'two'].entries())
      await requireWhole(store, owner, (loops[n] as CommitLoop).last());
    await eventually('every change was told', async () => {
      const keys = (await store.list('/')).map((entry) => entry.key);
      return keys.every((key) => dirty.has(key));
    });
    await mustCommit(store, [put('/one/last', '0')]);
    abort.abort();
    await following;
    await store.close();
  });

  const mayMount = ((): boolean => {
    try {
      execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', directory], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  it('changes nothing on a full disk, keeps its lease, and goes on when there is room', { skip: !mayMount }, () => {
    const script = 'mount -t tmpfs -o size=8m tmpfs "$1" && exec "$2" "$3" "$1"';
    const output = execFileSync('unshare', [
      '-m',
      'sh',
      '-c',
      script,
      'sh',
      directory,
      process.execPath,
      fixture('full-disk.ts'),
    ]);
    const { files, ...result } = JSON.parse(output.toString()) as Record<string, unknown>;
    assert.deepEqual(result, {
      filled: 'ENOSPC',
      written: 'DISK_FULL',
      config: 'before',
      small: ['ok'],
      large: 'STORE_FULL',
      unchanged: true,
      state: 'live',
      epoch: 1,
      afterwards: 'ok',
    });
    assert.deepEqual(files, ['config', 'db'], 'no temporary file is left');
  });
});
