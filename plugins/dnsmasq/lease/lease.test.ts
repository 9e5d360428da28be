import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LeaseEvent, leaseAfter } from './lease-event.ts';
import { leaseFile, serverDuid } from './lease-file.ts';
import { type LeaseSpec, lease, leaseId } from './lease-kind.ts';

const instance = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed010';
const other = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed011';
const mac = '52:54:00:aa:bb:cc';
const given: LeaseEvent = {
  action: 'add',
  client: mac,
  address: '10.20.0.150',
  name: 'Web1',
  expires: 1_795_863_496,
  clientId: '01:52:54:00:aa:bb:cc',
};
const kept: LeaseSpec = {
  instance,
  address: '10.20.0.150',
  expiresMs: 1_795_863_496_000,
  hostname: 'web1',
  client: { family: 'ipv4', mac, clientId: '01:52:54:00:aa:bb:cc' },
};

describe('a lease', () => {
  it('is kept as dnsmasq tells it, until the very second', () =>
    assert.deepEqual(leaseAfter(given, instance, undefined, true), kept));

  it('is kept without a name, and without one that is none', () => {
    for (const name of [undefined, '', '-x', 'a b', 'x;reboot', 'ä', `${'a'.repeat(64)}`, 'a.b', '$(id)', '../x'])
      assert.equal(leaseAfter({ ...given, name }, instance, undefined, true)?.hostname, null, name);
  });

  it('of IPv6 is that of a client and its interface', () => {
    const event: LeaseEvent = {
      action: 'add',
      client: '00:01:00:01:aa',
      address: 'FD20:0::1:77',
      expires: 10,
      iaid: 'T4711',
      mac,
    };
    assert.deepEqual(leaseAfter(event, instance, undefined, true), {
      instance,
      address: 'fd20::1:77',
      expiresMs: 10_000,
      hostname: null,
      client: { family: 'ipv6', duid: '00:01:00:01:aa', iaid: 'T4711', mac },
    });
  });

  it('is refused of a client that is none', () => {
    for (const wrong of [{ client: '01:02' }, { address: 'fd20::1' }] as const)
      assert.throws(() => leaseAfter({ ...given, ...wrong }, instance, undefined, true));
  });

  it('is renewed, also for a shorter time', () => {
    for (const expires of [1_795_863_600, 1_795_863_400])
      assert.equal(leaseAfter({ ...given, action: 'old', expires }, instance, kept, true)?.expiresMs, expires * 1000);
  });

  it('ends', () => assert.equal(leaseAfter({ ...given, action: 'del' }, instance, kept, true), undefined));

  it('is not ended, and not shortened, by a node that is primary no more', () => {
    const expires = given.expires! - 60;
    for (const action of ['del', 'old', 'add'] as const)
      assert.equal(leaseAfter({ ...given, action, expires }, instance, kept, false), kept);
    assert.equal(leaseAfter({ ...given, action: 'del' }, instance, kept, false), undefined);
    assert.deepEqual(leaseAfter(given, instance, undefined, false), kept);
    assert.deepEqual(leaseAfter(given, instance, { ...kept, instance: other, expiresMs: 9e15 }, false), kept);
  });

  it('is known by network and address', () => {
    for (const address of ['10.20.0.150', 'fd20::1:77'])
      assert.ok(lease.id.safeParse(leaseId('10000', address)).success);
    for (const id of ['a.10.20.0.150', '1./x', '1.']) assert.ok(!lease.id.safeParse(id).success, id);
  });
});

describe('the leases for dnsmasq', () => {
  it('are those of IPv4, the server’s id, those of IPv6', () => {
    const six: LeaseSpec = {
      ...kept,
      address: 'fd20::1:77',
      hostname: null,
      client: { family: 'ipv6', duid: '00:01:02', iaid: '77', mac: null },
    };
    const nameless: LeaseSpec = {
      ...kept,
      address: '10.20.0.100',
      hostname: null,
      client: { family: 'ipv4', mac, clientId: null },
    };
    assert.deepEqual(leaseFile('10000', [six, kept, nameless]).split('\n'), [
      '1795863496 52:54:00:aa:bb:cc 10.20.0.100 * *',
      '1795863496 52:54:00:aa:bb:cc 10.20.0.150 web1 01:52:54:00:aa:bb:cc',
      'duid 00:04:70:76:63:6e:00:00:80:00:80:00:00:00:00:00:27:10',
      '1795863496 77 fd20::1:77 * 00:01:02',
      '',
    ]);
  });

  it('name the server differently in each network', () =>
    assert.equal(new Set(['1', '16', '10000', '16777215'].map(serverDuid)).size, 4));
});
