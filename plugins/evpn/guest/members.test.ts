import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/plugin/api.ts';
import { readNeighbours } from '../fabric/neighbours.ts';
import { membersOf, withAddresses } from './members.ts';

const card = {
  vm: 'a',
  uuid: '6be0d3e7-ea8f-4c07-a59b-22e33e7ed010',
  node: 'hv1',
  state: 'running',
  mac: '52:54:00:12:34:56',
};

describe('members of a network', () => {
  it('have the addresses that are known of their cards, each once and in order', () => {
    const known = [
      { mac: '52:54:00:12:34:56', address: 'fd20::10' },
      { mac: '52:54:00:12:34:56', address: '10.20.0.10' },
      { mac: '52:54:00:12:34:56', address: '10.20.0.9' },
      { mac: '52:54:00:12:34:56', address: 'fd20:0::10' },
      { mac: '52:54:00:12:34:56', address: 'fe80::1234' },
      { mac: '52:54:00:00:00:01', address: '10.20.0.7' },
      { mac: null, address: 'fd20::7' },
    ];
    assert.deepEqual(withAddresses([card], known), [{ ...card, addresses: ['10.20.0.9', '10.20.0.10', 'fd20::10'] }]);
    assert.deepEqual(withAddresses([card], []), [{ ...card, addresses: [] }]);
  });

  it('are told also where DHCP is switched off and FRR does not answer', async () => {
    const runtime = {
      signal: AbortSignal.any([]),
      ask: async (operation: string) => {
        if (operation === 'vm.nic-list') return [card];
        throw new PvcError('OPERATION_UNKNOWN', 'no', { hint: 'no', http: 404, exit: 'usage' });
      },
    };
    const frr = { neighbours: async () => undefined };
    assert.deepEqual(await membersOf(runtime, frr, { name: 'office', vni: '100' }), [{ ...card, addresses: [] }]);
  });
});

describe('what FRR tells of neighbours', () => {
  it('is read', () => {
    // FRR 8.4.
    const printed = JSON.stringify({
      numArpNd: 2,
      '10.20.0.123': { type: 'local', state: 'active', mac: '52:54:00:bf:da:df', localSequence: 0 },
      '10.20.0.52': { type: 'remote', state: 'active', mac: '52:54:00:88:92:6f', remoteVtep: '10.10.0.13' },
      'fd20::1': { type: 'local', state: 'inactive', mac: '52:54:00:88:92:6f' },
    });
    assert.deepEqual(readNeighbours(printed), [
      { mac: '52:54:00:bf:da:df', address: '10.20.0.123' },
      { mac: '52:54:00:88:92:6f', address: '10.20.0.52' },
    ]);
    for (const nothing of ['', '{}', '{ }\n']) assert.deepEqual(readNeighbours(nothing), []);
    assert.throws(() => readNeighbours('{"10.'));
  });
});
