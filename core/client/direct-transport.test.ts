import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSampleApi, echo, sampleOperations } from '../api/testing/sample-api.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import type { Actor } from '../operation/operation.ts';
import { OperationRegistry } from '../operation/registry.ts';
import { createClient } from './client.ts';
import type { DirectTarget } from './target.ts';

const root: Actor = { name: 'root', role: 'admin', via: 'store' };
const never = new AbortController().signal;

function direct(actor = root, change: (target: DirectTarget) => DirectTarget = (target) => target) {
  const clock = new VirtualClock();
  const api = createSampleApi(clock);
  const registry = new OperationRegistry();
  for (const operation of sampleOperations(api.hooks)) registry.add('core', operation);
  return { ...api, clock, client: createClient(change({ executor: api.executor, actor }), registry, { clock }) };
}

describe('a client on the store', () => {
  it('queries, plans and changes without an API', async () => {
    const { client } = direct();
    assert.equal((await client.call('pet.create', { name: 'rex' }, { plan: true })).writes.length, 1);
    await assert.rejects(client.call('pet.show', { pet: 'rex' }), { code: 'OBJECT_NOT_FOUND' });
    assert.deepEqual(((await client.call('pet.create', { name: 'rex' })) as { result: unknown }).result, {
      name: 'rex',
      age: 1,
    });
    assert.deepEqual(await client.call('pet.show', { pet: 'rex' }), { name: 'rex', age: 1 });
  });

  it('asks for the same rights', async () => {
    const { client } = direct({ ...root, role: 'viewer' });
    await assert.rejects(client.call('pet.create', { name: 'rex' }), { code: 'ROLE_TOO_LOW' });
    await assert.rejects(client.call('pet.unheard', {}), { code: 'OPERATION_UNKNOWN' });
    await assert.rejects(client.call('pet.follow', { pet: 'rex' }), { code: 'CALL_INVALID' });
    await assert.rejects(client.channel('pet.show', { pet: 'rex' }, never), { code: 'CALL_INVALID' });
  });

  it('follows feeds until they end or the signal does', async () => {
    const { client, hooks } = direct();
    const seen: unknown[] = [];
    for await (const item of client.follow('pet.follow', { pet: 'rex' }, { signal: never })) seen.push(item);
    assert.deepEqual(seen, [{ id: '1', event: 'bark', data: { loud: true } }]);
    hooks.follow = async function* (signal) {
      yield { data: 1 };
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    };
    const stop = new AbortController();
    for await (const item of client.follow('pet.follow', { pet: 'rex' }, { signal: stop.signal })) {
      assert.equal(item.data, 1);
      stop.abort();
    }
  });

  it('opens channels that end with the signal', async () => {
    const { client, hooks } = direct();
    hooks.talk = echo;
    await client.call('pet.create', { name: 'rex' });
    const stop = new AbortController();
    const channel = await client.channel('pet.talk', { pet: 'rex' }, stop.signal);
    stop.abort();
    assert.ok(channel.destroyed);
  });

  it('stops waiting at the time limit and when told to', async () => {
    const stuck = (): Promise<never> => new Promise(() => {});
    const { client, clock } = direct(root, (target) => ({
      ...target,
      executor: {
        ...target.executor,
        mutate: stuck,
        query: stuck,
        plan: stuck,
        feed: target.executor.feed,
        channel: stuck,
      },
    }));
    for (const [call, code] of [
      [() => client.call('pet.create', { name: 'rex' }, { timeoutMs: 1_000 }), 'ANSWER_LATE'],
      [() => client.call('pet.list', {}, { timeoutMs: 1_000 }), 'QUERY_LATE'],
      [() => client.call('pet.create', { name: 'rex' }, { plan: true, timeoutMs: 1_000 }), 'QUERY_LATE'],
    ] as const) {
      const failing = assert.rejects(call(), { code });
      await clock.advance(1_000);
      await failing;
    }
    const stop = new AbortController();
    const stopped = assert.rejects(
      client.call('pet.list', {}, { signal: stop.signal }),
      (error) => error === stop.signal.reason,
    );
    stop.abort(new Error('enough'));
    await stopped;
    await clock.advance(0);
    assert.equal(clock.pending, 0);
  });

  it('cannot be made without operations', () => {
    const { executor } = createSampleApi();
    assert.throws(() => createClient({ executor, actor: root }), { code: 'TARGET_INVALID' });
  });
});
