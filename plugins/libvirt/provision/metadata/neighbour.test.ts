import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plainAddress, readNeighbour } from './neighbour.ts';

describe('the peer of a connection', () => {
  for (const [remote, address] of [
    ['::ffff:10.20.0.5', '10.20.0.5'],
    ['10.20.0.5', '10.20.0.5'],
    ['fd20::5', 'fd20::5'],
    ['fe80::5054:ff:fe00:1%pvcn100', 'fe80::5054:ff:fe00:1'],
    ['::ffff:0:0', '::ffff:0:0'],
    [undefined, undefined],
    ['', undefined],
    ['10.20.0.5 dev eth0', undefined],
    ['-x', undefined],
  ] as const)
    it(`${remote} is ${address ?? 'no address'}`, () => assert.equal(plainAddress(remote), address));
});

describe('a neighbour', () => {
  for (const [what, stdout, mac] of [
    ['who is there', '[{"dst":"10.20.0.5","lladdr":"52:54:00:00:00:01","state":["REACHABLE"]}]', '52:54:00:00:00:01'],
    ['who was there', '[{"dst":"10.20.0.5","lladdr":"52:54:00:00:00:01","state":["STALE"]}]', '52:54:00:00:00:01'],
    ['who is looked for', '[{"dst":"10.20.0.5","state":["INCOMPLETE"]}]', undefined],
    ['who did not answer', '[{"dst":"10.20.0.5","lladdr":"52:54:00:00:00:01","state":["FAILED"]}]', undefined],
    ['on no Ethernet', '[{"dst":"10.20.0.5","lladdr":"10.0.0.1","state":["REACHABLE"]}]', undefined],
    ['of nobody', '[]', undefined],
    ['of nobody, by an older ip', '', undefined],
  ] as const)
    it(`${what} has ${mac ?? 'no MAC address'}`, () => assert.equal(readNeighbour(stdout), mac));

  it('is not guessed from what is no print of ip', () => {
    for (const stdout of ['{', '{}', '[{}]', 'RTNETLINK answers']) assert.throws(() => readNeighbour(stdout));
  });
});
