/** What the compiler knows of operations: checked when the types are, and kept from rotting by running once. @module */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PvcClient } from './client.ts';

/** Never called: only its types matter. */
async function typed(client: PvcClient): Promise<void> {
  const signal = new AbortController().signal;
  const rows = await client.call('vm.list', { state: 'running' });
  const name: string | undefined = rows[0]?.name;
  const { result, tasks } = await client.call('vm.start', { vm: 'web1' });
  const texts: readonly string[] = [...tasks, result.uuid];
  const plan = await client.call('vm.start', { vm: 'web1' }, { plan: true });
  const actions: readonly string[] = plan.actions;
  const task = await client.call('task.show', { task: '0mabc1d2e3f4g5h6' });
  const state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled' = task.state;
  for await (const { data } of client.follow('event.follow', { kind: 'vm' }, { signal }))
    assert.equal(typeof data.summary, 'string');
  // Names that no program declares take and give anything.
  const answer: unknown = await client.call('thing.of-a-plugin', { whatever: 1 });
  void [name, texts, actions, state, answer];

  // @ts-expect-error -- no such state
  await client.call('vm.list', { state: 'asleep' });
  // @ts-expect-error -- the guest is missing
  await client.call('vm.start', {});
  // @ts-expect-error -- no such field
  void result.nothing;
  // @ts-expect-error -- a number is no node
  for await (const item of client.follow('event.follow', { kind: 5 }, { signal })) void item;
}

describe('typed calls', () => {
  it('are checked by the compiler', () => assert.equal(typeof typed, 'function'));
});
