/** What callers can do with tasks: list them, look at one, follow one to its end, ask for an early end. @module */
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { nodeName } from '../model/names.ts';
import { defineFeed, defineMutation, defineQuery } from '../operation/operation.ts';
import {
  fields,
  formatDuration,
  formatShare,
  formatTime,
  page,
  paintState,
  type RenderContext,
  section,
  table,
} from '../render/format.ts';
import { formatAgo } from '../render/quantity.ts';
import { renderValue } from '../render/render-value.ts';
import { task, taskStates } from '../task/task-kind.ts';
import { type TaskView, taskView, taskViewEnded, taskViewOf } from '../task/task-view.ts';

export const taskError = defineErrors({
  TASK_ENDED: {
    message: 'Task {task} ({action}) has ended already: {state}.',
    hint: 'There is nothing left to cancel. See `pvc task show {task}`.',
    http: 409,
    exit: 'refused',
  },
});

const taskId = z.object({ task: task.id.describe('Id of the task') });
const taskArgument = [{ field: 'task', complete: 'task' }] as const;

const list = defineQuery({
  name: 'task.list',
  summary: 'List tasks, the newest first',
  http: { method: 'GET', path: '/tasks' },
  role: 'viewer',
  input: z.object({
    state: z
      .enum([...taskStates, 'active'])
      .optional()
      .describe('Only those in this state; "active" are those that have not ended'),
    node: nodeName.optional().describe('Only those of this node'),
    target: z.string().optional().describe('Only those about this object, by its name or id'),
    action: z.string().optional().describe('Only those that do this, as vm.restart'),
    limit: z.int().min(1).max(1000).default(50).describe('At most so many'),
  }),
  output: z.array(taskView),
  cli: {
    command: 'task list',
    aliases: ['ls'],
    options: { node: { complete: 'node' }, state: { short: 's', value: 'STATE' }, limit: { short: 'n' } },
    nameField: 'id',
    examples: ['pvc task list --state active', 'pvc task list --target web1'],
    render: renderTaskList,
  },
  run: async ({ view }, input) => {
    const tasks = (await view.list(task)).map(taskViewOf).sort((a, b) => (a.id < b.id ? 1 : -1));
    return tasks
      .filter(
        (item) =>
          input.state === undefined || (input.state === 'active' ? !taskViewEnded(item) : item.state === input.state),
      )
      .filter((item) => input.node === undefined || item.node === input.node)
      .filter(
        (item) => input.target === undefined || item.target.label === input.target || item.target.id === input.target,
      )
      .filter((item) => input.action === undefined || item.action === input.action)
      .slice(0, input.limit);
  },
});

const show = defineQuery({
  name: 'task.show',
  summary: 'Show one task',
  http: { method: 'GET', path: '/tasks/{task}' },
  role: 'viewer',
  input: taskId,
  output: taskView,
  cli: { command: 'task show', aliases: ['info'], arguments: taskArgument, nameField: 'id', render: renderTask },
  run: async ({ view }, input) => taskViewOf(await view.need(task, input.task)),
});

const wait = defineFeed({
  name: 'task.wait',
  summary: 'Wait for the end of a task',
  description:
    'The API sends the task each time it changes, the last time when it has ended. The command shows the progress and ends with the exit code of the task’s own error.',
  http: { method: 'GET', path: '/tasks/{task}/wait' },
  role: 'viewer',
  input: taskId,
  output: taskView,
  cli: {
    command: 'task wait',
    arguments: taskArgument,
    flags: z.object({
      timeoutS: z.number().positive().optional().describe('Stop waiting after this time; the task goes on'),
    }),
    options: { timeoutS: { flag: 'timeout' } },
    examples: ['pvc task wait 0mabc1d2e3f4g5h6', 'pvc task wait 0mabc1d2e3f4g5h6 --timeout 10m'],
    run: ({ input, flags, awaitTask }) => {
      const { timeoutS } = flags as { timeoutS?: number };
      return awaitTask(String(input['task']), timeoutS === undefined ? undefined : timeoutS * 1000);
    },
  },
  async *open({ view, signal }, input) {
    let last = '';
    for await (const fresh of view.changes(`/task/${input.task}`, signal)) {
      const now = taskViewOf(await fresh.need(task, input.task));
      const text = JSON.stringify(now);
      // A resync says that anything may have changed, mostly nothing has.
      if (text !== last) yield { event: 'task', data: now };
      last = text;
      if (taskViewEnded(now)) return;
    }
  },
});

const cancel = defineMutation({
  name: 'task.cancel',
  summary: 'Ask for a task to end early',
  description:
    'The task ends at the next point where it can leave its object in order; what it has done so far is not undone unless it says so.',
  http: { method: 'POST', path: '/tasks/{task}/cancel' },
  role: 'operator',
  input: taskId,
  output: z.object({ task: z.string() }),
  cli: {
    command: 'task cancel',
    arguments: taskArgument,
    nameField: 'task',
    render: () => '',
    examples: ['pvc task cancel 0mabc1d2e3f4g5h6'],
  },
  plan: async (plan, { view }, input) => {
    const doc = await view.need(task, input.task);
    const now = taskViewOf(doc);
    if (taskViewEnded(now)) throw taskError('TASK_ENDED', { task: input.task, action: now.action, state: now.state });
    if (now.cancel) plan.warn(`Task ${input.task} was already asked to end.`);
    else plan.update(task, doc, { ...doc.spec, cancel: true });
    plan.act(`Task ${input.task} (${now.action} ${now.target.label}) will end as soon as it can.`);
    return { task: input.task };
  },
});

/** The operations on tasks, for the registry. */
export const taskOperations = [list, show, wait, cancel];

function renderTaskList(tasks: readonly TaskView[], context: RenderContext): string {
  return table(
    [
      { title: 'ID', keep: true },
      { title: 'STATE', state: true },
      { title: 'ACTION', keep: true },
      { title: 'TARGET', keep: true },
      { title: 'NODE', optional: true },
      'CREATED',
      'MESSAGE',
    ],
    tasks.map((item) => [
      item.id,
      stateWords(item),
      item.action,
      item.target.label,
      item.node,
      formatAgo(item.createdMs, context.nowMs),
      item.error?.message ?? (taskViewEnded(item) ? item.message : join(item.phase, item.message)),
    ]),
    context,
  );
}

const join = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(': ');

function stateWords(item: TaskView): string {
  if (taskViewEnded(item)) return item.state;
  const share = item.state === 'running' ? ` ${formatShare(item.progress)}` : '';
  return `${item.state}${share}${item.cancel ? ', to end' : ''}`;
}

function renderTask(item: TaskView, context: RenderContext): string {
  const at = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : formatTime(ms, context.nowMs);
  const endMs = item.endedMs ?? context.nowMs;
  return page(
    fields(
      [
        ['Task', item.id],
        ['Action', item.action],
        [
          'Target',
          `${item.target.kind} ${item.target.label}${item.target.label === item.target.id ? '' : ` (${item.target.id})`}`,
        ],
        ['State', paintState(item.state, context)],
        ['Node', item.node ?? 'the primary'],
        ['Phase', taskViewEnded(item) ? undefined : item.phase],
        ['Progress', taskViewEnded(item) ? undefined : formatShare(item.progress)],
        ['Message', item.message || undefined],
        ['Cancel', item.cancel ? 'asked for' : undefined],
        ['Requested by', item.requestedBy],
        ['Created', at(item.createdMs)],
        ['Started', at(item.startedMs)],
        ['Ended', at(item.endedMs)],
        ['Took', item.startedMs === undefined ? undefined : formatDuration(endMs - item.startedMs)],
        ['Time limit', formatDuration(item.timeoutMs)],
        ['Taken up', item.attempts > 1 ? `${item.attempts} times` : undefined],
      ],
      context,
    ),
    item.error === undefined
      ? undefined
      : section(
          'Error',
          (inner) =>
            fields(
              [
                ['Message', item.error?.message],
                ['Hint', item.error?.hint || undefined],
                ['Code', item.error?.code],
              ],
              inner,
            ),
          context,
        ),
    item.result === undefined || item.result === null
      ? undefined
      : section('Result', (inner) => renderValue(item.result, inner), context),
  );
}
