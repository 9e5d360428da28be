import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type StoreFactory, storeConformance } from '../../test/conformance/store.ts';
import { type PausableClock, pausableClock } from '../../test/fixtures/pausable-clock.ts';
import { createLinuxHost } from '../host/linux.ts';
import { openSqliteStore } from './sqlite.ts';
import { openDatabase } from './sqlite-driver.ts';
import type { Store } from './store.ts';

/** Short enough to wait for; long enough for a disk that stalls while other tests use it. */
const leaseMs = 2000;

const subject: StoreFactory = async () => {
  const host = createLinuxHost({ destination: () => {} });
  const directory = mkdtempSync(join(tmpdir(), 'pvc-store-'));
  const path = join(directory, 'store.sqlite');
  const opened = new Map<Store, { owner: string; clock: PausableClock }>();
  const present = (owner: string): boolean => {
    const database = openDatabase(path, 1000);
    try {
      return database.prepare('SELECT 1 FROM session WHERE owner = ?').get(owner) !== undefined;
    } finally {
      database.close();
    }
  };
  let count = 0;
  return {
    clock: host.clock,
    readsOneMoment: true,
    async open() {
      const owner = `session${count++}`;
      const clock = pausableClock(host.clock);
      const store = await openSqliteStore({ ...host, clock }, { path, owner, leaseMs, pollMs: 10 });
      opened.set(store, { owner, clock });
      return store;
    },
    async lose(store) {
      const { owner, clock } = opened.get(store) as { owner: string; clock: PausableClock };
      clock.pause();
      while (present(owner)) await delay(20);
      clock.resume();
    },
    async closeAll() {
      for (const store of opened.keys()) await store.close();
      rmSync(directory, { recursive: true });
    },
  };
};

storeConformance('sqlite', subject);
