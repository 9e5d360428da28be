import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { defineErrors } from '../error/error.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import type { TaskView } from '../task/task-view.ts';
import { fakeClient } from './testing/fake-client.ts';
import type { FakeTerminal } from './testing/fake-terminal.ts';
import { runFake } from './testing/run-fake.ts';

const testError = defineErrors({
  TEST_GONE: { message: 'gone', hint: 'none', http: 404, exit: 'notFound' },
  TEST_BUSY: { message: 'busy', hint: 'wait', http: 409, exit: 'conflict' },
});

const base: TaskView = {
  id: '0task00000000001',
  action: 'vm.start',
  target: { kind: 'vm', id: 'u-1', label: 'web1' },
  state: 'pending',
  phase: '',
  progress: 0,
  message: '',
  cancel: false,
  requestedBy: 'root',
  createdMs: 1000,
  timeoutMs: 60_000,
  attempts: 0,
};
const states = (...steps: Partial<TaskView>[]): TaskView[] => steps.map((step) => ({ ...base, ...step }));
const ended: Partial<TaskView> = { state: 'succeeded', progress: 1, startedMs: 2000, endedMs: 14_000 };
const starting: Partial<TaskView> = {
  state: 'running',
  phase: 'starting',
  progress: 0.25,
  message: 'defining the domain',
};

const answers = {
  'vm.start': { result: null, actions: ['start web1 on hv1'], warnings: [], tasks: [base.id], request: 'r1' },
};
const tasks = {
  [base.id]: states(
    {},
    starting,
    { ...starting, progress: 0.5 },
    { ...starting, phase: 'checking', message: '' },
    ended,
  ),
};

describe('waiting for a task', () => {
  it('prints a line for each phase on a pipe, and how it ended', async () => {
    const { code, out, err } = await runFake('vm start web1', { answers, tasks });
    assert.equal(code, 0);
    assert.equal(out, 'start web1 on hv1\nvm.start web1: succeeded in 12 s\n');
    assert.equal(
      err,
      'vm.start web1: pending\nvm.start web1: starting, defining the domain\nvm.start web1: checking\n',
    );
    assert.equal((await runFake('vm start web1 -q', { answers, tasks })).err, '');
  });

  it('keeps one line up to date on a terminal and takes it away again', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    let terminal: FakeTerminal | undefined;
    const { err, out } = await runFake('vm start web1 --no-colour', {
      answers,
      tasks,
      clock,
      columns: 100,
      begin: (started) => {
        terminal = started;
      },
      between: async () => {
        await clock.advance(1000);
        seen.push((terminal?.err() ?? '').split('\r').at(-1)?.replace('\u001b[K', '') ?? '');
      },
    });
    assert.deepEqual(
      seen.map((line) => line.slice(2)),
      [
        'vm.start web1 ━━━━━━━━━━━━━━━━━━━━ 0 % 1 s  pending',
        'vm.start web1 ━━━━━━━━━━━━━━━━━━━━ 25 % 2 s  starting: defining the domain',
        'vm.start web1 ━━━━━━━━━━━━━━━━━━━━ 50 % 3 s  starting: defining the domain',
        'vm.start web1 ━━━━━━━━━━━━━━━━━━━━ 75 % 4 s  checking'.replace('75', '25'),
      ],
    );
    assert.ok(err.endsWith('\r\u001b[K'));
    assert.equal(out, 'start web1 on hv1\nvm.start web1: succeeded in 12 s\n');
    assert.equal(clock.pending, 0);
  });

  it('gives the final state in JSON', async () => {
    const { out } = await runFake('vm start web1 -f json', { answers, tasks });
    assert.deepEqual(JSON.parse(out), { ...answers['vm.start'], tasks: [{ ...base, ...ended }] });
    assert.deepEqual(JSON.parse((await runFake('vm start web1 -f json --no-wait', { answers })).out), {
      ...answers['vm.start'],
      tasks: [{ id: base.id }],
    });
  });

  it('ends with the exit code of the error that the task had', async () => {
    const failed = {
      [base.id]: states(starting, {
        state: 'failed',
        error: { code: 'TEST_BUSY', message: 'The disk is in use.', hint: 'Stop the other guest.' },
      }),
    };
    const { code, out, err } = await runFake('vm start web1', { answers, tasks: failed });
    assert.equal(code, 5);
    assert.match(out, /vm\.start web1: failed\n$/);
    assert.match(
      err,
      /error: vm\.start web1 failed: The disk is in use\.\nhint: Stop the other guest\.\ncode: TEST_BUSY\n$/,
    );
    const unknown = {
      [base.id]: states({ state: 'failed', error: { code: 'FROM_A_NEWER_NODE', message: 'm', hint: '' } }),
    };
    assert.equal((await runFake('vm start web1', { answers, tasks: unknown })).code, 1);
    const cancelled = { [base.id]: states({ state: 'cancelled' }) };
    assert.equal((await runFake('vm start web1', { answers, tasks: cancelled })).code, 9);
    const json = await runFake('vm start web1 -f json', { answers, tasks: failed });
    assert.equal(json.code, 5);
    assert.equal(JSON.parse(json.out).tasks[0].state, 'failed');
    assert.equal(JSON.parse(json.err.trim().split('\n').at(-1) ?? '').code, 'TEST_BUSY');
  });

  it('leaves the task alone on Ctrl-C and says how to go on', async () => {
    const { code, err, client } = await runFake('vm start web1', {
      answers,
      tasks: { [base.id]: states(starting) },
      begin: (terminal) => setTimeout(() => terminal.interrupt(), 20),
    });
    assert.equal(code, 130);
    assert.match(
      err,
      new RegExp(
        `Task ${base.id} goes on\\. Follow it: pvc task wait ${base.id} +End it: pvc task cancel ${base.id}\n$`,
      ),
    );
    assert.deepEqual(
      client.calls.map((call) => call.operation),
      ['vm.start'],
    );
  });

  it('stops after --timeout without calling that a failure', async () => {
    const clock = new VirtualClock();
    const running = runFake('vm start web1 --timeout 90s', { answers, clock, tasks: { [base.id]: states(starting) } });
    for (let turn = 0; turn < 200 && clock.pending === 0; turn += 1) await setImmediate();
    await clock.advance(89_000);
    await clock.advance(1000);
    const { code, err } = await running;
    assert.equal(code, 8);
    assert.match(err, /error: Task 0task00000000001 \(vm\.start\) has not ended after 1 min 30 s; it goes on\./);
  });

  it('is not done with --no-wait', async () => {
    const { code, out } = await runFake('vm start web1 --no-wait', { answers });
    assert.equal(code, 0);
    assert.equal(out, `start web1 on hv1\nTask ${base.id} was started. Follow it: pvc task wait ${base.id}\n`);
    assert.equal((await runFake('vm start web1 --no-wait -f name', { answers })).out, `${base.id}\n`);
  });

  it('says that the task goes on when the connection breaks', async () => {
    const parts = {
      connect: async () => ({
        ...fakeClient(),
        call: async () => answers['vm.start'],
        wait: async () => {
          throw new Error('connection reset');
        },
      }),
    };
    const { code, err } = await runFake('vm start web1', { parts });
    assert.equal(code, 1);
    assert.match(err, new RegExp(`^Task ${base.id} goes on.*\nerror: connection reset`));
  });
});

describe('pvc task wait', () => {
  it('does not say that a task goes on that does not exist', async () => {
    const parts = {
      connect: async () => ({
        ...fakeClient(),
        wait: async () => {
          throw testError('TEST_GONE');
        },
      }),
    };
    const { code, err } = await runFake(`task wait ${base.id}`, { parts });
    assert.equal(code, 3);
    assert.match(err, /^error: gone\n/);
  });

  it('ends as the task ends', async () => {
    const line = `task wait ${base.id}`;
    assert.equal((await runFake(line, { tasks })).out, 'vm.start web1: succeeded in 12 s\n');
    const failed = await runFake(line, {
      tasks: { [base.id]: states({ state: 'failed', error: { code: 'TEST_BUSY', message: 'no', hint: 'h' } }) },
    });
    assert.equal(failed.code, 5);
    assert.equal(
      (
        await runFake(line, {
          tasks: { [base.id]: states(starting) },
          begin: (terminal) => setTimeout(() => terminal.interrupt(), 10),
        })
      ).code,
      130,
    );
    assert.deepEqual(JSON.parse((await runFake(`${line} -f json`, { tasks })).out).state, 'succeeded');
  });
});
