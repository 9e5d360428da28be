/**
 * Operations per second of each back end of the store, printed with the conditions. Run it on an otherwise
 * idle machine: `node test/bench/store.ts [directory]`; the directory says which disk SQLite is measured on.
 * @module
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLinuxHost } from '../../core/host/linux.ts';
import { linuxClock } from '../../core/host/linux-clock.ts';
import { linuxMachine } from '../../core/host/linux-machine.ts';
import { createMemoryStore } from '../../core/store/memory.ts';
import { openSqliteStore } from '../../core/store/sqlite.ts';
import type { Store } from '../../core/store/store.ts';

const self = import.meta.filename;
const host = createLinuxHost({ destination: 'stderr', pretty: true });
const measureMs = 2000;
const guests = 5000;
/** About the size of a guest's document. */
const value = JSON.stringify({ text: 'x'.repeat(1500) });

interface Figure {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Repeats `step` for the measuring time; one step may do several operations. */
async function measure(step: (n: number) => Promise<unknown>, perStep = 1): Promise<Figure> {
  const tookMs: number[] = [];
  const startMs = linuxClock.monotonicMs();
  for (let n = 0; linuxClock.monotonicMs() - startMs < measureMs; n += 1) {
    const beforeMs = linuxClock.monotonicMs();
    await step(n);
    tookMs.push(linuxClock.monotonicMs() - beforeMs);
  }
  const spentMs = linuxClock.monotonicMs() - startMs;
  tookMs.sort((a, b) => a - b);
  const at = (part: number): number => tookMs[Math.floor(tookMs.length * part)] ?? 0;
  return { perSecond: (tookMs.length * perStep * 1000) / spentMs, medianMs: at(0.5), p99Ms: at(0.99) };
}

function report(backend: string, what: string, { perSecond, medianMs, p99Ms }: Figure): void {
  const rate = perSecond.toLocaleString('en', { maximumFractionDigits: perSecond < 100 ? 1 : 0 });
  console.log(
    `${backend.padEnd(8)} ${what.padEnd(44)} ${rate.padStart(10)}/s   median ${medianMs.toFixed(3)} ms   p99 ${p99Ms.toFixed(3)} ms`,
  );
}

async function measureStore(store: Store): Promise<void> {
  const key = (n: number): string => `/vm/${String(n % guests).padStart(5, '0')}/spec`;
  for (let n = 0; n < guests; n += 250) {
    await store.commit(Array.from({ length: 250 }, (_, i) => ({ op: 'create', key: key(n + i), value })));
  }
  const put = (n: number): Promise<unknown> => store.commit([{ op: 'put', key: key(n), value, version: undefined }]);
  report(store.backend, 'read', await measure((n) => store.read(key(n * 7))));
  report(store.backend, 'commit of one put, one after the other', await measure(put));
  const together = (n: number): Promise<unknown> => Promise.all(Array.from({ length: 64 }, (_, i) => put(n * 64 + i)));
  report(store.backend, 'commit of one put, 64 in flight', await measure(together, 64));
  report(store.backend, `list of ${guests} entries`, await measure(() => store.list('/vm')));
  report(store.backend, `children, ${guests} names`, await measure(() => store.children('/vm')));
}

/** From the call of commit in one store to the element in another's watch: separate connections, as two processes. */
async function measureWatch(writer: Store, reader: Store): Promise<void> {
  const abort = new AbortController();
  const watch = reader.watch(['all'], abort.signal)[Symbol.asyncIterator]();
  await watch.next();
  await writer.commit([{ op: 'create', key: '/beat', value: '0' }]);
  await watch.next();
  const beat = async (n: number): Promise<void> => {
    const next = watch.next();
    await writer.commit([{ op: 'put', key: '/beat', value: String(n), version: undefined }]);
    await next;
  };
  report(writer.backend, 'commit until another process is told', await measure(beat));
  abort.abort();
}

/** The other side of `measureTwoProcesses`: commits until it is told to stop and reports how many. */
async function workerProcess(path: string, name: string): Promise<void> {
  const store = await openSqliteStore(host, { path, owner: name });
  const told = { stop: false };
  process.once('message', () => {
    told.stop = true;
  });
  process.send?.('ready');
  let n = 0;
  for (; !told.stop; n += 1) await store.commit([{ op: 'create', key: `/${name}/${n}`, value }]);
  await store.close();
  process.send?.(n);
  process.disconnect();
}

async function measureTwoProcesses(path: string): Promise<void> {
  const next = (child: ReturnType<typeof fork>): Promise<unknown> =>
    new Promise((resolve) => child.once('message', resolve));
  const children = ['one', 'two'].map((name) => fork(self, ['worker', path, name]));
  await Promise.all(children.map(next));
  await linuxClock.sleep(measureMs);
  const counts = children.map(next);
  for (const child of children) child.send('stop');
  const [one = 0, two = 0] = (await Promise.all(counts)) as number[];
  const perSecond = ((one + two) * 1000) / measureMs;
  console.log(
    `sqlite   commit of one create, 2 processes at once     ${perSecond.toFixed(0).padStart(8)}/s   shares ${one} and ${two}`,
  );
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'pvc-bench-'));
  const facts = await linuxMachine.facts();
  const { load1 } = await linuxMachine.load();
  const fileSystem = `0x${statfsSync(directory).type.toString(16)}`;
  console.log(
    `${facts.cpus} x ${facts.cpuModel}, ${facts.os}, kernel ${facts.kernel}, Node ${process.version}, load ${load1.toFixed(1)}`,
  );
  console.log(
    `SQLite in ${directory} (file system ${fileSystem}), every commit synced; values of ${value.length} bytes; ${measureMs} ms each`,
  );
  try {
    await measureStore(createMemoryStore(linuxClock));
    const path = join(directory, 'store.sqlite');
    const store = await openSqliteStore(host, { path, owner: 'bench' });
    await measureStore(store);
    const other = await openSqliteStore(host, { path, owner: 'other' });
    await measureWatch(other, store);
    await other.close();
    await store.close();
    await measureTwoProcesses(path);
    const open = async (): Promise<void> => (await openSqliteStore(host, { path, owner: 'bench' })).close();
    report('sqlite', 'open and close a store', await measure(open));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'worker') await workerProcess(rest[0] ?? '', rest[1] ?? '');
else await main();
