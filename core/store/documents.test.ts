import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { PvcError } from '../error/error.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import { defineKind } from '../model/kind.ts';
import { Documents, describeKey, stampOf, statusKey, type Write } from './documents.ts';
import { MemoryCluster } from './memory.ts';

const guestSpec = z.strictObject({
  name: z.string(),
  macs: z.array(z.string()).default([]),
  node: z.string().optional(),
});
const guestStatus = z.strictObject({ state: z.enum(['on', 'off']), port: z.int().optional() });
type GuestSpec = z.infer<typeof guestSpec>;
type GuestStatus = z.infer<typeof guestStatus>;

const guest = defineKind<GuestSpec, GuestStatus>({
  name: 'guest',
  plural: 'guests',
  version: 1,
  id: z.string().regex(/^[0-9a-z-]+$/),
  spec: guestSpec,
  status: guestStatus,
  unique: (spec, status) => ({
    name: [spec.name],
    mac: spec.macs,
    port: status?.port === undefined ? [] : [`${status.port}`],
  }),
  concerns: (spec) => [spec.node],
});

function setUp() {
  const cluster = new MemoryCluster({ clock: new VirtualClock() });
  const store = cluster.open('a');
  const documents = new Documents(store);
  const write = async (...writes: Write[]): Promise<string> => {
    const { ops, topics } = documents.commitOf(writes);
    const result = await store.commit(ops, topics);
    return result.outcome === 'conflict' ? `conflict ${result.key}` : result.outcome;
  };
  const create = (id: string, spec: Partial<GuestSpec> = {}, status?: GuestStatus): Write => ({
    do: 'create',
    kind: guest,
    id,
    spec: { name: id, ...spec },
    ...(status === undefined ? {} : { status }),
  });
  const claims = (): string[] =>
    cluster
      .dump()
      .filter(({ key }) => key.startsWith('/claim/'))
      .map(({ key, value }) => `${key.slice(7)} ${value}`);
  return { cluster, store, documents, write, create, claims, need: (id: string) => documents.need(guest, id) };
}

describe('documents', () => {
  it('are read as they were written, alone and as a list', async () => {
    const { documents, write, create } = setUp();
    assert.equal(await documents.get(guest, 'a'), undefined);
    assert.deepEqual(await documents.list(guest), []);
    assert.equal(await write(create('b'), create('a', { macs: ['m'] }, { state: 'on' })), 'ok');
    const doc = await documents.need(guest, 'a');
    assert.deepEqual(
      [doc.spec, doc.status, doc.specVersion, doc.statusVersion],
      [{ name: 'a', macs: ['m'] }, { state: 'on' }, 0, 0],
    );
    assert.deepEqual(
      (await documents.list(guest)).map(({ id, status }) => [id, status?.state]),
      [
        ['a', 'on'],
        ['b', undefined],
      ],
    );
    await assert.rejects(documents.need(guest, 'c'), (error: PvcError) => error.code === 'OBJECT_NOT_FOUND');
  });

  it('are refused by the writer that saw an older version', async () => {
    const { write, create, need } = setUp();
    await write(create('a'));
    const before = await need('a');
    assert.equal(await write({ do: 'spec', kind: guest, before, spec: { ...before.spec, name: 'x' } }), 'ok');
    for (const late of [
      { do: 'spec', kind: guest, before, spec: { name: 'y' } },
      { do: 'remove', kind: guest, before },
      { do: 'unchanged', kind: guest, before },
      { do: 'status', kind: guest, before, status: { state: 'on' } },
    ] as const)
      assert.match(await write(late), /^conflict \/guest\/a\/spec/, late.do);
    assert.equal((await need('a')).spec.name, 'x');
  });

  it('have a status that never outlives them', async () => {
    const { cluster, write, create, need } = setUp();
    await write(create('a', {}, { state: 'on', port: 5900 }));
    const before = await need('a');
    assert.equal(await write({ do: 'remove', kind: guest, before }), 'ok');
    assert.match(await write({ do: 'status', kind: guest, before, status: { state: 'on' } }), /^conflict/);
    assert.deepEqual(
      cluster.dump().map(({ key }) => key),
      [],
    );
  });

  it('are not removed by who has not seen their newest status, which may claim more', async () => {
    const { cluster, write, create, need } = setUp();
    await write(create('a'), create('b', {}, { state: 'off' }));
    const [a, b] = [await need('a'), await need('b')];
    await write({ do: 'status', kind: guest, before: a, status: { state: 'on', port: 1 } });
    await write({ do: 'status', kind: guest, before: b, status: { state: 'on', port: 2 } });
    for (const before of [a, b]) {
      assert.equal(await write({ do: 'remove', kind: guest, before }), `conflict /guest/${before.id}/status`);
      assert.equal(await write({ do: 'remove', kind: guest, before: await need(before.id) }), 'ok');
    }
    assert.deepEqual(
      cluster.dump().map(({ key }) => key),
      [],
    );
  });

  it('do not mistake a new object under an old id for the old one', async () => {
    const { write, create, need, cluster } = setUp();
    await write(create('a'));
    const old = await need('a');
    await write({ do: 'remove', kind: guest, before: old });
    await write(create('a'));
    assert.notEqual((await need('a')).birth, old.birth);
    // Both are in version 0: only the life tells them apart.
    const refused = `conflict /life/guest/a.${old.life}`;
    assert.equal(await write({ do: 'spec', kind: guest, before: old, spec: { name: 'a', node: 'hv1' } }), refused);
    assert.equal(await write({ do: 'status', kind: guest, before: old, status: { state: 'on' } }), refused);
    assert.equal(await write({ do: 'touch', kind: guest, before: old }), refused);
    assert.equal(await write({ do: 'unchanged', kind: guest, before: old }), refused);
    assert.equal(await write({ do: 'remove', kind: guest, before: old }), refused);
    assert.deepEqual(describeKey(refused.slice(9)), { kind: 'guest', what: 'object', value: 'a' });
    const after = await need('a');
    assert.equal(after.status, undefined);
    assert.equal(await write({ do: 'spec', kind: guest, before: after, spec: { name: 'b' } }), 'ok');
    assert.equal(await write({ do: 'status', kind: guest, before: await need('a'), status: { state: 'on' } }), 'ok');
    assert.equal((await need('a')).life, after.life);
    assert.equal(await write({ do: 'remove', kind: guest, before: await need('a') }), 'ok');
    assert.deepEqual(cluster.dump(), []);
  });

  it('made without a life are written as they were', async () => {
    const { write, need, store } = setUp();
    await store.commit([
      { op: 'create', key: '/guest/a/spec', value: JSON.stringify({ v: 1, d: { name: 'a' } }) },
      { op: 'create', key: '/claim/guest.name/va', value: 'a' },
    ]);
    assert.equal(await write({ do: 'spec', kind: guest, before: await need('a'), spec: { name: 'a' } }), 'ok');
    assert.equal((await need('a')).life, undefined);
    assert.equal(await write({ do: 'remove', kind: guest, before: await need('a') }), 'ok');
  });

  it('wake the nodes of before and after', async () => {
    const { write, create, need, documents } = setUp();
    await write(create('a', { node: 'hv1' }));
    const before = await need('a');
    assert.deepEqual(
      documents.commitOf([{ do: 'spec', kind: guest, before, spec: { ...before.spec, node: 'hv2' } }]).topics.sort(),
      ['node:hv1', 'node:hv2'],
    );
    assert.deepEqual(documents.commitOf([create('b')]).topics, []);
  });

  it('say one check for one key, and none where it is written', async () => {
    const { write, create, need, documents } = setUp();
    await write(create('a'), create('b'));
    const [a, b] = [await need('a'), await need('b')];
    const { ops } = documents.commitOf([
      { do: 'unchanged', kind: guest, before: a },
      { do: 'unchanged', kind: guest, before: a },
      { do: 'status', kind: guest, before: a, status: { state: 'on' } },
      { do: 'unchanged', kind: guest, before: b },
      { do: 'spec', kind: guest, before: b, spec: b.spec },
    ]);
    assert.deepEqual(
      ops.map(({ op, key }) => `${op} ${key}`),
      [
        'check /guest/a/spec',
        'create /guest/a/status',
        'put /guest/b/spec',
        `check /life/guest/a.${a.life}`,
        `check /life/guest/b.${b.life}`,
      ],
    );
  });

  it('are refused whole when one is not valid', () => {
    const { create, documents } = setUp();
    const code = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        return error instanceof PvcError ? error.code : (error as Error).constructor.name;
      }
      return 'nothing';
    };
    assert.equal(
      code(() => documents.commitOf([create('a'), create('b', { name: 7 as unknown as string })])),
      'DOCUMENT_INVALID',
    );
    assert.notEqual(
      code(() => documents.commitOf([create('../a')])),
      'nothing',
    );
  });
});

describe('claims', () => {
  it('follow spec and status', async () => {
    const { claims, write, create, need, documents } = setUp();
    await write(create('1', { name: 'web', macs: ['m1', 'm2'] }));
    assert.deepEqual(claims(), ['guest.mac/vm1 1', 'guest.mac/vm2 1', 'guest.name/vweb 1']);
    let before = await need('1');
    await write({ do: 'spec', kind: guest, before, spec: { name: 'www', macs: ['m2', 'm3'] } });
    assert.deepEqual(claims(), ['guest.mac/vm2 1', 'guest.mac/vm3 1', 'guest.name/vwww 1']);
    assert.deepEqual(
      [await documents.find(guest, 'name', 'web'), await documents.find(guest, 'name', 'www')],
      [undefined, '1'],
    );
    before = await need('1');
    await write({ do: 'status', kind: guest, before, status: { state: 'on', port: 5900 } });
    assert.equal(await documents.find(guest, 'port', '5900'), '1');
    before = await need('1');
    await write({ do: 'spec', kind: guest, before, spec: { ...before.spec, macs: [] } });
    assert.deepEqual(
      claims(),
      ['guest.name/vwww 1', 'guest.port/v5900 1'],
      'a change of the spec keeps what the status claims',
    );
    before = await need('1');
    await write({ do: 'status', kind: guest, before, status: { state: 'off' } });
    await write({ do: 'remove', kind: guest, before: await need('1') });
    assert.deepEqual(claims(), []);
  });

  it('let one of two have a value, whatever the order', async () => {
    const { write, create, need } = setUp();
    assert.equal(await write(create('1', { name: 'web' })), 'ok');
    assert.equal(await write(create('2', { name: 'web' })), 'conflict /claim/guest.name/vweb');
    assert.equal(await write(create('2', { name: 'www' })), 'ok');
    const before = await need('2');
    assert.equal(
      await write({ do: 'spec', kind: guest, before, spec: { ...before.spec, name: 'web' } }),
      'conflict /claim/guest.name/vweb',
    );
    assert.equal((await need('2')).spec.name, 'www');
  });

  it('of two values never share a key, and are named as they were', () => {
    const { documents } = setUp();
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
        (one, two) => {
          const keyOf = (name: string): string =>
            documents
              .commitOf([{ do: 'create', kind: guest, id: '1', spec: { name } }])
              .ops.find(({ key }) => key.startsWith('/claim/'))?.key ?? '';
          assert.match(keyOf(one), /^\/claim\/guest\.name\/[A-Za-z0-9][A-Za-z0-9._:@+-]*$/);
          assert.equal(keyOf(one) === keyOf(two), one === two);
          assert.deepEqual(describeKey(keyOf(one)), { kind: 'guest', what: 'claim', index: 'name', value: one });
        },
      ),
    );
  });

  it('are told from objects', () =>
    assert.deepEqual(describeKey('/guest/1/spec'), { kind: 'guest', what: 'object', value: '1' }));

  it('are told from lives and from the index by node, which belong to objects', () => {
    for (const key of ['/life/guest/a.b.w1', '/at/hv1/guest/a.b'])
      assert.deepEqual(describeKey(key), { kind: 'guest', what: 'object', value: 'a.b' });
  });
});

describe('documents of other versions', () => {
  it('keep the fields that this one does not know when they are written again', async () => {
    const { cluster, store, write, documents, need } = setUp();
    await store.commit([
      { op: 'create', key: '/claim/guest.name/vweb', value: '1' },
      { op: 'create', key: '/guest/1/spec', value: '{"v":1,"d":{"name":"web","macs":[],"colour":"red"}}' },
      { op: 'create', key: '/guest/1/status', value: '{"v":1,"d":{"state":"on","since":7}}' },
    ]);
    const [before] = await documents.list(guest);
    assert.ok(before);
    assert.deepEqual(before.spec, { name: 'web', macs: [] });
    await write({ do: 'spec', kind: guest, before, spec: { ...before.spec, name: 'www' } });
    await write({ do: 'status', kind: guest, before: await need('1'), status: { state: 'off' } });
    const text = (half: string): unknown =>
      JSON.parse(cluster.dump().find(({ key }) => key === `/guest/1/${half}`)?.value ?? '').d;
    assert.deepEqual(text('spec'), { name: 'www', macs: [], colour: 'red' });
    assert.deepEqual(text('status'), { state: 'off', since: 7 });
  });

  it('that cannot be understood are noted and not dropped', async () => {
    const { cluster, store, write, create, documents } = setUp();
    await write(create('1'));
    await store.commit([
      { op: 'create', key: '/guest/2/spec', value: '{"v":2,"d":{"called":"web"}}' },
      { op: 'create', key: statusKey(guest, '3'), value: '{"v":1,"d":{"state":"on"}}' },
    ]);
    assert.deepEqual(
      (await documents.list(guest)).map(({ id }) => id),
      ['1'],
    );
    assert.deepEqual([...documents.unreadable.keys()], ['guest/2']);
    await assert.rejects(documents.get(guest, '2'), (error: PvcError) => error.code === 'DOCUMENT_UNREADABLE');
    assert.ok(cluster.dump().some(({ key }) => key === '/guest/2/spec'));
    await store.commit([{ op: 'put', key: '/guest/2/spec', value: '{"v":1,"d":{"name":"web"}}', version: 0 }]);
    assert.equal((await documents.list(guest)).length, 2);
    assert.equal(documents.unreadable.size, 0);
  });

  it('has a word for each object that is another one as soon as the object is', async () => {
    const { documents, write } = setUp();
    await write(
      { do: 'create', kind: guest, id: 'a', spec: { name: 'web' } },
      { do: 'create', kind: guest, id: 'b', spec: { name: 'db' }, status: { state: 'off' } },
    );
    const look = () =>
      documents.stampsOf([
        [guest, 'b'],
        [guest, 'gone'],
        [guest, 'a'],
      ]);
    const [b, gone, a] = await look();
    assert.deepEqual(
      [b, gone, a],
      [stampOf(await documents.need(guest, 'b')), undefined, stampOf(await documents.need(guest, 'a'))],
    );
    await write({ do: 'status', kind: guest, before: await documents.need(guest, 'b'), status: { state: 'on' } });
    const [changed, , same] = await look();
    assert.notEqual(changed, b);
    assert.equal(same, a);
    assert.deepEqual(await documents.stampsOf([]), []);
  });
});
