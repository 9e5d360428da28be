import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../host/virtual-host.ts';
import { Executor } from '../operation/execute.ts';
import type { Actor, Feed, Query } from '../operation/operation.ts';
import { OperationRegistry } from '../operation/registry.ts';
import { Documents } from '../store/documents.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { EventView } from './event.ts';
import { EventLog } from './event-log.ts';
import { eventOperations } from './event-operations.ts';

const viewer: Actor = { name: 'v', role: 'viewer', via: 'https' };
const never = new AbortController().signal;

async function operations(withLog = true) {
  const host = createVirtualHost();
  const log = withLog ? await EventLog.open({ host, directory: '/var/lib/pvc' }) : undefined;
  const registry = new OperationRegistry();
  for (const operation of eventOperations(() => log)) registry.add('core', operation);
  const executor = new Executor({
    host,
    documents: new Documents(createMemoryStore(host.clock)),
    localNode: 'hv1',
    admit: async () => undefined,
  });
  const list = async (input: unknown): Promise<EventView[]> =>
    (await executor.query(registry.get('event.list') as Query, input, viewer, never)) as EventView[];
  const follow = (input: unknown, resumeAfter?: string) =>
    executor.feed(registry.get('event.follow') as Feed, input, viewer, never, resumeAfter)[Symbol.asyncIterator]();
  return { log, list, follow, registry };
}

describe('operations on events', () => {
  it('filter by kind, object and type', async () => {
    const { log, list, follow } = await operations();
    log?.add([
      { kind: 'vm', id: 'u-1', label: 'web1', type: 'created', summary: '' },
      { kind: 'vm', id: 'u-1', label: 'web1', type: 'status', summary: 'state stopped → running' },
      { kind: 'node', id: 'hv1', label: 'hv1', type: 'status', summary: '' },
    ]);
    await log?.settled();
    const seqs = async (input: unknown): Promise<number[]> => (await list(input)).map(({ seq }) => seq);
    assert.deepEqual(await seqs({}), [1, 2, 3]);
    assert.deepEqual(await seqs({ kind: 'vm' }), [1, 2]);
    assert.deepEqual(await seqs({ object: 'web1', type: 'status' }), [2]);
    assert.deepEqual(await seqs({ object: 'u-1' }), [1, 2]);
    assert.deepEqual(await seqs({ limit: 1 }), [3]);
    const feed = follow({ kind: 'node' }, log?.idOf(1));
    assert.equal((await feed.next()).value.data.seq, 3);
    const last = follow({ last: 1 });
    assert.equal((await last.next()).value.data.seq, 3);
  });

  it('need a daemon', async () => {
    const { list, follow } = await operations(false);
    await assert.rejects(list({}), { code: 'NEEDS_DAEMON' });
    await assert.rejects(follow({}).next(), { code: 'NEEDS_DAEMON' });
  });

  it('are shown one line an event', async () => {
    const { registry } = await operations();
    const context = { width: 100, colour: false, nowMs: 0 };
    const render = (name: string, value: unknown): string =>
      registry.get(name).cli?.render?.(value as never, context) ?? '';
    const event: EventView = {
      seq: 1,
      atMs: 0,
      kind: 'vm',
      id: 'u',
      label: 'web1',
      type: 'status',
      summary: 'state a → b',
    };
    assert.equal(render('event.follow', event), '1970-01-01 00:00:00Z  vm web1 status: state a → b');
    assert.equal(
      render('event.follow', { ...event, type: 'removed', summary: '' }),
      '1970-01-01 00:00:00Z  vm web1 removed',
    );
    assert.equal(
      render('event.follow', { ...event, type: 'resync', summary: 'Look again.' }),
      '1970-01-01 00:00:00Z  Look again.',
    );
    assert.match(render('event.list', [event]), /web1 +status +state a → b/);
  });
});
