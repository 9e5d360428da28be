import type { StoreFactory } from '../../test/conformance/store.ts';
import { storeConformance } from '../../test/conformance/store.ts';
import { linuxClock } from '../host/linux-clock.ts';
import { MemoryCluster } from './memory.ts';
import type { Store } from './store.ts';

const subject: StoreFactory = async () => {
  const cluster = new MemoryCluster({ clock: linuxClock, sessionTimeoutMs: 300 });
  const names = new Map<Store, string>();
  return {
    clock: linuxClock,
    readsOneMoment: true,
    async open() {
      const name = `session${names.size}`;
      const store = cluster.open(name);
      names.set(store, name);
      return store;
    },
    async lose(store) {
      cluster.expire(names.get(store) as string);
    },
    async closeAll() {
      for (const store of names.keys()) await store.close();
    },
  };
};

storeConformance('memory', subject);
