import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Evidence, type FenceStatus, freshFence, proven } from '../../model/fence-kind.ts';
import { fencingOf } from '../../model/fencing-policy.ts';
import { planFence } from './fence-controller.ts';
import { type Death, judge, judgeMs, missedMs, mostAtOnce, unproven } from './fence-plan.ts';

const dead: Death = {
  quiet: false,
  alive: false,
  maintenance: false,
  fenced: false,
  missedForMs: missedMs,
  silentForMs: 0,
  readsOff: false,
  steadyForMs: judgeMs,
};

describe('whether a node is dead', () => {
  it('is dead when its session has ended without a word, and is missed for a while', () => {
    assert.equal(judge(dead), 'now');
    assert.equal(judge({ ...dead, missedForMs: 500 }), missedMs - 500);
  });

  it('is not waited for when its machine has been silent as well', () => {
    assert.equal(judge({ ...dead, missedForMs: 0, silentForMs: missedMs }), 'now');
    assert.equal(judge({ ...dead, missedForMs: 0, silentForMs: missedMs - 1 }), missedMs);
  });

  it('is dead before its session ends when its BMC reads off, and in no other case', () => {
    assert.equal(judge({ ...dead, alive: true, silentForMs: 60_000 }), 'no');
    assert.equal(judge({ ...dead, alive: true, silentForMs: 2_000, readsOff: true }), 'off');
    for (const more of [{ quiet: true }, { maintenance: true }, { fenced: true }, { steadyForMs: judgeMs - 1 }])
      assert.equal(judge({ ...dead, alive: true, readsOff: true, ...more }), 'no');
  });

  it('is not judged by one who has only just come to reach the store', () =>
    assert.equal(judge({ ...dead, steadyForMs: 4_000 }), judgeMs - 4_000));

  for (const [why, more] of [
    ['lives', { alive: true }],
    ['has said that it stops', { quiet: true }],
    ['is fenced already', { fenced: true }],
    ['is in maintenance', { maintenance: true }],
  ] as const)
    it(`is no business of anybody when it ${why}`, () => assert.equal(judge({ ...dead, ...more }), 'no'));

  it('is never one of half the cluster, unless somebody has decided so', () => {
    assert.equal(mostAtOnce(10, 100), 10);
    assert.equal(mostAtOnce(10, 25), 2);
    assert.equal(mostAtOnce(3, 1), 1);
    for (const [nodes, most] of [
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 2],
      [6, 2],
      [7, 3],
    ] as const)
      assert.equal(mostAtOnce(nodes, fencingOf(undefined).atMost), most, `${nodes} nodes`);
  });
});

describe('what is proven', () => {
  const evidence = (covers: string[], bootId = 'a'): Evidence => ({ by: 'x', text: 'y', covers, atMs: 0, bootId });
  const stranded = [
    { object: 'web', needs: ['pool:vms'] },
    { object: 'old', needs: ['machine', 'pool:vms'] },
  ];

  it('is what evidence of this life of the machine covers', () => {
    assert.deepEqual(unproven(stranded, proven([], 'a')), ['machine', 'pool:vms']);
    assert.deepEqual(unproven(stranded, proven([evidence(['pool:vms'])], 'a')), ['machine']);
    assert.deepEqual(unproven(stranded, proven([evidence(['machine'])], 'a')), []);
  });

  it('is nothing once the machine has booted', () =>
    assert.deepEqual(unproven(stranded, proven([evidence(['machine'], 'a')], 'b')), ['machine', 'pool:vms']));
});

describe('what is done with a fence', () => {
  const plan = (
    node: 'dead' | 'alive' | 'gone',
    more: { maintenance?: boolean; needs?: string[][]; rests?: boolean; status?: Partial<FenceStatus> } = {},
  ) =>
    planFence(
      {
        id: '0000000000000000',
        spec: { node: 'hv1', openedMs: 0, by: 'pvc' },
        specVersion: 0,
        birth: '1',
        status: { ...freshFence, ...more.status },
        statusVersion: 0,
      },
      {
        node,
        maintenance: more.maintenance ?? false,
        stranded: (more.needs ?? []).map((needs, at) => ({ object: `g${at}`, needs })),
        rests: more.rests ?? false,
      },
      0,
    ).steps.map((step) => step.do);

  it('proves and recovers while the node is dead', () =>
    assert.deepEqual(plan('dead', { needs: [['pool:vms']] }), ['prove', 'recover']));
  it('proves nothing for guests that can run nowhere else', () =>
    assert.deepEqual(plan('dead', { needs: [[]] }), ['recover']));
  it('does nothing more once all goes on elsewhere and is told', () => {
    assert.deepEqual(plan('dead'), ['recover']);
    assert.deepEqual(plan('dead', { rests: true }), []);
  });
  it('does nothing in maintenance', () =>
    assert.deepEqual(plan('dead', { maintenance: true, needs: [['pool:vms']] }), []));
  it('lets the node in once it is back, in maintenance too', () =>
    assert.deepEqual(plan('alive', { maintenance: true }), ['take back']));
  it('ends with the node', () => assert.deepEqual(plan('gone'), ['end']));
  it('is left alone when it has ended', () => assert.deepEqual(plan('dead', { status: { state: 'ended' } }), []));
});
