import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Doc } from '../../../core/plugin/api.ts';
import type { TaskSpec, TaskStatus } from '../../../core/task/task-kind.ts';
import { latestFor, toldOf } from './machine-disks.ts';

type Task = Doc<TaskSpec, TaskStatus>;
const outcome = (state: string, text = 'text') => ({ disk: '/dev/sdb', state, text });

function taskOf(createdMs: number, parts: { take?: readonly string[]; node?: string; status?: object } = {}): Task {
  const { take = ['all'], node = 'hv4', status = {} } = parts;
  return {
    id: `t${createdMs}`,
    spec: {
      ...{ action: 'osd.take', target: { kind: 'osd-node', id: node, label: node }, node, input: { take } },
      ...{ requestedBy: 'pvc', createdMs, timeoutMs: 1, cancel: false },
    },
    status: { state: 'running', phase: '', progress: 0, message: 'makes /dev/sdb an OSD', data: null, ...status },
  } as unknown as Task;
}
const ended = (createdMs: number, ...outcomes: readonly object[]): Task =>
  taskOf(createdMs, { status: { state: 'succeeded', endedMs: 1_000, result: { node: 'hv4', outcomes } } });

describe('disks of a server from the network', () => {
  const all = { node: 'hv4', take: 'all', askedMs: 5 } as const;

  it('are what the last task says that was begun for this wish', () => {
    const tasks = [taskOf(4), taskOf(6), taskOf(8), taskOf(9, { node: 'hv5' }), taskOf(9, { take: ['S1'] })];
    assert.equal(latestFor(tasks, all)?.id, 't8');
    assert.equal(latestFor(tasks, { ...all, take: ['S1'] })?.id, 't9');
    assert.equal(latestFor(tasks, { ...all, askedMs: 9 }), undefined, 'asked for anew');
  });

  for (const [what, task, nowMs, states, begin] of [
    ['have to be looked at', undefined, 0, ['making'], true],
    ['are being made', taskOf(6), 0, ['making'], false],
    ['are done', ended(6, outcome('done'), outcome('left')), 1e9, ['done', 'left'], false],
    ['are refused', ended(6, outcome('refused')), 2_000, ['refused'], false],
    ['are looked at again when they were refused', ended(6, outcome('refused')), 700_000, ['refused'], true],
    ['are not tried again when one failed', ended(6, outcome('failed')), 1e9, ['failed'], false],
    ['have failed with the task', taskOf(6, { status: { state: 'cancelled' } }), 1e9, ['failed'], false],
  ] as const)
    it(what, () => {
      const found = toldOf(task, 'hv4', nowMs);
      assert.deepEqual([found.told.map(({ state }) => state), found.begin], [states, begin]);
    });

  it('tell what went wrong in one line', () => {
    const error = { code: 'CEPH_AWAY', message: 'The storage does\nnot answer.', hint: '' };
    const { told } = toldOf(taskOf(6, { status: { state: 'failed', error } }), 'hv4', 0);
    assert.equal(told[0]?.text, 'The storage does not answer.');
  });
});
