import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FaultReport } from '../../fault/fault-book.ts';
import { createVirtualHost } from '../../host/virtual-host.ts';
import { TrackedSession } from '../../store/session-state.ts';
import { type PeerWord, reachOf } from './finding.ts';
import { Liveness, patienceAfterOutageMs, patienceMs } from './liveness.ts';

/** The node hv1 of three coordinators, whose session is lost when the test says so. */
function setUp(given: { readonly coordinators?: readonly string[] } = {}) {
  const host = createVirtualHost();
  const { clock } = host;
  let leaseUntilMs = 4_500;
  const session = new TrackedSession(() => leaseUntilMs);
  const words = new Map<string, PeerWord>();
  const faults = new Map<string, FaultReport>();
  const ends: number[] = [];
  const overs: number[] = [];
  let guests = ['web'];
  const liveness = new Liveness({
    host,
    node: 'hv1',
    session,
    faults: { raise: (id, report) => void faults.set(id, report), clear: (id) => void faults.delete(id) },
    peers: {
      list: async () =>
        (given.coordinators ?? ['hv1', 'hv2', 'hv3']).map((node) => ({ node, address: `10.0.0.${node.slice(2)}` })),
      ask: async ({ node }, signal) => {
        await clock.sleep(5, signal);
        const word = words.get(node) ?? 'silent';
        if (word === 'silent') await clock.sleep(60_000, signal);
        return word === 'reaches' ? reachOf(node, 'live', 4_000) : reachOf(node, 'lost', 0);
      },
    },
    async end() {
      ends.push(clock.monotonicMs());
      const ended = guests;
      guests = [];
      return { ended, left: [] };
    },
    over: () => overs.push(clock.monotonicMs()),
  });
  const stop = new AbortController();
  liveness.run(stop.signal);
  return {
    clock,
    liveness,
    faults,
    ends,
    overs,
    stop,
    say(hv2: PeerWord, hv3: PeerWord) {
      words.set('hv2', hv2).set('hv3', hv3);
    },
    async lose() {
      await clock.advance(leaseUntilMs - clock.monotonicMs());
      session.become('lost');
    },
    return() {
      leaseUntilMs = clock.monotonicMs() + 4_500;
      session.renew();
    },
  };
}

describe('a node that has lost the store', () => {
  it('ends its guests when others reach it, after a moment in which the session may be back', async () => {
    const { clock, liveness, ends, say, lose } = setUp();
    say('reaches', 'silent');
    await lose();
    await clock.advance(patienceMs - 1);
    assert.deepEqual([liveness.loss?.finding, liveness.mayBeCutOff, ends.length], [undefined, true, 0]);
    await clock.advance(1_200);
    assert.deepEqual([liveness.loss?.finding, liveness.loss?.ended], ['isolated', ['web']]);
    assert.ok((ends[0] ?? 0) <= 4_500 + patienceMs + 1_000, `ended at ${ends[0]}`);
    assert.deepEqual(
      liveness.loss?.words.map(({ word }) => word),
      ['does not', 'reaches', 'silent'],
    );
  });

  it('ends nothing when the session is back in time', async () => {
    const { clock, liveness, ends, faults, say, lose, ...node } = setUp();
    say('reaches', 'reaches');
    await lose();
    await clock.advance(patienceMs - 100);
    node.return();
    await clock.advance(60_000);
    assert.deepEqual([ends, [...faults], liveness.loss, liveness.lastLoss], [[], [], undefined, undefined]);
  });

  it('ends its guests when nobody can be reached', async () => {
    const { clock, ends, lose } = setUp();
    await lose();
    await clock.advance(patienceMs + 1_000);
    assert.equal(ends.length, 1);
  });

  it('keeps its guests for as long as nobody reaches the store', async () => {
    const { clock, liveness, ends, overs, faults, say, lose, ...node } = setUp();
    say('does not', 'does not');
    await lose();
    await clock.advance(300_000);
    assert.deepEqual([liveness.loss?.finding, liveness.mayBeCutOff, ends], ['outage', false, []]);
    node.return();
    await clock.advance(100);
    assert.deepEqual([liveness.lastLoss?.finding, [...faults], overs], ['outage', [], []]);
    await clock.advance(10_000);
    assert.equal(overs.length, 1, 'it may have been taken for a cut at first, and something have failed');
  });

  it('takes its time to come back after an outage, when others are back already', async () => {
    const { clock, ends, say, lose } = setUp();
    say('does not', 'silent');
    await lose();
    await clock.advance(30_000);
    say('reaches', 'reaches');
    await clock.advance(patienceAfterOutageMs - 500);
    assert.deepEqual(ends, []);
    await clock.advance(2_000);
    assert.equal(ends.length > 0, true);
  });

  it('ends again what has come meanwhile, and tells all of it by a fault when it is back', async () => {
    const { clock, ends, overs, faults, say, lose, ...node } = setUp();
    say('reaches', 'reaches');
    await lose();
    await clock.advance(patienceMs + 10_000);
    assert.ok(ends.length > 5, `${ends.length} times`);
    node.return();
    await clock.advance(100);
    assert.match(faults.get('node.isolated:hv1')?.message ?? '', /hv1 was cut off .* has ended web\./);
    await clock.advance(10_000);
    assert.deepEqual([faults.size, overs.length], [0, 1]);
  });

  for (const [why, spec, policy] of [
    ['the policy is to keep them', { isolation: 'keep', maintenance: false }, 'keep'],
    ['nobody is taken for dead in maintenance', { maintenance: true }, 'maintenance'],
  ] as const)
    it(`keeps its guests when ${why}`, async () => {
      const { clock, liveness, ends, say, lose } = setUp();
      liveness.learn(spec);
      say('reaches', 'reaches');
      await lose();
      await clock.advance(60_000);
      assert.deepEqual([liveness.policy, liveness.loss?.finding, ends], [policy, 'isolated', []]);
    });

  it('has nobody to ask where the state is on it alone', async () => {
    const { clock, liveness, ends, lose } = setUp({ coordinators: [] });
    await lose();
    await clock.advance(60_000);
    assert.deepEqual([liveness.loss, liveness.mayBeCutOff, ends], [undefined, false, []]);
  });

  it('watches no more when its daemon stops', async () => {
    const { clock, ends, lose, say, stop } = setUp();
    say('reaches', 'reaches');
    stop.abort();
    await lose();
    await clock.advance(60_000);
    assert.deepEqual([ends, clock.pending], [[], 0]);
  });
});
