/**
 * The store on a real ensemble of three on this machine: what one session does, and what a hundred nodes with five
 * thousand guests see of one change.
 * @module
 */
import { createLinuxHost } from '../../core/host/linux.ts';
import { linuxClock } from '../../core/host/linux-clock.ts';
import { openZooKeeperStore, type ZooKeeperStore } from '../../core/store/zookeeper/store.ts';
import { fourLetters, startEnsemble } from '../zookeeper/ensemble.ts';
import { type Figure, median, numberText, percentile } from './figure.ts';
import { documentSizedValue, measureStore, measuring } from './store.ts';

const nodes = 100;
const guests = 5_000;
const changes = 200;
const idleMs = 5_000;

const nodeOf = (guest: number): string => `hv${guest % nodes}`;
const specKey = (guest: number): string => `/vm/${String(guest).padStart(5, '0')}/spec`;

export async function zooKeeperFigures(measureMs: number): Promise<Figure[]> {
  const host = createLinuxHost({ level: 'error', destination: 'stderr', pretty: true });
  const figures: Figure[] = [];
  const ensemble = await startEnsemble();
  const stores: ZooKeeperStore[] = [];
  const open = async (owner: string, root: string): Promise<ZooKeeperStore> => {
    const store = await openZooKeeperStore(host, { servers: ensemble.addresses, secret: 'bench', owner, root });
    stores.push(store);
    return store;
  };
  try {
    const single = await open('single', '/single');
    await measureStore(single, measuring('zookeeper', measureMs, figures));
    await single.close();

    const writer = await open('writer', '/hundred');
    for (let n = 0; n < guests; n += 250)
      await writer.commit(
        Array.from(
          { length: 250 },
          (_, i) => ({ op: 'create', key: specKey(n + i), value: documentSizedValue }) as const,
        ),
      );
    const stop = new AbortController();
    /** Resolves when the node is told of the key. */
    const waiting = new Map<string, () => void>();
    for (let n = 0; n < nodes; n += 1) {
      const store = await open(`daemon-hv${n}`, '/hundred');
      void (async () => {
        for await (const dirty of store.watch([`node:hv${n}`], stop.signal))
          for (const key of dirty.keys) waiting.get(`hv${n} ${key}`)?.();
      })();
    }
    await linuxClock.sleep(1_000);

    const packets = async (): Promise<number> => {
      const texts = await Promise.all(ensemble.servers.map(({ port }) => fourLetters(port, 'srvr')));
      return texts.reduce((sum, text) => sum + Number(/^Received: (\d+)$/m.exec(text)?.[1] ?? 0), 0);
    };
    const before = await packets();
    await linuxClock.sleep(idleMs);
    figures.push({
      area: 'zookeeper: 100 nodes',
      what: 'requests to the ensemble at idle',
      value: ((await packets()) - before) / (idleMs / 1000),
      unit: '/s',
      note: `${nodes} sessions, a heartbeat a second each`,
    });
    figures.push({
      area: 'zookeeper: 100 nodes',
      what: 'watches held by a node',
      value: stores.at(-1)?.figures.watches ?? 0,
      unit: '',
      note: `${guests} guests`,
    });

    const tookMs: number[] = [];
    for (let n = 0; n < changes; n += 1) {
      const guest = (n * 37) % guests;
      const told = Promise.withResolvers<void>();
      waiting.set(`${nodeOf(guest)} ${specKey(guest)}`, told.resolve);
      const fromMs = linuxClock.monotonicMs();
      await writer.commit(
        [{ op: 'put', key: specKey(guest), value: documentSizedValue, version: undefined }],
        [`node:${nodeOf(guest)}` as const],
      );
      await told.promise;
      tookMs.push(linuxClock.monotonicMs() - fromMs);
    }
    figures.push({
      area: 'zookeeper: 100 nodes',
      what: 'one guest changed until its node is told',
      value: median(tookMs),
      unit: 'ms',
      note: `p99 ${numberText(percentile(tookMs, 0.99))} ms (goal 100) of ${changes}, ${guests} guests, all in one process`,
    });

    const lister = await open('lister', '/hundred');
    for (const what of ['first list of 5,000 guests', 'list of 5,000 guests again']) {
      const fromMs = linuxClock.monotonicMs();
      const found = await lister.list('/vm');
      figures.push({
        area: 'zookeeper: 100 nodes',
        what,
        value: linuxClock.monotonicMs() - fromMs,
        unit: 'ms',
        note: `${found.length} entries of ${Math.round(documentSizedValue.length / 100) / 10} KB`,
      });
    }
    stop.abort();
    return figures;
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await ensemble.stop();
  }
}
