import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDomainStats } from './domain-stats.ts';
import type { TypedParam } from './wire.ts';

const domain = { name: 'web1', uuid: '7f1f1a1e-0000-4000-8000-000000000001', id: 3 };
const params = (values: Readonly<Record<string, number | bigint | string>>): TypedParam[] =>
  Object.entries(values).map(([field, value]) => ({
    field,
    value:
      typeof value === 'string'
        ? { type: 'string', value }
        : typeof value === 'bigint'
          ? { type: 'ullong', value }
          : { type: 'int', value },
  }));

describe('domain statistics', () => {
  it('become a structure', () => {
    const stats = readDomainStats({
      domain,
      params: params({
        'state.state': 3,
        'state.reason': 5,
        'cpu.time': 12_000n,
        'cpu.user': 1n,
        'cpu.system': 2n,
        'balloon.current': 1024n,
        'balloon.maximum': 2048n,
        'balloon.rss': 900n,
        'vcpu.current': 2,
        'vcpu.maximum': 4,
        'vcpu.0.state': 1,
        'vcpu.0.time': 7n,
        'vcpu.3.state': 0,
        'net.count': 1,
        'net.0.name': 'vnet0',
        'net.0.rx.bytes': 10n,
        'net.0.tx.drop': 2n,
        'block.count': 2,
        'block.0.name': 'vda',
        'block.0.path': '/a',
        'block.0.rd.reqs': 5n,
        'block.0.wr.times': 8n,
        'block.0.capacity': 99n,
        'block.1.name': 'sda',
      }),
    });
    assert.deepEqual(
      [stats.uuid, stats.state, stats.reason, stats.cpu],
      [domain.uuid, 'paused', 'ioerror', { timeNs: 12_000, userNs: 1, systemNs: 2 }],
    );
    assert.deepEqual(
      [stats.balloon?.currentKiB, stats.balloon?.maximumKiB, stats.balloon?.rssKiB, stats.balloon?.usableKiB],
      [1024, 2048, 900, undefined],
    );
    assert.deepEqual(stats.vcpus, {
      current: 2,
      maximum: 4,
      each: [
        { number: 0, state: 'running', timeNs: 7, waitNs: undefined },
        { number: 3, state: 'offline', timeNs: undefined, waitNs: undefined },
      ],
    });
    assert.deepEqual(stats.interfaces, [
      {
        name: 'vnet0',
        rxBytes: 10,
        rxPackets: 0,
        rxErrors: 0,
        rxDrops: 0,
        txBytes: 0,
        txPackets: 0,
        txErrors: 0,
        txDrops: 2,
      },
    ]);
    assert.deepEqual(
      stats.blocks.map((block) => [block.name, block.path, block.readRequests, block.writeNs, block.capacityBytes]),
      [
        ['vda', '/a', 5, 8, 99],
        ['sda', undefined, 0, 0, undefined],
      ],
    );
  });

  it('leave out what libvirt did not tell', () => {
    const stats = readDomainStats({ domain, params: params({ 'state.state': 1, 'state.reason': 1 }) });
    assert.deepEqual(
      [stats.state, stats.reason, stats.cpu, stats.balloon, stats.vcpus, stats.interfaces, stats.blocks],
      ['running', 'booted', undefined, undefined, undefined, [], []],
    );
  });
});
