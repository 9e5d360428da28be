import { after, before, describe } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type StoreFactory, storeConformance } from '../../../test/conformance/store.ts';
import { type Ensemble, startEnsemble } from '../../../test/zookeeper/ensemble.ts';
import { Proxy } from '../../../test/zookeeper/proxy.ts';
import { createLinuxHost } from '../../host/linux.ts';
import type { Store } from '../store.ts';
import { openZooKeeperStore } from './store.ts';

describe('on a real ensemble of three', () => {
  let ensemble: Ensemble;
  let roots = 0;
  before(async () => {
    ensemble = await startEnsemble({ tickTimeMs: 200 });
  });
  after(() => ensemble.stop());

  const subject: StoreFactory = async () => {
    const host = createLinuxHost({ destination: () => {} });
    roots += 1;
    const root = `/conformance${roots}`;
    const opened = new Map<Store, Proxy[]>();
    let count = 0;
    // All sessions of a test are with one server: two servers may be a moment apart, as other tests show.
    const server = ensemble.servers[roots % ensemble.servers.length];
    return {
      clock: host.clock,
      readsOneMoment: false,
      async open() {
        const proxies = [await Proxy.to(server?.port ?? 0)];
        const store = await openZooKeeperStore(host, {
          servers: proxies.map(({ address }) => address),
          secret: 'conformance',
          owner: `session${count++}`,
          sessionTimeoutMs: 2_000,
          root,
        });
        opened.set(store, proxies);
        return store;
      },
      async lose(store) {
        const proxies = opened.get(store) ?? [];
        const { epoch } = store.session;
        for (const proxy of proxies) proxy.set('freeze');
        while (store.session.state !== 'lost' && store.session.epoch === epoch) await delay(20);
        for (const proxy of proxies) {
          proxy.set('pass');
          proxy.drop();
        }
      },
      async closeAll() {
        await Promise.all(
          [...opened].map(async ([store, proxies]) => {
            await store.close();
            await Promise.all(proxies.map((proxy) => proxy.close()));
          }),
        );
      },
    };
  };

  storeConformance('zookeeper', subject);
});
