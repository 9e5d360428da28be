import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Doc, NodeSpec, NodeStatus } from '../../core/plugin/api.ts';
import { nodeStatus } from '../../test/fixtures/node-status.ts';
import type { VmDoc } from './guest-control.ts';
import { Ledger } from './ledger.ts';
import { type Candidate, candidates, choose, type Wanted } from './placement.ts';
import type { Rule } from './rule/rule-kind.ts';
import { type VmSpec, vmSpec } from './schema.ts';

const node = (
  id: string,
  memoryMiB = 8192,
  more: {
    cpus?: number;
    availableMiB?: number;
    load1?: number;
    state?: NodeSpec['domainState'];
    silent?: boolean;
  } = {},
): Doc<NodeSpec, NodeStatus> => ({
  id,
  spec: { role: 'coordinator', domainState: more.state ?? 'ready' },
  specVersion: 0,
  birth: '1',
  statusVersion: more.silent === true ? undefined : 0,
  status:
    more.silent === true
      ? undefined
      : nodeStatus(id, { memoryMiB, cpus: more.cpus, availableMiB: more.availableMiB, load1: more.load1 }),
});

let guests = 0;
const guest = (on: string, spec: Partial<VmSpec> = {}): VmDoc => ({
  id: `${(guests += 1)}`,
  spec: vmSpec.parse({
    name: `g${guests}`,
    run: 'running',
    node: on,
    memoryMiB: 1024,
    vcpus: 2,
    definition: '<domain/>',
    ...spec,
  }),
  specVersion: 0,
  birth: '1',
  status: undefined,
  statusVersion: undefined,
});

const request = (more: Partial<Wanted> = {}): Wanted => ({
  name: 'new',
  memoryMiB: 512,
  vcpus: 1,
  nics: [],
  limit: [],
  ...more,
});

const judge = (
  wanted: readonly Wanted[],
  nodes: readonly ReturnType<typeof node>[],
  alive: ReadonlySet<string>,
  there: readonly VmDoc[] = [],
  rules: readonly Rule[] = [],
): Candidate[] => candidates(wanted, new Ledger({ nodes, alive, guests: there, rules }));

describe('candidates', () => {
  const alive = new Set(['a']);
  for (const [what, asked, one, reason] of [
    ['that fits', request(), node('a'), undefined],
    ['whose daemon does not run', request(), node('b'), /daemon does not run/],
    ['that is being emptied', request(), node('a', 8192, { state: 'flush' }), /takes no guests \(flush\)/],
    ['that is empty', request(), node('a', 8192, { state: 'flushed' }), /takes no guests/],
    ['that the guest must not use', request({ limit: ['b'] }), node('a'), /limited to other nodes/],
    ['that is among those the guest may use', request({ limit: ['b', 'a'] }), node('a'), undefined],
    ['that has said nothing yet', request(), node('a', 0, { silent: true }), /not told its resources/],
    ['as small as the guest', request({ memoryMiB: 8192 }), node('a'), /has 8192 MiB of memory in all/],
    ['with just the room that the guest needs', request({ memoryMiB: 8192 - 256 }), node('a'), undefined],
    ['a little larger than the guest', request({ memoryMiB: 8191 }), node('a'), /only 7936 MiB .* not promised/],
    ['with far too few CPUs', request({ vcpus: 65 }), node('a'), /has 4 CPUs/],
    ['with CPUs that are shared', request({ vcpus: 64 }), node('a'), undefined],
  ] as const) {
    it(`a node ${what} is ${reason === undefined ? 'taken' : 'refused with the reason'}`, () => {
      const [found] = judge([asked], [one], alive);
      if (reason === undefined) assert.deepEqual(found?.refusals, []);
      else assert.match(found?.refusals.join() ?? '', reason);
    });
  }

  it('count what is promised and what runs', () => {
    const [a, b] = judge([request()], [node('a'), node('b')], alive, [
      guest('a'),
      guest('a', { run: 'stopped', memoryMiB: 2048 }),
      guest('a', { run: 'disabled' }),
      guest('b'),
    ]);
    assert.deepEqual([a?.memoryUnpromisedMiB, a?.vcpus, a?.guests], [8192 - 1024 - 2048, 2, 1]);
    assert.deepEqual([b?.memoryUnpromisedMiB, b?.vcpus, b?.guests], [8192 - 1024, 2, 1]);
  });

  it('tell every reason at once', () => {
    const [found] = judge([request({ limit: ['x'], memoryMiB: 9000 })], [node('b', 8192, { state: 'flush' })], alive);
    assert.equal(found?.refusals.length, 4);
  });
});

describe('rules', () => {
  const alive = new Set(['a', 'b', 'c']);
  const nodes = [node('a'), node('b'), node('c')];
  const rule = (kind: Rule['kind'], strict: boolean, ...names: string[]): Rule => ({
    name: 'r1',
    kind,
    strict,
    guests: names,
  });
  const against = (found: readonly Candidate[]): string[][] => found.map((one) => [...one.refusals, ...one.unkept]);
  const [one, two] = [guest('a', { name: 'one' }), guest('b', { name: 'two', transfer: { to: 'c', task: 't' } })];

  it('refuse a node where, or on its way where, one is that must be apart', () =>
    assert.deepEqual(against(judge([one.spec], nodes, alive, [one, two], [rule('apart', true, 'one', 'two')])), [
      [],
      ['the rule r1 keeps one apart from two, which is there'],
      ['the rule r1 keeps one apart from two, which is on its way there'],
    ]));

  it('refuse every node but the one where its companion is going', () =>
    assert.deepEqual(against(judge([one.spec], nodes, alive, [one, two], [rule('together', true, 'one', 'two')])), [
      ['the rule r1 keeps one together with two, which is on c'],
      ['the rule r1 keeps one together with two, which is on c'],
      [],
    ]));

  it('do not count a guest that is disabled and off', () => {
    const off = { ...two, spec: { ...two.spec, run: 'disabled' as const } };
    const found = judge([one.spec], nodes, alive, [one, off], [rule('apart', true, 'one', 'two')]);
    assert.deepEqual(against(found), [[], [], []]);
  });

  it('that are only preferred decide before the selector, and refuse nothing', () => {
    const found = judge([one.spec], nodes, alive, [one, two], [rule('together', false, 'one', 'two')]);
    assert.deepEqual(
      found.map(({ refusals }) => refusals.length),
      [0, 0, 0],
    );
    assert.equal(choose(found, 'mem')?.node, 'c');
  });

  it('need room for all that go together', () => {
    const both = [request({ name: 'one', memoryMiB: 5000 }), request({ name: 'two', memoryMiB: 5000 })];
    assert.match(against(judge(both, nodes, alive)).join(), /has 8192 MiB of memory in all/);
  });
});

describe('the choice', () => {
  const one = (name: string, more: Partial<Candidate> = {}): Candidate => ({
    node: name,
    memoryMiB: 8192,
    memoryAvailableMiB: 1000,
    memoryUnpromisedMiB: 1000,
    cpus: 4,
    load1: 1,
    vcpus: 4,
    guests: 4,
    noRoom: undefined,
    refusals: [],
    unkept: [],
    ...more,
  });
  for (const [selector, better] of [
    ['mem', { memoryAvailableMiB: 1001 }],
    ['memprov', { memoryUnpromisedMiB: 1001 }],
    ['load', { load1: 0.5 }],
    ['vcpus', { vcpus: 3 }],
    ['vms', { guests: 3 }],
  ] as const) {
    it(`by ${selector} falls on the best, not on one with a reason against it`, () => {
      const best = { memoryAvailableMiB: 9999, memoryUnpromisedMiB: 9999, load1: 0, vcpus: 0, guests: 0 };
      assert.equal(
        choose([one('a'), one('b', better), one('c'), one('d', { ...best, refusals: ['no'] })], selector)?.node,
        'b',
      );
    });
  }
  it('falls on the first name among equals, in whatever order they stand', () =>
    assert.equal(choose([one('c'), one('a'), one('b')], 'mem')?.node, 'a'));
  it('is nobody when all are refused', () => assert.equal(choose([one('a', { refusals: ['no'] })], 'mem'), undefined));
});
