import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { networkProblem } from './network-rules.ts';

const taken = [{ address: '10.9.0.11', by: 'the node hv1' }];
const range = (from: string, to: string) => ({ from, to });

describe('networks that machines boot from', () => {
  for (const [address, given, problem] of [
    ['10.9.0.1/24', range('10.9.0.100', '10.9.0.199'), undefined],
    ['10.9.0.1/24', null, undefined],
    ['10.9.0.1/31', null, '10.9.0.0/31 has no room for machines'],
    ['10.9.0.0/24', null, 'the primary cannot have 10.9.0.0: it is the address of 10.9.0.0/24 itself'],
    ['10.9.0.11/24', null, '10.9.0.11 is taken by the node hv1'],
    ['10.9.0.1/24', range('10.8.0.2', '10.9.0.9'), 'machines cannot have 10.8.0.2: it is not in 10.9.0.0/24'],
    ['10.9.0.1/24', range('10.9.0.9', '10.9.0.8'), '10.9.0.9 comes after 10.9.0.8'],
    ['10.9.0.1/24', range('10.9.0.1', '10.9.0.8'), '10.9.0.1 of the primary is in 10.9.0.1-10.9.0.8'],
    ['10.9.0.1/24', range('10.9.0.10', '10.9.0.20'), '10.9.0.11 of the node hv1 is in 10.9.0.10-10.9.0.20'],
  ] as const)
    it(`${address} ${given === null ? 'with another server' : `${given.from}-${given.to}`}`, () =>
      assert.equal(networkProblem({ device: 'eno2', address, range: given, port: 7380 }, taken), problem));
});
