import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { createVirtualHost } from '../host/virtual-host.ts';
import { defineKind } from '../model/kind.ts';
import { audit } from '../operation/audit.ts';
import type { ChangeEvent } from '../plugin/hooks.ts';
import { Documents, type Write } from '../store/documents.ts';
import { MemoryCluster } from '../store/memory.ts';
import type { Dirty } from '../store/store.ts';
import type { NewEvent } from './event.ts';
import { EventSource } from './event-source.ts';
import { openEvents } from './open-events.ts';

const petSpec = z.strictObject({ name: z.string(), age: z.int(), tokenHash: z.string().optional() });
const petStatus = z.strictObject({ state: z.string(), reason: z.string().optional(), seenMs: z.int() });
const pet = defineKind<z.infer<typeof petSpec>, z.infer<typeof petStatus>>({
  name: 'pet',
  plural: 'pets',
  version: 1,
  id: z.string(),
  spec: petSpec,
  status: petStatus,
  label: (spec) => spec.name,
});

async function watched() {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const store = cluster.open('daemon');
  const documents = new Documents(store);
  const stop = new AbortController();
  const events: NewEvent[] = [];
  const source = new EventSource({
    host,
    kinds: [pet],
    emit: (some) => void events.push(...some),
    signal: stop.signal,
  });
  const write = async (...writes: Write[]): Promise<void> => {
    const { ops } = documents.commitOf(writes);
    assert.equal((await store.commit(ops)).outcome, 'ok');
  };
  const settle = async (): Promise<void> => {
    await host.clock.advance(10);
    await source.settled();
  };
  const start = async (): Promise<void> => {
    void (async () => {
      for await (const dirty of store.watch(['all'], stop.signal)) source.observe(documents, dirty);
    })();
    await settle();
  };
  const taken = async (): Promise<string[]> => {
    await settle();
    return events
      .splice(0)
      .map(({ kind, label, type, summary }) => `${kind} ${label} ${type}${summary === '' ? '' : `: ${summary}`}`);
  };
  const need = (id = 'p1') => documents.need(pet, id);
  const create = (name: string, id = 'p1'): Write => ({
    do: 'create',
    kind: pet,
    id,
    spec: { name, age: 1 },
    status: { state: 'asleep', seenMs: 1 },
  });
  return { host, store, documents, source, events, write, settle, start, taken, need, create, stop, cluster };
}

describe('the source of events', () => {
  it('says nothing about what is there at the beginning', async () => {
    const { write, create, start, taken } = await watched();
    await write(create('rex'));
    await start();
    assert.deepEqual(await taken(), []);
  });

  it('tells creation, change, state and removal', async () => {
    const { write, create, start, taken, need, stop } = await watched();
    await start();
    await write(create('rex'));
    assert.deepEqual(await taken(), ['pet rex created: state asleep']);
    let doc = await need();
    await write({ do: 'spec', kind: pet, before: doc, spec: { name: 'max', age: 2, tokenHash: 'abc' } });
    assert.deepEqual(await taken(), ['pet max changed: name rex → max, age 1 → 2, tokenHash']);
    doc = await need();
    await write({ do: 'status', kind: pet, before: doc, status: { state: 'awake', reason: 'hungry', seenMs: 2 } });
    assert.deepEqual(await taken(), ['pet max status: state asleep → awake, reason hungry (hungry)']);
    await write({ do: 'remove', kind: pet, before: await need() });
    assert.deepEqual(await taken(), ['pet max removed']);
    stop.abort();
  });

  it('says nothing of a status that is only newer', async () => {
    const { write, create, start, taken, need } = await watched();
    await write(create('rex'));
    await start();
    await write({ do: 'status', kind: pet, before: await need(), status: { state: 'asleep', seenMs: 99 } });
    assert.deepEqual(await taken(), []);
  });

  it('tells an object that was made anew under the same id', async () => {
    const { write, create, taken, need, documents, source } = await watched();
    await write(create('rex'));
    source.observe(documents, { resync: true, keys: new Set() });
    await source.settled();
    await write({ do: 'remove', kind: pet, before: await need() });
    await write(create('tom'));
    source.observe(documents, { resync: false, keys: new Set(['/pet/p1/spec']) });
    assert.deepEqual(await taken(), ['pet rex removed', 'pet tom created: state asleep']);
  });

  it('tells what differs after a later resync', async () => {
    const { write, create, taken, need, documents, source } = await watched();
    const resync: Dirty = { resync: true, keys: new Set() };
    await write(create('rex'), create('tom', 'p2'));
    source.observe(documents, resync);
    await source.settled();
    await write(
      { do: 'remove', kind: pet, before: await need('p2') },
      { do: 'spec', kind: pet, before: await need('p1'), spec: { name: 'rex', age: 5 } },
      create('zoe', 'p3'),
    );
    source.observe(documents, resync);
    assert.deepEqual((await taken()).sort(), [
      'pet rex changed: age 1 → 5',
      'pet tom removed',
      'pet zoe created: state asleep',
    ]);
    source.observe(documents, resync);
    assert.deepEqual(await taken(), []);
  });

  it('looks again when the store was away, and loses nothing', async () => {
    const { host, write, create, taken, need, documents, source, store } = await watched();
    await write(create('rex'));
    source.observe(documents, { resync: true, keys: new Set() });
    await source.settled();
    await write({ do: 'spec', kind: pet, before: await need(), spec: { name: 'rex', age: 7 } });
    const read = store.readMany.bind(store);
    let failures = 2;
    store.readMany = async (keys) => {
      failures -= 1;
      if (failures >= 0) throw new Error('away');
      return read(keys);
    };
    source.observe(documents, { resync: false, keys: new Set(['/pet/p1/spec']) });
    await host.clock.advance(5_000);
    assert.deepEqual(await taken(), ['pet rex changed: age 1 → 7']);
    assert.equal(host.logLines.filter((line) => line.includes('trying again')).length, 2);
  });

  it('does not take an object that it cannot read for a removed one', async () => {
    const { host, write, create, taken, documents, source, store } = await watched();
    await write(create('rex'));
    source.observe(documents, { resync: true, keys: new Set() });
    await source.settled();
    assert.equal(
      (await store.commit([{ op: 'put', key: '/pet/p1/spec', value: '{"v":99}', version: undefined }])).outcome,
      'ok',
    );
    source.observe(documents, { resync: false, keys: new Set(['/pet/p1/spec']) });
    source.observe(documents, { resync: true, keys: new Set() });
    assert.deepEqual(await taken(), []);
    assert.match(host.logLines.join(), /cannot be understood/);
  });

  it('ends with its signal while the store is away', async () => {
    const { documents, source, stop, store, settle } = await watched();
    store.list = async () => {
      throw new Error('away');
    };
    source.observe(documents, { resync: true, keys: new Set() });
    stop.abort();
    await settle();
  });
});

describe('openEvents', () => {
  it('joins store, log and plugins, and leaves audit records out', async () => {
    const host = createVirtualHost();
    const documents = new Documents(new MemoryCluster({ clock: host.clock }).open('daemon'));
    const told: ChangeEvent[] = [];
    const held = Promise.withResolvers<void>();
    const stop = new AbortController();
    const tell = async (event: ChangeEvent): Promise<void> => {
      told.push(event);
      if (told.length === 1) throw new Error('a plugin is broken');
      await held.promise;
    };
    const events = await openEvents({
      host,
      directory: '/var/lib/pvc',
      kinds: [pet, audit],
      tell,
      signal: stop.signal,
    });
    const dirty = async (resync: boolean, ...keys: string[]): Promise<void> => {
      events.observe(documents, { resync, keys: new Set(keys) });
      await host.clock.advance(10);
      await events.log.settled();
    };
    await dirty(true);
    const create = (id: string): Write => ({ do: 'create', kind: pet, id, spec: { name: id, age: 1 } });
    const record = {
      atMs: 1,
      actor: 'root',
      role: 'admin',
      via: 'socket',
      operation: 'x',
      input: {},
      changes: [],
      tasks: [],
    };
    await documents.store.commit(
      documents.commitOf([
        create('p1'),
        create('p2'),
        create('p3'),
        { do: 'create', kind: audit, id: '000000000000', spec: record },
      ]).ops,
    );
    await dirty(false, '/pet/p1/spec', '/pet/p2/spec', '/pet/p3/spec', '/audit/000000000000/spec');
    assert.deepEqual(
      events.log.list(() => true, 10).map(({ seq, label, type }) => `${seq} ${label} ${type}`),
      ['1 p1 created', '2 p2 created', '3 p3 created'],
    );
    assert.deepEqual(
      told,
      [
        { kind: 'pet', id: 'p1', label: 'p1', type: 'created' },
        { kind: 'pet', id: 'p2', label: 'p2', type: 'created' },
      ],
      'one after the other, and a slow one holds up nothing but plugins',
    );
    assert.match(host.logLines.join(), /plugins could not be told/);
    held.resolve();
    await host.clock.advance(1);
    assert.equal(told.length, 3);
  });
});
