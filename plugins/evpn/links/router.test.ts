import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as names from '../../../core/model/names.ts';
import { anycastMac, primaryMac, readEntries, routerMac, routersIn, routersOf } from './router.ts';

describe('the MAC address of a gateway', () => {
  it('is a proper one, and another on each node', () =>
    fc.assert(
      fc.property(fc.uniqueArray(fc.ipV4(), { minLength: 2, maxLength: 10 }), (addresses) => {
        const macs = addresses.map(routerMac);
        assert.equal(new Set(macs).size, macs.length);
        for (const mac of macs) assert.equal(names.macAddress.parse(mac), mac);
      }),
    ));
  it('is one that no node has, where every node is one', () =>
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        fc.pre(!address.startsWith('0.'));
        assert.ok(![anycastMac, primaryMac].includes(routerMac(address)));
      }),
    ));
  it('is not taken for a node’s, when it is the way to the primary', () =>
    assert.deepEqual(
      routersIn(
        readEntries(
          JSON.stringify([
            { mac: primaryMac, dst: '10.10.0.12' },
            { mac: primaryMac, master: 'pvcn100' },
          ]),
        ),
      ),
      [],
    ));
  it('is there without an address of the node', () => assert.equal(routerMac(undefined), '02:70:00:00:00:00'));
});

describe('nodes that can be the gateway', () => {
  it('are the other coordinators', () => {
    const node = (name: string, role: string, address?: string) => ({ name, role, address });
    const nodes = [
      node('hv2', 'coordinator', '10.10.0.12'),
      node('hv1', 'coordinator', '10.10.0.11'),
      node('hv3', 'coordinator'),
      node('hv4', 'hypervisor', '10.10.0.14'),
    ];
    const [first, second] = ['11', '12'].map((end) => ({
      mac: routerMac(`10.10.0.${end}`),
      address: `10.10.0.${end}`,
    }));
    assert.deepEqual(routersOf(nodes, 'hv4'), [first, second]);
    assert.deepEqual(routersOf(nodes, 'hv1'), [second]);
  });

  it('are read from what the kernel knows, where device and bridge both do', () => {
    const printed = [
      { mac: '02:70:0a:0a:00:0d', master: 'pvcn100', state: 'static', flags: [] },
      { mac: '02:70:0a:0a:00:0c', master: 'pvcn100', state: 'static', flags: [] },
      { mac: '46:b1:ea:b5:f4:22', master: 'pvcn100', state: 'permanent', flags: [] },
      { mac: '02:70:0a:0a:00:0c', dst: '10.10.0.12', state: 'static', flags: ['self'] },
      { mac: '02:70:0a:0a:00:0e', dst: '10.10.0.14', state: 'static', flags: ['self'] },
      { mac: '00:00:00:00:00:00', dst: '10.10.0.12', state: 'permanent', flags: ['self'] },
      { mac: '52:54:00:00:00:01', dst: '10.10.0.12', state: '', flags: ['self', 'extern_learn'] },
    ];
    assert.deepEqual(routersIn(readEntries(JSON.stringify(printed))), [
      { mac: '02:70:0a:0a:00:0c', address: '10.10.0.12' },
    ]);
    assert.deepEqual(routersIn(readEntries('')), []);
  });
});
