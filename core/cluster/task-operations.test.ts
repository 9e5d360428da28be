import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createVirtualHost } from '../host/virtual-host.ts';
import { Executor } from '../operation/execute.ts';
import type { Actor, Feed, Mutation, Query } from '../operation/operation.ts';
import { Documents, type Write } from '../store/documents.ts';
import { createMemoryStore } from '../store/memory.ts';
import { type TaskSpec, type TaskStatus, task } from '../task/task-kind.ts';
import type { TaskView } from '../task/task-view.ts';
import { taskOperations } from './task-operations.ts';

const actor: Actor = { name: 'root', role: 'operator', via: 'socket' };
const operation = <T extends Query | Mutation | Feed>(name: string): T =>
  taskOperations.find((one) => one.name === name) as unknown as T;
const { signal } = new AbortController();

const specOf = (label: string, more: Partial<TaskSpec> = {}): TaskSpec => ({
  action: 'vm.start',
  target: { kind: 'vm', id: `id-${label}`, label },
  node: 'hv1',
  input: { secret: 'x' },
  requestedBy: 'ann',
  createdMs: 1000,
  timeoutMs: 60_000,
  cancel: false,
  ...more,
});
const statusOf = (more: Partial<TaskStatus> = {}): TaskStatus => ({
  state: 'pending',
  phase: '',
  progress: 0,
  message: '',
  data: null,
  attempts: 0,
  ...more,
});

function cluster() {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined });
  const commit = async (writes: readonly Write[]): Promise<void> => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  };
  return {
    documents,
    executor,
    create: (id: string, spec: TaskSpec, status?: TaskStatus) =>
      commit([{ do: 'create', kind: task, id, spec, ...(status === undefined ? {} : { status }) }]),
    report: async (id: string, status: TaskStatus) =>
      commit([{ do: 'status', kind: task, before: await documents.need(task, id), status }]),
    list: async (input: unknown) =>
      ((await executor.query(operation<Query>('task.list'), input, actor, signal)) as TaskView[]).map((one) => one.id),
  };
}

const ids = ['0task00000000001', '0task00000000002', '0task00000000003'] as const;

async function three(): Promise<ReturnType<typeof cluster>> {
  const made = cluster();
  await made.create(
    ids[0],
    specOf('web1'),
    statusOf({ state: 'succeeded', progress: 1, startedMs: 2000, endedMs: 3000 }),
  );
  await made.create(
    ids[1],
    specOf('web1', { action: 'vm.restart' }),
    statusOf({ state: 'running', phase: 'stopping' }),
  );
  const { node: _none, ...primary } = specOf('db1');
  await made.create(ids[2], primary);
  return made;
}

describe('task.list', () => {
  it('gives the newest first, and those that are asked for', async () => {
    const { list } = await three();
    const cases: [unknown, readonly string[]][] = [
      [{}, [ids[2], ids[1], ids[0]]],
      [{ state: 'active' }, [ids[2], ids[1]]],
      [{ state: 'succeeded' }, [ids[0]]],
      [{ target: 'web1' }, [ids[1], ids[0]]],
      [{ target: 'id-db1' }, [ids[2]]],
      [{ node: 'hv1', action: 'vm.start' }, [ids[0]]],
      [{ limit: 1 }, [ids[2]]],
    ];
    for (const [input, expected] of cases) assert.deepEqual(await list(input), expected, JSON.stringify(input));
  });
});

describe('task.show', () => {
  it('tells all but the input', async () => {
    const { executor } = await three();
    const shown = (await executor.query(operation<Query>('task.show'), { task: ids[2] }, actor, signal)) as TaskView;
    assert.equal(shown.state, 'pending');
    assert.equal('node' in shown, false);
    assert.ok(!JSON.stringify(shown).includes('secret'));
    await assert.rejects(executor.query(operation<Query>('task.show'), { task: '0task00000000009' }, actor, signal), {
      code: 'OBJECT_NOT_FOUND',
    });
  });
});

describe('task.wait', () => {
  it('sends each change once and ends with the task', async () => {
    const { executor, report } = await three();
    const seen: string[] = [];
    const following = (async () => {
      for await (const { data } of executor.feed(operation<Feed>('task.wait'), { task: ids[1] }, actor, signal))
        seen.push(`${(data as TaskView).state} ${(data as TaskView).phase}`);
    })();
    const settled = async (count: number): Promise<void> => {
      for (let turn = 0; turn < 200 && seen.length < count; turn += 1) await setImmediate();
    };
    await settled(1);
    await report(ids[1], statusOf({ state: 'running', phase: 'starting' }));
    await settled(2);
    await report(ids[0], statusOf({ state: 'failed' }));
    await report(ids[1], statusOf({ state: 'cancelled', phase: 'starting' }));
    await following;
    assert.deepEqual(seen, ['running stopping', 'running starting', 'cancelled starting']);
  });

  it('has one item for a task that has ended, and an error for one that is not there', async () => {
    const { executor } = await three();
    const items: unknown[] = [];
    for await (const item of executor.feed(operation<Feed>('task.wait'), { task: ids[0] }, actor, signal))
      items.push(item);
    assert.equal(items.length, 1);
    await assert.rejects(
      async () => {
        for await (const item of executor.feed(
          operation<Feed>('task.wait'),
          { task: '0task00000000009' },
          actor,
          signal,
        ))
          assert.fail(String(item));
      },
      { code: 'OBJECT_NOT_FOUND' },
    );
  });
});

describe('task.cancel', () => {
  const cancel = operation<Mutation>('task.cancel');

  it('notes the wish, once', async () => {
    const { executor, documents } = await three();
    const plan = await executor.plan(cancel, { task: ids[1] }, actor);
    assert.deepEqual(plan.actions, [`Task ${ids[1]} (vm.restart web1) will end as soon as it can.`]);
    assert.equal((await documents.need(task, ids[1])).spec.cancel, false);
    await executor.mutate(cancel, { task: ids[1] }, actor);
    assert.equal((await documents.need(task, ids[1])).spec.cancel, true);
    assert.deepEqual((await executor.mutate(cancel, { task: ids[1] }, actor)).warnings, [
      `Task ${ids[1]} was already asked to end.`,
    ]);
  });

  it('is refused when it comes too late, and to viewers', async () => {
    const { executor } = await three();
    await assert.rejects(executor.mutate(cancel, { task: ids[0] }, actor), { code: 'TASK_ENDED', exit: 'refused' });
    await assert.rejects(executor.mutate(cancel, { task: ids[1] }, { ...actor, role: 'viewer' }), {
      code: 'ROLE_TOO_LOW',
    });
  });
});

describe('tasks for a person', () => {
  const context = { width: 80, colour: false, nowMs: 10_000 };
  const render = (name: string, value: unknown): string =>
    taskOperations.find((one) => one.name === name)?.cli?.render?.(value as never, context) ?? '';
  const running: TaskView = {
    id: ids[1],
    action: 'vm.restart',
    target: { kind: 'vm', id: 'u-1', label: 'web1' },
    node: 'hv1',
    state: 'running',
    phase: 'stopping',
    progress: 0.4,
    message: 'waiting for the guest',
    cancel: true,
    requestedBy: 'ann',
    createdMs: 1000,
    timeoutMs: 60_000,
    attempts: 2,
    startedMs: 4000,
  };

  it('fit on a line', () => {
    assert.equal(
      render('task.list', [
        running,
        {
          ...running,
          id: ids[0],
          cancel: false,
          state: 'failed',
          endedMs: 9000,
          error: { code: 'X', message: 'no memory', hint: '' },
        },
      ]),
      [
        'ID                STATE                 ACTION      TARGET  CREATED  MESSAGE',
        '0task00000000002  running 40 %, to end  vm.restart  web1    9 s ago  stopping: …',
        '0task00000000001  failed                vm.restart  web1    9 s ago  no memory',
        'No room for NODE; see --format json.',
      ].join('\n'),
    );
  });

  it('fill a page', () => {
    assert.equal(
      render('task.show', {
        ...running,
        error: { code: 'X', message: 'no memory', hint: 'Stop a guest.' },
        result: { a: 1 },
      }),
      `Task:          ${ids[1]}
Action:        vm.restart
Target:        vm web1 (u-1)
State:         running
Node:          hv1
Phase:         stopping
Progress:      40 %
Message:       waiting for the guest
Cancel:        asked for
Requested by:  ann
Created:       9 s ago (1970-01-01 00:00:01Z)
Started:       6 s ago (1970-01-01 00:00:04Z)
Took:          6 s
Time limit:    1 min
Taken up:      2 times

Error
  Message:  no memory
  Hint:     Stop a guest.
  Code:     X

Result
  A:  1`,
    );
  });
});
