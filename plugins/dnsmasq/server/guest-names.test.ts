import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { PvcError, type Runtime } from '../../../core/plugin/api.ts';
import { GuestNames, namesOf } from './guest-names.ts';

const card = (vm: string, last: string, network: string | undefined = 'office') => ({
  vm,
  uuid: `uuid-of-${vm}`,
  mac: `52:54:00:00:00:${last}`,
  source: network === undefined ? { type: 'bridge', bridge: 'br0' } : { type: 'network', network },
});

describe('names of guests', () => {
  it('are those of guests on networks, each with its first card', () => {
    const rows = [
      ...[card('Web1', '01'), card('Web1', '02'), card('web1', '03'), card('under_score', '04'), card('a.b', '05')],
      ...[card('db', '06', 'lab'), { ...card('db', '07'), source: { type: 'bridge' } }, card('db', '08')],
    ];
    assert.deepEqual(Object.fromEntries(namesOf(rows)), {
      office: [
        { mac: '52:54:00:00:00:01', hostname: 'web1' },
        { mac: '52:54:00:00:00:08', hostname: 'db' },
      ],
      lab: [{ mac: '52:54:00:00:00:06', hostname: 'db' }],
    });
  });

  const setUp = () => {
    const host = createVirtualHost();
    const world: { rows: unknown; fails?: Error | undefined; asked: number } = { rows: [], asked: 0 };
    const told: string[][] = [];
    const ask = async (): Promise<unknown> => {
      world.asked += 1;
      if (world.fails !== undefined) throw world.fails;
      return world.rows;
    };
    const stop = new AbortController();
    const names = new GuestNames({ host, ask, signal: stop.signal } as unknown as Runtime, async (networks) => {
      told.push([...networks].toSorted());
    });
    return { host, world, told, names, stop };
  };

  it('are looked up once for many changes, and only networks with others are told of', async () => {
    const { host, world, told, names, stop } = setUp();
    world.rows = [card('web1', '01'), card('db', '02', 'lab')];
    for (let change = 0; change < 20; change += 1) names.refresh();
    await host.clock.advance(600);
    assert.deepEqual([told, world.asked], [[['lab', 'office']], 1]);
    assert.deepEqual(names.in('lab'), [{ mac: '52:54:00:00:00:02', hostname: 'db' }]);
    world.rows = [card('web1', '01')];
    names.refresh();
    await host.clock.advance(600);
    assert.deepEqual([told[1], names.in('lab')], [['lab'], []]);
    stop.abort();
  });

  it('know the cards of a guest, also for a while after it is gone', async () => {
    const { host, world, names, stop } = setUp();
    world.rows = [card('web1', '01'), card('web1', '02', 'lab'), { ...card('web1', '03'), source: { type: 'bridge' } }];
    names.refresh();
    await host.clock.advance(600);
    const cards = [
      { network: 'office', mac: '52:54:00:00:00:01' },
      { network: 'lab', mac: '52:54:00:00:00:02' },
    ];
    assert.deepEqual(names.cardsOf('uuid-of-web1'), cards);
    world.rows = [];
    names.refresh();
    await host.clock.advance(30_000);
    assert.deepEqual(names.cardsOf('uuid-of-web1'), cards);
    await host.clock.advance(60_000);
    names.refresh();
    await host.clock.advance(600);
    assert.deepEqual([names.cardsOf('uuid-of-web1'), names.cardsOf('nobody')], [[], []]);
    stop.abort();
  });

  it('are looked up again until that succeeds', async () => {
    const { host, world, told, names, stop } = setUp();
    world.rows = [card('web1', '01')];
    world.fails = new Error('the store is away');
    names.refresh();
    await host.clock.advance(600);
    assert.deepEqual(told, []);
    delete world.fails;
    await host.clock.advance(6_000);
    assert.deepEqual(told, [['office']]);
    stop.abort();
  });

  it('are none where the plugin of guests is switched off', async () => {
    const { host, world, told, names, stop } = setUp();
    world.fails = new PvcError('OPERATION_UNKNOWN', 'unknown', { hint: '', http: 404, exit: 'notFound' });
    names.refresh();
    await host.clock.advance(600);
    assert.deepEqual([told, names.in('office')], [[[]], []]);
    stop.abort();
  });
});
