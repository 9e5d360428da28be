import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TrackedSession } from '../../store/session-state.ts';
import { Steadiness } from './death-controller.ts';

describe('how long the store has been reached', () => {
  const begun = (signal = new AbortController().signal) => {
    const now = { ms: 0 };
    const session = new TrackedSession(() => 0);
    return { now, session, steadiness: new Steadiness(session, () => now.ms, signal) };
  };

  it('begins anew with an outage, at its end', () => {
    const { now, session, steadiness } = begun();
    for (const [ms, act] of [
      [1_000, () => session.become('suspended')],
      [5_500, () => session.become('lost')],
      [9_000, () => session.renew()],
    ] as const) {
      now.ms = ms;
      act();
    }
    assert.equal(steadiness.sinceMs, 9_000);
  });

  it('goes on through a break that the lease outlasts, as when the leader of the ensemble dies', () => {
    const { now, session, steadiness } = begun();
    now.ms = 1_000;
    session.become('suspended');
    now.ms = 2_000;
    session.become('live');
    assert.equal(steadiness.sinceMs, 0);
  });

  it('is not counted any more when nobody judges', () => {
    const ending = new AbortController();
    const { now, session, steadiness } = begun(ending.signal);
    ending.abort();
    now.ms = 1_000;
    session.become('lost');
    assert.equal(steadiness.sinceMs, 0);
  });
});
