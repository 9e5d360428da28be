import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { holderText, hostOf } from './holders.ts';

describe('who has an image open', () => {
  for (const [address, host] of [
    ['10.10.1.2:0/3141592653', '10.10.1.2'],
    ['v1:10.10.1.2:0/1', '10.10.1.2'],
    ['[fd00::1]:0/12', 'fd00::1'],
    ['v2:[fd00::1]:0/12', 'fd00::1'],
  ] as const)
    it(`${address} is on ${host}`, () => assert.equal(hostOf(address), host));

  it('is told by the name of the node, where it is one of ours', () => {
    const address = '10.10.1.2:0/7';
    assert.equal(holderText({ address, node: 'hv2' }), 'hv2 (10.10.1.2:0/7)');
    assert.equal(holderText({ address, node: null }), address);
  });
});
