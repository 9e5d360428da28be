import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../host/virtual-host.ts';
import { SupervisedService } from './supervise.ts';

describe('a service that is looked after', () => {
  it('is prepared before each start, and not started while that fails', async () => {
    const host = createVirtualHost();
    const acts: string[] = [];
    let pid: number | undefined;
    let away = true;
    const stop = new AbortController();
    const service = new SupervisedService(
      host,
      {
        name: 'dnsmasq-10000',
        unit: 'pvc-dnsmasq@10000.service',
        argv: ['/usr/sbin/dnsmasq'],
        ready: async () => true,
        readyTimeoutMs: 1_000,
        prepare: async () => {
          acts.push('prepare');
          if (away) throw new Error('the store is away');
        },
      },
      {
        running: async () => pid,
        start: async () => {
          acts.push('start');
          pid = 4711;
        },
        stop: async () => {
          pid = undefined;
        },
      },
      { raise: () => {}, clear: () => {} },
    );
    const looking = service.run(stop.signal);
    await host.clock.advance(100);
    assert.deepEqual([acts, service.status.state, service.status.message], [['prepare'], 'down', 'the store is away']);
    away = false;
    await host.clock.advance(5_000);
    assert.deepEqual([acts, service.status.pid], [['prepare', 'prepare', 'start'], 4711]);
    pid = undefined;
    await host.clock.advance(5_000);
    assert.deepEqual(acts.slice(3), ['prepare', 'start']);
    stop.abort();
    await looking;
  });
});
