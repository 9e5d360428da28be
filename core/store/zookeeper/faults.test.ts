/** Each fault of the client library, met through a link that misbehaves, and shown cured. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, withCode } from '../../../test/fixtures/expect.ts';
import { type Ensemble, startEnsemble } from '../../../test/zookeeper/ensemble.ts';
import { Proxy } from '../../../test/zookeeper/proxy.ts';
import { createLinuxHost } from '../../host/linux.ts';
import type { SessionState } from '../store.ts';
import { Connection, isFailure } from './connection.ts';
import { code, failure } from './library.ts';
import { openZooKeeperStore, type ZooKeeperOptions, type ZooKeeperStore } from './store.ts';

const host = createLinuxHost({ destination: () => {} });
const sessionTimeoutMs = 3_000;
let roots = 0;

/** Runs `use` with a store of its own, and closes it and its links whatever happens. */
async function withStore(
  servers: ZooKeeperOptions['servers'],
  use: (store: ZooKeeperStore) => Promise<void>,
  options: Partial<ZooKeeperOptions> = {},
): Promise<void> {
  roots += 1;
  const store = await openZooKeeperStore(host, {
    servers,
    secret: 'faults',
    owner: `owner${roots}`,
    sessionTimeoutMs,
    root: `/faults${roots}`,
    ...options,
  });
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

describe('a ZooKeeper session', () => {
  let ensemble: Ensemble;
  const proxies: Proxy[] = [];
  const proxyTo = async (index: number): Promise<Proxy> => {
    const proxy = await Proxy.to(ensemble.servers[index]?.port ?? 0);
    proxies.push(proxy);
    return proxy;
  };
  before(async () => {
    ensemble = await startEnsemble({ tickTimeMs: 200 });
  });
  after(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await ensemble.stop();
  });

  it('leaves a link that swallows everything for another server, and goes on', async () => {
    const [bad, good] = [await proxyTo(0), await proxyTo(1)];
    good.set('refuse');
    await withStore([bad.address, good.address], async (store) => {
      const states: SessionState[] = [];
      store.session.onChange((state) => states.push(state));
      good.set('pass');
      bad.set('freeze');
      const answer = await store.commit([{ op: 'create', key: '/a', value: '1' }]);
      // It was sent into the void: nobody knows, until it is looked for.
      if (answer.outcome === 'unknown') {
        await eventually('the link is another', async () => store.session.state === 'live');
        assert.equal(await store.read('/a'), undefined);
        assert.deepEqual(await store.commit([{ op: 'create', key: '/a', value: '1' }]), { outcome: 'ok' });
      } else assert.equal(answer.outcome, 'ok');
      assert.equal((await store.read('/a'))?.value, '1');
      assert.equal(store.session.epoch, 1, `the session went on (${states.join(', ')})`);
      assert.ok(!states.includes('lost'));
    });
  });

  it('knows within its own time that the link swallows everything, when there is no other', async () => {
    const only = await proxyTo(0);
    await withStore([only.address], async (store) => {
      await store.commit([{ op: 'create', key: '/live/x', value: '1', ephemeral: true }]);
      only.set('freeze');
      await eventually('the session is lost', () => store.session.state === 'lost', sessionTimeoutMs + 1_000);
      assert.ok(store.session.leaseUntilMs <= host.clock.monotonicMs());
      await assert.rejects(store.read('/live/x'), withCode('STORE_UNAVAILABLE'));
      only.set('pass');
      only.drop();
      await eventually('a new session', () => store.session.state === 'live' && store.session.epoch === 2);
      assert.equal(await store.read('/live/x'), undefined, 'what was of the lost session is gone');
    });
  });

  it('leaves a server that accepts and never answers', async () => {
    const mute: Server = createServer((socket) => {
      socket.on('error', () => {});
      socket.resume();
    });
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const port = (mute.address() as { port: number }).port;
    try {
      // The order of servers is by lot: the mute one comes first in one of several tries.
      for (let tries = 0; tries < 3; tries += 1)
        await withStore([{ host: '127.0.0.1', port }, ...ensemble.addresses.slice(0, 1)], async (store) => {
          assert.equal(store.session.state, 'live');
        });
    } finally {
      mute.close();
    }
  });

  it('lets no call wait for ever when the session ends meanwhile', async () => {
    const only = await proxyTo(1);
    await withStore([only.address], async (store) => {
      only.set('freeze');
      const calls = [
        store.read('/a').catch((error: unknown) => error),
        store.commit([{ op: 'create', key: '/b', value: '1' }]).catch((error: unknown) => error),
        store.list('/').catch((error: unknown) => error),
      ];
      const answers = await Promise.race([Promise.all(calls), delay(4 * sessionTimeoutMs, 'never')]);
      assert.notEqual(answers, 'never');
      only.set('pass');
      only.drop();
      await eventually('it lives again', () => store.session.state === 'live');
      assert.deepEqual(await store.commit([{ op: 'create', key: '/c', value: '1' }]), { outcome: 'ok' });
    });
  });

  it('is not confused by half an answer that an earlier link has left', async () => {
    const only = await proxyTo(2);
    await withStore([only.address], async (store) => {
      await store.commit([{ op: 'create', key: '/a', value: '1' }]);
      // Seven bytes of a frame that says it is longer, then the link breaks.
      only.inject(Buffer.from([0, 0, 1, 0, 9, 9, 9]));
      await delay(50);
      only.drop();
      await eventually('it answers again', async () => (await store.read('/a'))?.value === '1');
      assert.equal(store.session.epoch, 1);
    });
  });

  it('takes numbers of errors that the library does not know', () => {
    assert.equal(failure(-118).code, -118);
    assert.equal(failure(code.noNode).code, code.noNode);
  });

  it('reaches servers by IPv6 addresses', async () => {
    const relay = createServer((socket) => {
      void import('node:net').then(({ connect }) => {
        const server = connect({ host: '127.0.0.1', port: ensemble.servers[0]?.port ?? 0 });
        for (const [from, to] of [
          [socket, server],
          [server, socket],
        ] as const) {
          from.on('error', () => to.destroy());
          from.on('close', () => to.destroy());
          from.pipe(to);
        }
      });
    });
    await new Promise<void>((resolve) => relay.listen(0, '::1', resolve));
    try {
      await withStore([{ host: '::1', port: (relay.address() as { port: number }).port }], async (store) => {
        assert.deepEqual(await store.commit([{ op: 'create', key: '/six', value: '1' }]), { outcome: 'ok' });
      });
    } finally {
      relay.close();
    }
  });

  it('holds the same few watches with one object and with a thousand', async () => {
    await withStore(ensemble.addresses, async (store) => {
      const stop = new AbortController();
      const reader = store.watch(['all', 'node:hv1'], stop.signal)[Symbol.asyncIterator]();
      await reader.next();
      await store.commit([{ op: 'create', key: '/vm/0/spec', value: '1' }]);
      assert.equal(store.figures.watches, 3);
      for (let part = 1; part <= 10; part += 1)
        await store.commit(
          Array.from({ length: 100 }, (_, n) => ({ op: 'create', key: `/vm/${part}-${n}/spec`, value: '1' }) as const),
        );
      assert.equal((await store.list('/vm')).length, 1_001);
      assert.equal(store.figures.watches, 3);
      stop.abort();
      await reader.next();
    });
  });

  it('wakes only those whom a change concerns', async () => {
    await withStore(ensemble.addresses, async (store) => {
      const stop = new AbortController();
      const woken: string[] = [];
      const follow = async (name: string): Promise<void> => {
        for await (const dirty of store.watch([`node:${name}`], stop.signal))
          if (!dirty.resync) woken.push(`${name} ${[...dirty.keys].join()}`);
      };
      const following = Promise.all([follow('hv1'), follow('hv2')]);
      await delay(200);
      await store.commit([{ op: 'create', key: '/vm/1/spec', value: '1' }], ['node:hv1']);
      await store.commit([{ op: 'create', key: '/vm/2/spec', value: '1' }], ['node:hv2']);
      await store.commit([{ op: 'create', key: '/vm/3/spec', value: '1' }]);
      await eventually('both are told', () => woken.length === 2);
      await delay(200);
      assert.deepEqual(woken.sort(), ['hv1 /vm/1/spec', 'hv2 /vm/2/spec']);
      stop.abort();
      await following;
    });
  });

  it('is replaced by the next of the same owner, whose entries are not held up by the old', async () => {
    roots += 1;
    const options = {
      servers: ensemble.addresses,
      secret: 'faults',
      owner: 'daemon-hv1',
      sessionTimeoutMs,
      root: `/faults${roots}`,
    };
    const old = await openZooKeeperStore(host, options);
    await old.commit([{ op: 'create', key: '/alive/hv1', value: 'old', ephemeral: true }]);
    const next = await openZooKeeperStore(host, options);
    try {
      assert.equal(await next.read('/alive/hv1'), undefined);
      await eventually('the old one is over', () => old.session.state === 'lost');
      await assert.rejects(
        (async () => {
          for (let reads = 0; reads < 1_000; reads += 1) {
            await old.read('/alive/hv1');
            await delay(5);
          }
        })(),
        withCode('STORE_UNAVAILABLE'),
      );
      assert.deepEqual(await next.commit([{ op: 'create', key: '/alive/hv1', value: 'new', ephemeral: true }]), {
        outcome: 'ok',
      });
      await delay(500);
      assert.equal((await next.read('/alive/hv1'))?.value, 'new');
    } finally {
      await old.close();
      await next.close();
    }
  });

  it('fails a request that the server refuses, whatever the callback brings along with the error', async () => {
    const options = { servers: ensemble.addresses, secret: 'faults', sessionTimeoutMs };
    const limits = { connectTimeoutMs: 500, silenceMs: 1_500, maxInFlight: 10 };
    const up = Promise.withResolvers<void>();
    const events = { onConnected: () => up.resolve(), onDisconnected: () => {}, onExpired: () => {} };
    const connection = new Connection(host, { ...options, ...limits }, events);
    connection.open();
    try {
      await up.promise;
      await assert.rejects(
        connection.call<true>(sessionTimeoutMs, (client, callback) =>
          client.setData('/zookeeper/quota', Buffer.alloc(0), 99, (error) => callback(error, true)),
        ),
        (error: unknown) => isFailure(error, code.badVersion),
      );
    } finally {
      await connection.close(1_000);
    }
  });

  it('loses no acknowledged commit when the leader is killed, and finds out what became of the others', async () => {
    await withStore(
      ensemble.addresses,
      async (store) => {
        const leader = await ensemble.leader();
        const acknowledged: number[] = [];
        const unknown: number[] = [];
        let stop = false;
        const writing = (async () => {
          for (let n = 0; !stop && n < 2_000; n += 1) {
            const answer = await store
              .commit([{ op: 'create', key: `/n/${n}`, value: String(n) }])
              .catch(() => undefined);
            if (answer?.outcome === 'ok') acknowledged.push(n);
            else if (answer?.outcome === 'unknown') unknown.push(n);
          }
        })();
        await delay(300);
        const before = acknowledged.length;
        await leader.signal('SIGKILL');
        await eventually('commits go on', () => acknowledged.length > before + 20, 20_000);
        stop = true;
        await writing;
        const there = new Set((await store.list('/n')).map(({ value }) => Number(value)));
        for (const n of acknowledged) assert.ok(there.has(n), `${n} was acknowledged`);
        // One whose answer was lost can be found out about: it was done as a whole, or not.
        for (const n of unknown) {
          const again = await store.commit([{ op: 'create', key: `/n/${n}`, value: String(n) }]);
          assert.equal(again.outcome, there.has(n) ? 'conflict' : 'ok');
        }
        leader.start();
        await ensemble.serving();
      },
      { linkWaitMs: 10_000 },
    );
  });

  it('says that nothing can be written without a quorum, and goes on when it is back', async () => {
    await withStore(ensemble.addresses, async (store) => {
      await store.commit([{ op: 'create', key: '/a', value: '1' }]);
      const [first, second] = ensemble.servers;
      await Promise.all([first?.signal('SIGKILL'), second?.signal('SIGKILL')]);
      await eventually('it is noticed', () => store.session.state !== 'live', 20_000);
      await assert.rejects(store.read('/a'), withCode('STORE_UNAVAILABLE'));
      first?.start();
      second?.start();
      await ensemble.serving();
      await eventually('it lives again', () => store.session.state === 'live', 30_000);
      assert.equal((await store.read('/a'))?.value, '1');
    });
  });
});
