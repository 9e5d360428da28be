import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { LeaseSpec } from '../lease/lease-kind.ts';
import type { Network } from '../network.ts';
import { usualSettings } from '../settings/settings-input.ts';
import { addressRows } from './address-rows.ts';

const instance = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed010';
const gone = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed011';
const network: Network = { name: 'office', vni: 1, mtu: 1450, ipv4: null, ipv6: null, domain: null };
const mac = '52:54:00:aa:bb:cc';
const leaseOf = (address: string, more: Partial<LeaseSpec> = {}): { spec: LeaseSpec } => ({
  spec: {
    instance,
    address,
    expiresMs: 2_000,
    hostname: null,
    client: { family: 'ipv4', mac, clientId: null },
    ...more,
  },
});

it('the list has what counts now, by address', () => {
  const six = { family: 'ipv6', duid: '00:01', iaid: '7', mac: null } as const;
  const rows = addressRows(
    [{ spec: usualSettings(network, instance) }],
    [
      leaseOf('10.20.0.100'),
      leaseOf('fd20::1', { client: six, hostname: 'six' }),
      leaseOf('10.20.0.9'),
      leaseOf('10.20.0.8', { expiresMs: 1_000 }),
      leaseOf('10.20.0.7', { instance: gone }),
    ],
    [
      { spec: { network: 'office', instance, mac, address: '10.20.0.9', hostname: 'web1' } },
      { spec: { network: 'office', instance: gone, mac, address: '10.20.0.3', hostname: null } },
    ],
    1_000,
  );
  assert.deepEqual(
    rows.map(({ type, address, hostname, expiresMs }) => [type, address, hostname, expiresMs]),
    [
      ['lease', '10.20.0.9', null, 2_000],
      ['reservation', '10.20.0.9', 'web1', null],
      ['lease', '10.20.0.100', null, 2_000],
      ['lease', 'fd20::1', 'six', 2_000],
    ],
  );
  assert.deepEqual(
    rows.map((row) => row.mac),
    [mac, mac, mac, null],
  );
});
