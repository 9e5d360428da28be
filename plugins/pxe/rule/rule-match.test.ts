import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import type { Hardware } from '../machine/machine-kind.ts';
import { type RuleSpec, ruleSpec } from './rule-kind.ts';
import { freeAddress, freeName, matches, rangeProblem } from './rule-match.ts';

const mac = '3c:ec:ef:12:34:56';
const told: Hardware = {
  ...{ uuid: null, manufacturer: 'Dell Inc.', product: 'PowerEdge R650', serial: 'ABC1234', memoryMiB: 65_536 },
  ...{ disks: [], nics: [] },
};

describe('a machine and a rule', () => {
  const cases: readonly (readonly [RuleSpec['match'], boolean])[] = [
    [{}, true],
    [{ mac: '3c:ec:ef' }, true],
    [{ mac }, true],
    [{ mac: '3c:ec:e0' }, false],
    [{ manufacturer: 'dell*' }, true],
    [{ manufacturer: 'Dell Inc.' }, true],
    [{ manufacturer: 'Dell IncX' }, false],
    [{ manufacturer: 'dell' }, false],
    [{ product: '*R6*' }, true],
    [{ product: 'PowerEdge R.50' }, false],
    [{ product: 'PowerEdge (R650' }, false],
    [{ product: '*' }, true],
    [{ serial: 'ABC*' }, true],
    [{ minMemoryMiB: 65_536 }, true],
    [{ minMemoryMiB: 65_537 }, false],
    [{ manufacturer: 'dell*', product: 'R7*' }, false],
  ];
  for (const [match, expected] of cases)
    it(`${JSON.stringify(match)} ${expected ? 'fit' : 'do not fit'}`, () =>
      assert.equal(matches({ match }, mac, told), expected));

  it('what a machine does not tell fits nothing', () => {
    const silent: Hardware = { ...told, manufacturer: null, product: null, serial: null, memoryMiB: null };
    for (const match of [{ manufacturer: '*' }, { product: '*' }, { serial: '*' }, { minMemoryMiB: 1 }])
      assert.equal(matches({ match }, mac, silent), false, JSON.stringify(match));
    assert.equal(matches({ match: {} }, mac, silent), true);
  });
});

it('a name is the first free one by number', () => {
  for (const [pattern, taken, expected] of [
    ['hv#', [], 'hv1'],
    ['hv#', ['hv1', 'hv2', 'hv4'], 'hv3'],
    ['node-##', ['node-01'], 'node-02'],
    ['n##', Array.from({ length: 99 }, (_, at) => `n${String(at + 1).padStart(2, '0')}`), 'n100'],
  ] as const)
    assert.equal(freeName(pattern, new Set(taken)), expected);
});

it('an address is the first free one of the range, of either family', () => {
  for (const [from, to, taken, expected] of [
    ['10.10.0.20', '10.10.0.22', ['10.10.0.20', 'fd00::1'], '10.10.0.21'],
    ['10.10.0.255', '10.10.1.1', ['10.10.0.255'], '10.10.1.0'],
    ['10.10.0.20', '10.10.0.21', ['10.10.0.20', '10.10.0.21'], undefined],
    ['fd00::a', 'fd00::b', ['fd00:0::a'], 'fd00::b'],
  ] as const)
    assert.equal(freeAddress({ from, to }, taken), expected);
});

it('addresses that a rule gives are in its range, and each is given once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 250 }), fc.integer({ min: 0, max: 5 }), (first, more) => {
      const [from, to] = [`10.10.0.${first}`, `10.10.0.${Math.min(255, first + more)}`];
      const given: string[] = [];
      for (;;) {
        const one = freeAddress({ from, to }, given);
        if (one === undefined) break;
        given.push(one);
      }
      assert.equal(new Set(given).size, given.length);
      assert.deepEqual([given[0], given.at(-1)], [from, to]);
      assert.ok(given.every((one) => ipaddr.IPv4.isValid(one)));
    }),
  );
});

it('a range is one of the cluster network', () => {
  for (const [from, to, expected] of [
    ['10.10.0.20', '10.10.0.40', undefined],
    ['10.10.0.40', '10.10.0.20', /comes after/],
    ['10.10.0.0', '10.10.0.9', /10\.10\.0\.0/],
    ['10.10.0.20', '10.10.0.255', /broadcast/],
    ['10.11.0.1', '10.11.0.2', /not in 10\.10\.0\.0\/24/],
    ['fd00::1', 'fd00::2', /not in/],
  ] as const) {
    const problem = rangeProblem('10.10.0.0/24', { from, to });
    if (expected === undefined) assert.equal(problem, undefined);
    else assert.match(problem ?? '', expected);
  }
  assert.match(rangeProblem('10.0.0.0/8', { from: '10.0.0.1', to: '10.200.0.1' }) ?? '', /more than 4096/);
});

it('a rule that is written wrong is none', () => {
  const right = { match: { mac: '3C:EC:EF' }, name: 'hv#', addresses: { from: '10.10.0.20', to: '10.10.0.40' } };
  assert.equal(ruleSpec.parse(right).match.mac, '3c:ec:ef');
  for (const wrong of [
    { ...right, name: 'hv' },
    { ...right, name: '-#' },
    { ...right, name: 'hv#x' },
    { ...right, name: 'HV#' },
    { ...right, name: '#####' },
    { ...right, match: { mac: '3c:e' } },
    { ...right, match: { product: 'a\nb' } },
    { ...right, match: { product: '' } },
    { ...right, match: { colour: 'red' } },
    { ...right, addresses: { from: '10.10.0', to: '10.10.0.40' } },
  ])
    assert.equal(ruleSpec.safeParse(wrong).success, false, JSON.stringify(wrong));
});
