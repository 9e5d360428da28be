import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../host/virtual-clock.ts';
import type { TaskView } from '../task/task-view.ts';
import { clientError } from './client-errors.ts';
import { waitTask } from './wait-task.ts';

const view = (state: TaskView['state'], phase = ''): TaskView => ({
  id: 't',
  action: 'vm.start',
  target: { kind: 'vm', id: 'i', label: 'web1' },
  state,
  phase,
  progress: 0,
  message: '',
  cancel: false,
  requestedBy: 'root',
  createdMs: 0,
  timeoutMs: 1,
  attempts: 1,
});

/** Looks that go through the states; the last one is seen again and again. */
function looking(states: readonly (TaskView | Error)[], clock: VirtualClock) {
  const atMs: number[] = [];
  return {
    atMs,
    look: async () => {
      atMs.push(clock.monotonicMs());
      const state = states[Math.min(atMs.length, states.length) - 1];
      if (state instanceof Error) throw state;
      return state as TaskView;
    },
  };
}

describe('waiting for a task', () => {
  it('ends with the task, and tells each state on the way once', async () => {
    for (const end of ['succeeded', 'failed', 'cancelled'] as const) {
      const clock = new VirtualClock();
      const { look } = looking(
        [view('pending'), view('running', 'a'), view('running', 'a'), view('running', 'b'), view(end)],
        clock,
      );
      const told: string[] = [];
      const waiting = waitTask(look, clock, { onProgress: (task) => told.push(`${task.state} ${task.phase}`) });
      await clock.advance(2_000);
      assert.equal((await waiting).state, end);
      assert.deepEqual(told, ['pending ', 'running a', 'running b']);
      assert.equal(clock.pending, 0);
    }
  });

  it('looks often at first and once a second later', async () => {
    const clock = new VirtualClock();
    const { look, atMs } = looking([view('running')], clock);
    const stop = new AbortController();
    const waiting = assert.rejects(
      waitTask(look, clock, { signal: stop.signal }),
      (error) => error === stop.signal.reason,
    );
    await clock.advance(30_000);
    stop.abort(new Error('enough'));
    await waiting;
    const gaps = atMs.slice(1).map((at, index) => at - (atMs[index] ?? 0));
    assert.equal(gaps[0], 50);
    assert.equal(Math.max(...gaps), 1_000);
    assert.equal(gaps.at(-1), 1_000);
    assert.ok(atMs.length < 45, `${atMs.length} looks in 30 s`);
    assert.equal(clock.pending, 0);
  });

  it('outlives a restart of the daemon, but not for ever', async () => {
    const down = clientError('DAEMON_DOWN', { server: 's', reason: 'r' });
    const clock = new VirtualClock();
    const restarted = looking([view('running'), down, down, down, view('succeeded')], clock);
    const waiting = waitTask(restarted.look, clock, {});
    await clock.advance(5_000);
    assert.equal((await waiting).state, 'succeeded');

    const gone = looking([view('running'), down], clock);
    const failing = assert.rejects(waitTask(gone.look, clock, {}), { code: 'DAEMON_DOWN' });
    await clock.advance(59_000);
    assert.equal(clock.pending, 1, 'still waits');
    await clock.advance(5_000);
    await failing;
  });

  it('fails at once when the task was never seen, or is refused', async () => {
    const clock = new VirtualClock();
    await assert.rejects(waitTask(looking([clientError('DAEMON_DOWN')], clock).look, clock, {}), {
      code: 'DAEMON_DOWN',
    });
    const lost = assert.rejects(
      waitTask(looking([view('running'), clientError('TARGET_INVALID')], clock).look, clock, {}),
      { code: 'TARGET_INVALID' },
    );
    await clock.advance(100);
    await lost;
  });

  it('does not look when it was stopped before', async () => {
    const clock = new VirtualClock();
    const { look, atMs } = looking([view('running')], clock);
    const reason = new Error('enough');
    await assert.rejects(waitTask(look, clock, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
    assert.equal(atMs.length, 0);
  });
});
