/**
 * `--plan` and what follows from it: shows the plan of a mutation, asserts that nothing has changed, does
 * it, and asserts that exactly that was done.
 * @module
 */
import assert from 'node:assert/strict';
import type { TestLab } from './test-lab.ts';

/** What `--plan --format json` prints, as far as it is compared. */
export interface ShownPlan {
  readonly writes: readonly {
    readonly change: string;
    readonly kind: string;
    readonly id: string;
    readonly label: string;
    readonly before?: unknown;
    readonly after?: unknown;
  }[];
  readonly actions: readonly string[];
  readonly warnings: readonly string[];
  readonly tasks: readonly { readonly action: string; readonly node?: string }[];
  readonly result: Record<string, unknown>;
}

interface Done {
  readonly actions: readonly string[];
  readonly warnings: readonly string[];
  /** `pvc` has waited for them, and shows them as they ended. */
  readonly tasks: readonly { readonly id: string; readonly state: string }[];
  readonly request: string;
  readonly result: Record<string, unknown>;
}

const node = 'hv1';
const json = ['--format', 'json'];

/** What a change would leave traces in. */
async function traces(lab: TestLab) {
  const vms = await lab.ask(node, 'vm.list', {});
  const tasks = await lab.ask(node, 'task.list', {});
  return {
    vms: vms.map(({ name, run }) => ({ name, run })),
    tasks: tasks.map(({ id, action, node: on }) => ({ id, action, node: on })),
    audit: await lab.ask(node, 'cluster.audit', {}),
  };
}

/** The spec of a guest as the store has it, by way of a plan that would change it; undefined when there is none. */
export async function storedSpec(lab: TestLab, vm: string): Promise<unknown> {
  const answer = await lab.pvc(node, ['vm', 'tag', 'add', vm, 'only-planned', '--plan', ...json]);
  if (answer.code === 3) return undefined;
  return (answer.json() as ShownPlan).writes[0]?.before;
}

const changeWord: Readonly<Record<string, string>> = { create: 'created', update: 'changed', remove: 'removed' };

/**
 * Plans `pvc ARGS`, does it, and compares. The guest that it is about must not be changed by anything else meanwhile.
 * @throws AssertionError
 */
export async function assertDoneAsPlanned(
  lab: TestLab,
  args: readonly string[],
  vm: string,
): Promise<{ plan: ShownPlan; done: Done }> {
  const before = await traces(lab);
  const specBefore = await storedSpec(lab, vm);
  const plan = (await lab.pvc(node, [...args, '--plan', ...json])).json() as ShownPlan;
  assert.deepEqual(await traces(lab), before, `the plan of ${args.join(' ')} changed something`);
  assert.deepEqual(await storedSpec(lab, vm), specBefore);

  const done = (await lab.pvc(node, [...args, '--yes', ...json])).json() as Done;
  assert.deepEqual(done.actions, plan.actions);
  assert.deepEqual(done.warnings, plan.warnings);
  assert.deepEqual(done.result, plan.result);
  const writes = plan.writes.filter((write) => write.kind === 'vm');
  assert.deepEqual(writes, plan.writes, 'a plan of a guest writes guests only');
  for (const write of writes) {
    if (write.before !== undefined) assert.deepEqual(write.before, specBefore);
    assert.deepEqual(await storedSpec(lab, write.id), write.after, 'the document is not what the plan showed');
  }
  if (writes.length === 0) assert.deepEqual(await storedSpec(lab, vm), specBefore);

  const after = await traces(lab);
  const fresh = after.tasks.filter((task) => !before.tasks.some(({ id }) => id === task.id));
  assert.deepEqual(
    fresh.map(({ action, node: on }) => ({ action, node: on })),
    plan.tasks.map(({ action, node: on }) => ({ action, node: on })),
  );
  assert.deepEqual(
    done.tasks.map(({ id, state }) => ({ id, state })),
    fresh.map(({ id }) => ({ id, state: 'succeeded' })),
  );
  const records = after.audit.filter((record) => !before.audit.some(({ id }) => id === record.id));
  assert.equal(records.length, 1, 'one mutation, one audit record');
  assert.equal(records[0]?.id, done.request);
  assert.deepEqual(records[0]?.changes, [
    ...writes.map((write) => `${write.kind} ${write.label} ${changeWord[write.change]}`),
    ...plan.tasks.map(({ action }) => `task ${action} created`),
  ]);
  return { plan, done };
}
