import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { el } from './domain/xml.ts';
import type { LiveGuest, VmDoc } from './guest-control.ts';
import { noEnds } from './guest-ends.ts';
import { type GuestObserved, planGuest, restartPauseMs } from './guest-plan.ts';
import { vmSpec } from './schema.ts';

const doc = (run: 'running' | 'stopped' | 'disabled'): VmDoc => ({
  id: '11111111-1111-4111-8111-111111111111',
  spec: vmSpec.parse({ name: 'web1', run, node: 'hv1', memoryMiB: 128, vcpus: 1, definition: '<domain/>' }),
  specVersion: 0,
  birth: '1',
  status: undefined,
  statusVersion: undefined,
});

const live = (more: Partial<LiveGuest> = {}): LiveGuest => ({
  id: 1,
  state: 'running',
  reason: 'booted',
  inTransit: false,
  xml: el('domain'),
  ours: true,
  accelerator: 'tcg',
  vnc: undefined,
  startedFrom: undefined,
  startedFromVersion: 0,
  notes: [],
  ...more,
});

const seen = (more: Partial<GuestObserved> = {}): GuestObserved => ({
  connected: true,
  guest: undefined,
  task: undefined,
  differences: undefined,
  ends: noEnds,
  ...more,
});

const stepsOf = (want: VmDoc | undefined, observed: GuestObserved): string[] =>
  planGuest(want, observed, 'web1').steps.map(({ text }) => text);

const nic = el('interface', { type: 'bridge' }, el('mac', { address: '52:54:00:00:00:01' }));
const disk = el('disk', { type: 'file' }, el('target', { dev: 'vdb' }));

describe('what a node does for a guest', () => {
  for (const [what, want, observed, steps] of [
    ['starts one that is meant to run and does not', doc('running'), seen(), ['start web1']],
    ['leaves one that runs as it is meant to', doc('running'), seen({ guest: live() }), []],
    ['leaves one that is paused', doc('running'), seen({ guest: live({ state: 'paused' }) }), []],
    ['leaves one that is about to end', doc('running'), seen({ guest: live({ state: 'stopping' }) }), []],
    [
      'ends one that has crashed, and looks again',
      doc('running'),
      seen({ guest: live({ state: 'crashed' }) }),
      ['end web1: it has crashed'],
    ],
    [
      'ends one that has stopped and is still there, and looks again',
      doc('running'),
      seen({ guest: live({ state: 'stopped' }) }),
      ['end web1: it has stopped'],
    ],
    [
      'ends one that is meant to be stopped',
      doc('stopped'),
      seen({ guest: live() }),
      ['end web1: it is meant to be stopped'],
    ],
    [
      'ends one that is meant to be disabled, also paused',
      doc('disabled'),
      seen({ guest: live({ state: 'paused' }) }),
      ['end web1: it is meant to be disabled'],
    ],
    ['leaves one that is stopped as it is meant to be', doc('stopped'), seen(), []],
    ['leaves one that is disabled', doc('disabled'), seen(), []],
    [
      'ends one of ours that is not defined any more',
      undefined,
      seen({ guest: live() }),
      ['end web1: it is not defined on this node any more'],
    ],
    ['leaves one that somebody else runs', undefined, seen({ guest: live({ ours: false }) }), []],
    ['starts nothing on a machine that goes down', doc('running'), seen({ leaving: true }), []],
    ['has nothing to do for one that is gone', undefined, seen(), []],
    ['does nothing while libvirt is away', doc('running'), seen({ connected: false }), []],
    ['does nothing to an orphan while libvirt is away', undefined, seen({ connected: false, guest: live() }), []],
    ['does nothing while a task is at work', doc('stopped'), seen({ task: '1', guest: live() }), []],
    [
      'takes out, changes and plugs in, in this order',
      doc('running'),
      seen({ guest: live(), differences: { attach: [disk], detach: [nic], update: [nic], restart: ['memory'] } }),
      [
        'detach network card 52:54:00:00:00:01 of web1 while it runs',
        'change network card 52:54:00:00:00:01 of web1 while it runs',
        'attach disk vdb of web1 while it runs',
      ],
    ],
    [
      'does not plug into one that is paused',
      doc('running'),
      seen({ guest: live({ state: 'paused' }), differences: { attach: [disk], detach: [], update: [], restart: [] } }),
      [],
    ],
    [
      'does not plug into one that is meant to stop',
      doc('stopped'),
      seen({ guest: live(), differences: { attach: [disk], detach: [], update: [], restart: [] } }),
      ['end web1: it is meant to be stopped'],
    ],
  ] as const) {
    it(what, () => assert.deepEqual(stepsOf(want, observed), steps));
  }

  it('looks again half a second after it has ended what is still there', () => {
    for (const state of ['crashed', 'stopped'] as const)
      assert.equal(planGuest(doc('running'), seen({ guest: live({ state }) }), 'web1').againInMs, 500);
  });

  it('gives each step a deadline', () => {
    for (const observed of [seen(), seen({ guest: live({ state: 'crashed' }) })])
      for (const step of planGuest(doc('running'), observed, 'web1').steps) assert.ok(step.timeoutMs >= 10_000);
  });
});

describe('a guest that ends again and again', () => {
  const crashing = (crashes?: VmDoc['spec']['crashes']): VmDoc => {
    const base = doc('running');
    return { ...base, spec: { ...base.spec, restart: { tries: 2, then: 'move' }, ...(crashes && { crashes }) } };
  };
  const on = [{ node: 'hv2', ends: 3, reason: 'crashed' }];
  const after = (count: number) => ({ ends: { count, lastMs: 0, agoMs: 100_000, reason: 'crashed' } });

  it('is given up once it has ended more often than it is to be started again', () => {
    assert.deepEqual(stepsOf(crashing(), seen(after(2))), ['start web1']);
    assert.deepEqual(stepsOf(crashing(), seen(after(3))), ['give web1 up here: it has ended 3 times (crashed)']);
    assert.deepEqual(stepsOf(crashing(), seen({ ...after(3), guest: live({ state: 'crashed' }) })), [
      'end web1: it has crashed',
    ]);
  });

  it('is not started any more when it has failed', () => {
    assert.deepEqual(planGuest(crashing({ on, failed: 'all' }), seen(), 'web1'), { steps: [] });
    assert.deepEqual(stepsOf(crashing({ on, failed: 'all' }), seen({ guest: live({ state: 'crashed' }) })), [
      'end web1: it has crashed',
    ]);
  });

  it('is forgiven once it has run steadily', () => {
    const running = { guest: live(), steadyInMs: 7_000 };
    assert.deepEqual(planGuest(crashing({ on }), seen(running), 'web1'), { steps: [], againInMs: 7_000 });
    assert.deepEqual(stepsOf(crashing({ on }), seen({ ...running, steadyInMs: 0 })), [
      'forget that web1 was given up: it runs steadily',
    ]);
  });

  // The task's end is told where it was carried out; a cold move ends on the node that the guest has left.
  it('is looked at again while a task holds it', () =>
    assert.deepEqual(planGuest(doc('running'), seen({ task: '1' }), 'web1'), { steps: [], againInMs: 1_000 }));

  it('of an old copy, while its guest is moved between other nodes: nothing else would tell when it may be ended', () => {
    assert.deepEqual(planGuest(undefined, seen({ task: '1', guest: live() }), 'web1'), { steps: [], againInMs: 1_000 });
    assert.deepEqual(planGuest(undefined, seen({ task: '1' }), 'web1'), { steps: [] });
  });

  it('is looked at again before it is started, when its end was seen before it was told', () => {
    const status: VmDoc['status'] = {
      state: 'running',
      reason: 'booted',
      node: 'hv1',
      sinceMs: 1,
      restartNeeded: [],
      notes: [],
      conditions: [],
    };
    assert.deepEqual(planGuest({ ...doc('running'), status }, seen(), 'web1'), { steps: [], againInMs: 500 });
    const told = { ...doc('running'), status: { ...status, state: 'stopped' as const } };
    assert.equal(planGuest(told, seen(), 'web1').steps.length, 1);
    const elsewhere = { ...doc('running'), status: { ...status, node: 'hv2' } };
    assert.equal(planGuest(elsewhere, seen(), 'web1').steps.length, 1, 'of its end elsewhere nobody here is told');
  });

  it('is started after longer and longer pauses', () =>
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 8, 9, 50].map(restartPauseMs),
      [0, 500, 1000, 2000, 4000, 8000, 60_000, 60_000, 60_000],
    ));

  for (const [count, agoMs, startsNow] of [
    [0, 0, true],
    [1, 499, false],
    [1, 500, true],
    [2, 999, false],
    [2, 1000, true],
    [4, 1000, false],
    [50, 59_999, false],
    [50, 60_000, true],
  ] as const) {
    it(`${count} times, last ${agoMs} ms ago, is ${startsNow ? 'started' : 'looked at again when it is due'}`, () => {
      const plan = planGuest(doc('running'), seen({ ends: { count, lastMs: 0, agoMs, reason: 'crashed' } }), 'web1');
      assert.equal(plan.steps.length, startsNow ? 1 : 0);
      assert.equal(plan.againInMs, startsNow ? undefined : restartPauseMs(count) - agoMs);
    });
  }
});
