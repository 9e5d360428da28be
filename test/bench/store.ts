/**
 * Operations per second of each back end of the store. SQLite is measured in a directory that the caller
 * names: its disk decides what a commit costs.
 * @module
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createLinuxHost } from '../../core/host/linux.ts';
import { linuxClock } from '../../core/host/linux-clock.ts';
import { createMemoryStore } from '../../core/store/memory.ts';
import { openSqliteStore } from '../../core/store/sqlite.ts';
import type { Store } from '../../core/store/store.ts';
import { type Figure, median, numberText, percentile } from './figure.ts';

const guests = 5000;
/** About the size of a guest's document. */
export const documentSizedValue = JSON.stringify({ text: 'x'.repeat(1500) });

/** Repeats a step for a time and tells how often it was done in a second. */
type Measure = (what: string, step: (n: number) => Promise<unknown>, perStep?: number) => Promise<void>;

export const measuring =
  (backend: string, measureMs: number, figures: Figure[]): Measure =>
  async (what, step, perStep = 1) => {
    const tookMs: number[] = [];
    const startMs = linuxClock.monotonicMs();
    for (let n = 0; linuxClock.monotonicMs() - startMs < measureMs; n += 1) {
      const beforeMs = linuxClock.monotonicMs();
      await step(n);
      tookMs.push(linuxClock.monotonicMs() - beforeMs);
    }
    const spentMs = linuxClock.monotonicMs() - startMs;
    figures.push({
      area: `store: ${backend}`,
      what,
      value: (tookMs.length * perStep * 1000) / spentMs,
      unit: '/s',
      note: `median ${numberText(median(tookMs))} ms, p99 ${numberText(percentile(tookMs, 0.99))} ms`,
    });
  };

export async function measureStore(store: Store, measure: Measure): Promise<void> {
  const key = (n: number): string => `/vm/${String(n % guests).padStart(5, '0')}/spec`;
  const value = documentSizedValue;
  for (let n = 0; n < guests; n += 250) {
    await store.commit(Array.from({ length: 250 }, (_, i) => ({ op: 'create', key: key(n + i), value })));
  }
  const put = (n: number): Promise<unknown> => store.commit([{ op: 'put', key: key(n), value, version: undefined }]);
  const together = (n: number): Promise<unknown> => Promise.all(Array.from({ length: 64 }, (_, i) => put(n * 64 + i)));
  await measure('read', (n) => store.read(key(n * 7)));
  await measure('commit of one put, one after the other', put);
  await measure('commit of one put, 64 in flight', together, 64);
  await measure(`list of ${guests} entries`, () => store.list('/vm'));
  await measure(`children, ${guests} names`, () => store.children('/vm'));
}

/** From the call of commit in one store to the element in another's watch: separate connections, as two processes. */
async function measureWatch(writer: Store, reader: Store, measure: Measure): Promise<void> {
  const abort = new AbortController();
  const watch = reader.watch(['all'], abort.signal)[Symbol.asyncIterator]();
  await watch.next();
  await writer.commit([{ op: 'create', key: '/beat', value: '0' }]);
  await watch.next();
  await measure('commit until another process is told', async (n) => {
    const next = watch.next();
    await writer.commit([{ op: 'put', key: '/beat', value: String(n), version: undefined }]);
    await next;
  });
  abort.abort();
}

async function measureTwoProcesses(path: string, measureMs: number): Promise<Figure> {
  const next = (child: ReturnType<typeof fork>): Promise<unknown> =>
    new Promise((resolve) => child.once('message', resolve));
  const worker = join(import.meta.dirname, 'store-worker.ts');
  const children = ['one', 'two'].map((name) => fork(worker, [path, name]));
  await Promise.all(children.map(next));
  await linuxClock.sleep(measureMs);
  const counts = children.map(next);
  for (const child of children) child.send('stop');
  const [one = 0, two = 0] = (await Promise.all(counts)) as number[];
  return {
    area: 'store: sqlite',
    what: 'commit of one create, 2 processes at once',
    value: ((one + two) * 1000) / measureMs,
    unit: '/s',
    note: `shares ${one} and ${two}`,
  };
}

/** Every figure, each measured for `measureMs`. What it writes to `below` is removed again. */
export async function storeFigures(below: string, measureMs: number): Promise<Figure[]> {
  const host = createLinuxHost({ level: 'error', destination: 'stderr', pretty: true });
  const directory = mkdtempSync(join(below, 'pvc-bench-store-'));
  const path = join(directory, 'store.sqlite');
  const figures: Figure[] = [];
  const onMemory = measuring('memory', measureMs, figures);
  const onSqlite = measuring('sqlite', measureMs, figures);
  try {
    const memory = createMemoryStore(linuxClock);
    await measureStore(memory, onMemory);
    await memory.close();
    const store = await openSqliteStore(host, { path, owner: 'bench' });
    await measureStore(store, onSqlite);
    const other = await openSqliteStore(host, { path, owner: 'other' });
    await measureWatch(other, store, onSqlite);
    await other.close();
    await store.close();
    figures.push(await measureTwoProcesses(path, measureMs));
    await onSqlite('open and close', async () => (await openSqliteStore(host, { path, owner: 'bench' })).close());
    return figures;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
