import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { createVirtualHost } from '../../core/host/virtual-host.ts';
import { type Doc, defineKind, type Write } from '../../core/plugin/api.ts';
import { Documents } from '../../core/store/documents.ts';
import { MemoryCluster } from '../../core/store/memory.ts';
import { refusal } from './guard.ts';
import type { Network } from './network.ts';
import { reservation, reservationId } from './reservation/reservation-kind.ts';
import { dhcp } from './settings/dhcp-kind.ts';
import { usualSettings } from './settings/settings-input.ts';

const instance = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed010';
const mac = '52:54:00:70:76:b1';
const ipv4 = { prefix: '10.20.0.0/24', gateway: '10.20.0.1' };
const office: Network = { name: 'office', vni: 10_000, mtu: 1450, ipv4, ipv6: null, domain: null };

/** As the plugin of networks has it, as far as it matters here. */
const network = defineKind<Record<string, unknown>, null>({
  name: 'network',
  plural: 'networks',
  version: 1,
  id: z.string(),
  spec: z.record(z.string(), z.unknown()),
  status: z.null(),
});
const before: Doc<Record<string, unknown>, null> = {
  id: '10000',
  spec: { name: 'office', ipv4 },
  specVersion: 0,
  birth: '1',
  status: undefined,
  statusVersion: undefined,
};
const change = (spec: Record<string, unknown>, id = '10000'): Write[] => [
  { do: 'spec', kind: network, before: { ...before, id }, spec: { name: 'office', ...spec } },
];

async function setUp(): Promise<Documents> {
  const documents = new Documents(new MemoryCluster({ clock: createVirtualHost().clock }).open('a'));
  const spec = { network: 'office', instance, mac, address: '10.20.0.200', hostname: null };
  const { ops } = documents.commitOf([
    { do: 'create', kind: dhcp, id: '10000', spec: { ...usualSettings(office, instance), ranges: [] } },
    { do: 'create', kind: reservation, id: reservationId('10000', mac), spec },
  ]);
  await documents.store.commit(ops);
  return documents;
}

describe('a change of a network with DHCP', () => {
  for (const [what, spec, reason] of [
    ['that takes its gateway away', { ipv4: { prefix: ipv4.prefix } }, /no gateway/],
    ['that takes its addresses away', {}, /no gateway/],
    [
      'that leaves a reservation outside',
      { ipv4: { prefix: '10.20.0.0/25', gateway: '10.20.0.1' } },
      /10\.20\.0\.200 is outside.*reserved for 52:54/,
    ],
    [
      'that gives the gateway a reserved address',
      { ipv4: { ...ipv4, gateway: '10.20.0.200' } },
      /gateway’s, and reserved/,
    ],
  ] as const)
    it(`${what} is refused`, async () => assert.match((await refusal(await setUp(), change(spec))) ?? '', reason));

  it('that it bears passes, and so does one of another network', async () => {
    const documents = await setUp();
    for (const spec of [{ ipv4 }, { ipv4: { prefix: '10.20.0.0/16', gateway: '10.20.0.2' } }])
      assert.equal(await refusal(documents, change({ ...spec, mtu: 1400 })), undefined);
    assert.equal(await refusal(documents, change({}, '10001')), undefined);
  });
});
