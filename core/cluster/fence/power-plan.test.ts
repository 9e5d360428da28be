import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FencePower, type FenceStatus, freshFence } from '../../model/fence-kind.ts';
import { type FencingPolicy, fencingOf } from '../../model/fencing-policy.ts';
import { byHandMs, type DeadPower, freshPower, isSwitchedByHand, planPower, restMs, staysOff } from './power-plan.ts';

const hourMs = 3_600_000;
const nowMs = 10 * hourMs;

const plan = (
  more: {
    readonly policy?: Partial<FencingPolicy>;
    readonly dead?: Partial<DeadPower> | null;
    readonly status?: Partial<FenceStatus>;
  } = {},
) => {
  const dead: DeadPower = {
    policy: { ...fencingOf(undefined), ...more.policy },
    ...{ bootId: 'a', switchedOnMs: [], restsMs: 0 },
    ...more.dead,
  };
  const doc = {
    ...{ id: '0000000000000000', specVersion: 0, birth: '1', statusVersion: 0 },
    spec: { node: 'hv1', openedMs: 0, by: 'pvc' },
    status: { ...freshFence, ...more.status },
  };
  const { steps, againInMs } = planPower(doc, more.dead === null ? undefined : dead, nowMs);
  return [steps.map((step) => step.do).join(), againInMs];
};

const off = (bootId = 'a'): FenceStatus['evidence'] => [
  { kind: 'power', by: 'its BMC', text: 'reads off', covers: ['machine'], atMs: 5, bootId },
];
const cut = (more: Partial<FencePower> = {}): FencePower => ({
  ...freshPower('reads off', 5),
  cut: { bootId: 'a', atMs: 4 },
  ...more,
});

describe('power that is switched by hand', () => {
  const tasks = (action: string, state: 'running' | 'succeeded' | 'failed', endedMs?: number, node = 'hv1') => [
    {
      spec: { action: 'node.power', target: { kind: 'node', id: node, label: node }, input: { action } },
      status: { state, ...(endedMs === undefined ? {} : { endedMs }) },
    } as never,
  ];

  for (const [what, given, crossed] of [
    ['is being switched', tasks('off', 'running'), true],
    ['was switched on just now', tasks('cycle', 'succeeded', nowMs - 1), true],
    ['was switched on long ago', tasks('on', 'succeeded', nowMs - byHandMs), false],
    ['could not be switched', tasks('on', 'failed', nowMs - 1), false],
    ['was switched off', tasks('off', 'succeeded', nowMs - 1), false],
    ['is that of another node', tasks('on', 'running', undefined, 'hv2'), false],
  ] as const)
    it(`${crossed ? 'is not crossed' : 'is no matter'} when it ${what}`, () =>
      assert.equal(isSwitchedByHand(given, 'hv1', nowMs), crossed));
});

describe('the power of a dead node', () => {
  it('is cut, or only read, or left alone, by policy', () => {
    assert.deepEqual(plan(), ['cut', 5_000]);
    assert.deepEqual(plan({ policy: { power: 'read' } }), ['read', 5_000]);
    assert.deepEqual(plan({ policy: { power: 'never' } }), ['', 5_000]);
  });

  it('is left alone when the node lives, has no BMC, or is in maintenance; and when the fence has ended', () => {
    assert.deepEqual(plan({ dead: null }), ['', 5_000]);
    assert.deepEqual(plan({ status: { state: 'ended' } }), ['', undefined]);
  });

  it('is tried again when its BMC has rested', () => {
    assert.deepEqual(plan({ dead: { restsMs: 1_200 } }), ['', 1_200]);
    assert.deepEqual(plan({ dead: { restsMs: 300_000 } }), ['', 5_000]);
    assert.deepEqual(
      [1, 2, 30].map((tries) => restMs(tries, true)),
      [5_000, 10_000, 60_000],
    );
    assert.equal(restMs(1, false), 300_000);
  });

  it('is not cut twice in one life of the machine, and is in the next', () => {
    assert.deepEqual(plan({ status: { evidence: off() } }), ['', undefined]);
    assert.deepEqual(plan({ status: { evidence: off('before') } }), ['cut', 5_000]);
  });

  it('is given again once all is settled, where PVC has cut it', () => {
    const evidence = off();
    assert.deepEqual(plan({ status: { evidence, power: cut() } }), ['', undefined]);
    assert.deepEqual(plan({ status: { evidence, power: cut(), settledMs: 6 } }), ['on', 5_000]);
    assert.deepEqual(plan({ status: { evidence, power: freshPower('reads off', 5), settledMs: 6 } }), ['', undefined]);
    const before = cut({ cut: { bootId: 'before', atMs: 1 } });
    const read = [...evidence, ...evidence.map((one) => ({ ...one, bootId: 'before', atMs: 2 }))];
    assert.deepEqual(plan({ status: { evidence: read, power: before, settledMs: 6 } }), ['', undefined]);
    assert.deepEqual(plan({ status: { evidence, power: before, settledMs: 6 } }), ['on', 5_000], 'the order came late');
  });

  it('is given again until its BMC reads on, which counts once', () => {
    const told = (more: Partial<FencePower>) => ({ evidence: off(), power: cut({ onMs: [7], ...more }), settledMs: 6 });
    const often = { switchedOnMs: [nowMs - 3, nowMs - 2, nowMs - 1] };
    assert.deepEqual(plan({ status: told({}), dead: often }), ['on', 5_000]);
    assert.deepEqual(plan({ status: told({ readsOn: true }), dead: often }), ['', undefined]);
  });

  it('is not given again by policy, nor to a node that dies again and again, and the reason is told once', () => {
    const status = { evidence: off(), power: cut(), settledMs: 6 };
    assert.deepEqual(plan({ status, policy: { powerOn: false } }), ['leave off', 60_000]);
    const often = { switchedOnMs: [nowMs - 3, nowMs - 2, nowMs - 1] };
    assert.deepEqual(plan({ status, dead: often }), ['leave off', 60_000]);
    const why = staysOff(fencingOf(undefined), often.switchedOnMs, nowMs);
    assert.match(why ?? '', /3 times within the last hour/);
    assert.deepEqual(plan({ status: { ...status, power: cut({ staysOff: why ?? '' }) }, dead: often }), ['', 60_000]);
    assert.deepEqual(plan({ status, dead: { switchedOnMs: [1, 2, nowMs - 1] } }), ['on', 5_000]);
  });
});
