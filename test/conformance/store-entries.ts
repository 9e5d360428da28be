/** Conformance: entries, versions, conflicts, keys and limits. @module */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { maxCommitOps, maxKeyLength, maxValueBytes, type Op } from '../../core/store/store.ts';
import { withCode } from '../fixtures/expect.ts';
import { create, mustCommit, put, remove, type StoreFactory, withSubject } from './store-subject.ts';

export function entryConformance(factory: StoreFactory): void {
  it('creates, reads, changes and deletes an entry', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      assert.equal(await store.read('/vm/a'), undefined);
      await mustCommit(store, [create('/vm/a', '{"n":"ä€😀\\u0000"}')]);
      const first = await store.read('/vm/a');
      assert.equal(first?.key, '/vm/a');
      assert.equal(first.value, '{"n":"ä€😀\\u0000"}');
      assert.equal(first.version, 0);
      await mustCommit(store, [put('/vm/a', '2', 0)]);
      assert.deepEqual(await store.read('/vm/a'), { ...first, value: '2', version: 1 });
      await mustCommit(store, [put('/vm/a', '3')]);
      assert.deepEqual(await store.read('/vm/a'), { ...first, value: '3', version: 2 });
      await mustCommit(store, [remove('/vm/a', 2)]);
      assert.equal(await store.read('/vm/a'), undefined);
    }));

  it('shows a commit to every session at once', () =>
    withSubject(factory, async ({ open }) => {
      const [one, two] = [await open(), await open()];
      await mustCommit(one, [create('/a', '1')]);
      assert.equal((await two.read('/a'))?.value, '1');
      await mustCommit(two, [put('/a', '2', 0)]);
      assert.equal((await one.read('/a'))?.value, '2');
    }));

  it('starts a new life with version 0 and another birth', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      await mustCommit(store, [create('/a')]);
      const first = await store.read('/a');
      await mustCommit(store, [put('/a', '1')]);
      assert.equal((await store.read('/a'))?.birth, first?.birth);
      await mustCommit(store, [remove('/a')]);
      await mustCommit(store, [create('/a')]);
      const second = await store.read('/a');
      assert.equal(second?.version, 0);
      assert.notEqual(second.birth, first?.birth);
    }));

  it('gives each fresh word once, over all stores and their next lives', () =>
    withSubject(factory, async ({ open }) => {
      const words: string[] = [];
      for (const store of [await open(), await open()]) {
        words.push(store.freshWord(), store.freshWord());
        await store.close();
        words.push((await open()).freshWord());
      }
      assert.equal(new Set(words).size, words.length);
      for (const word of words) assert.match(word, /^[A-Za-z0-9][A-Za-z0-9-]*$/);
    }));

  it('reads many in the order asked for, with gaps and repetitions', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      await mustCommit(store, [create('/a', '1'), create('/b', '2')]);
      const found = await store.readMany(['/b', '/none', '/a', '/b']);
      assert.deepEqual(
        found.map((entry) => entry?.value),
        ['2', undefined, '1', '2'],
      );
      assert.deepEqual(await store.readMany([]), []);
    }));

  const conflicts: { name: string; ops: Op[]; key: string }[] = [
    { name: 'create of an entry that exists', ops: [create('/new'), create('/a')], key: '/a' },
    { name: 'put with an old version', ops: [create('/new'), put('/a', 'x', 0)], key: '/a' },
    { name: 'put with a version still to come', ops: [create('/new'), put('/a', 'x', 2)], key: '/a' },
    { name: 'put of an entry that does not exist', ops: [create('/new'), put('/none', 'x', 0)], key: '/none' },
    { name: 'put of any version without an entry', ops: [create('/new'), put('/none', 'x')], key: '/none' },
    { name: 'delete with another version', ops: [remove('/b'), remove('/a', 7)], key: '/a' },
    { name: 'delete of an entry that does not exist', ops: [remove('/b'), remove('/none')], key: '/none' },
    { name: 'check of another version', ops: [put('/b', 'x'), { op: 'check', key: '/a', version: 0 }], key: '/a' },
    { name: 'check without an entry', ops: [put('/b', 'x'), { op: 'check', key: '/none', version: 0 }], key: '/none' },
    { name: 'absent although it exists', ops: [put('/b', 'x'), { op: 'absent', key: '/a' }], key: '/a' },
    { name: 'the first of several', ops: [remove('/b'), create('/a'), remove('/none')], key: '/a' },
    { name: 'create of what the same commit created', ops: [create('/new'), create('/new')], key: '/new' },
    { name: 'put of what the same commit deleted', ops: [remove('/b'), put('/b', 'x')], key: '/b' },
  ];
  for (const { name, ops, key } of conflicts) {
    it(`refuses as a whole: ${name}`, () =>
      withSubject(factory, async ({ open }) => {
        const store = await open();
        await mustCommit(store, [create('/a'), create('/b')]);
        await mustCommit(store, [put('/a', '1')]);
        const before = await store.list('/');
        assert.deepEqual(await store.commit(ops), { outcome: 'conflict', key });
        assert.deepEqual(await store.list('/'), before);
      }));
  }

  it('takes check and absent that hold', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      await mustCommit(store, [create('/a')]);
      await mustCommit(store, [{ op: 'check', key: '/a', version: 0 }, { op: 'absent', key: '/b' }, create('/c')]);
      assert.ok(await store.read('/c'));
      assert.equal((await store.read('/a'))?.version, 0, 'a check is not a write');
    }));

  it('does the operations of a commit one on top of the other', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      await mustCommit(store, [create('/a', '0'), put('/a', '1', 0), put('/a', '2', 1), create('/b')]);
      const first = await store.read('/a');
      assert.deepEqual([first?.value, first?.version], ['2', 2]);
      await mustCommit(store, [remove('/a', 2), { op: 'absent', key: '/a' }, create('/a', '3')]);
      const second = await store.read('/a');
      assert.deepEqual([second?.value, second?.version], ['3', 0]);
      assert.notEqual(second?.birth, first?.birth);
    }));

  it('takes an empty commit', () =>
    withSubject(factory, async ({ open }) => {
      assert.deepEqual(await (await open()).commit([]), { outcome: 'ok' });
    }));

  it('lists below a prefix, not its namesakes, sorted by key', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      const keys = [
        '/a',
        '/a/b',
        '/a/b/c/d',
        '/a/b-c',
        '/a/b/c',
        '/a/bc',
        '/a-x/y',
        '/a.z',
        '/ab',
        '/A',
        '/b/b',
        '/a/B',
      ];
      await mustCommit(
        store,
        keys.map((key) => create(key, `"${key}"`)),
      );
      const listed = async (prefix: string): Promise<string[]> => (await store.list(prefix)).map((entry) => entry.key);
      assert.deepEqual(await listed('/a'), ['/a/B', '/a/b', '/a/b-c', '/a/b/c', '/a/b/c/d', '/a/bc']);
      assert.deepEqual(await listed('/a/b'), ['/a/b/c', '/a/b/c/d']);
      assert.deepEqual(await listed('/'), [...keys].sort());
      assert.deepEqual(await listed('/none'), []);
      assert.deepEqual(await listed('/ab'), []);
      assert.deepEqual(await store.children('/a'), ['B', 'b', 'b-c', 'bc']);
      assert.deepEqual(await store.children('/a/b'), ['c']);
      assert.deepEqual(await store.children('/'), ['A', 'a', 'a-x', 'a.z', 'ab', 'b']);
      assert.deepEqual(await store.children('/none'), []);
      assert.equal((await store.list('/a'))[1]?.value, '"/a/b"');
    }));

  it('counts a child without an entry of its own, until the last entry below it has gone', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      await mustCommit(store, [create('/vm/1/spec'), create('/vm/1/status'), create('/vm/2/spec')]);
      assert.deepEqual(await store.children('/vm'), ['1', '2']);
      assert.equal(await store.read('/vm/1'), undefined);
      await mustCommit(store, [remove('/vm/1/spec'), remove('/vm/2/spec')]);
      assert.deepEqual(await store.children('/vm'), ['1']);
      await mustCommit(store, [remove('/vm/1/status')]);
      assert.deepEqual(await store.children('/vm'), []);
      assert.deepEqual(await store.children('/'), []);
    }));

  it('finds the children among very many entries', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      const names = Array.from({ length: 300 }, (_, n) => `n${n}`);
      await mustCommit(
        store,
        names.map((name) => create(`/k/m/${name}`)),
      );
      await mustCommit(
        store,
        names.map((name) => create(`/k/${name}/x`)),
      );
      await mustCommit(store, [create('/k/m'), create('/k/m-m'), create('/k/m.m/x/y'), create('/k/z'), create('/k/a')]);
      assert.deepEqual(await store.children('/k'), ['a', 'm', 'm-m', 'm.m', ...names, 'z'].sort());
      assert.deepEqual(await store.children('/k/m'), [...names].sort());
      assert.deepEqual(await store.children('/'), ['k']);
    }));

  it('keeps the children of an entry that is deleted, and takes a parent after its children', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      await mustCommit(store, [create('/a/b/c'), create('/a', '1')]);
      await mustCommit(store, [remove('/a')]);
      assert.deepEqual(
        (await store.list('/a')).map((entry) => entry.key),
        ['/a/b/c'],
      );
      assert.deepEqual(await store.commit([put('/a/b', '1')]), { outcome: 'conflict', key: '/a/b' });
      await mustCommit(store, [{ op: 'absent', key: '/a/b' }, create('/a/b', '2')]);
      assert.equal((await store.read('/a/b'))?.version, 0);
    }));

  it('refuses what is not a key, everywhere', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      const bad = [
        '',
        'a',
        'a/b',
        '/a/',
        '//a',
        '/a//b',
        '/.',
        '/a/..',
        '/a b',
        '/ä',
        '/a\n',
        '/-a',
        '/_a',
        '/a?',
        '/a%2f',
        '/a\0',
        '/a/*',
      ];
      const long = `/${'k'.repeat(maxKeyLength)}`;
      const refused = withCode('STORE_KEY');
      for (const key of [...bad, long]) {
        await assert.rejects(store.read(key), refused, key);
        await assert.rejects(store.readMany(['/a', key]), refused, key);
        await assert.rejects(store.children(key), refused, key);
        await assert.rejects(store.list(key), refused, key);
        await assert.rejects(store.commit([create('/good'), create(key)]), refused, key);
        await assert.rejects(store.commit([{ op: 'absent', key }]), refused, key);
      }
      await assert.rejects(store.read('/'), refused);
      await assert.rejects(store.commit([create('/')]), refused);
      assert.equal(await store.read('/good'), undefined);
      for (const key of ['/a', '/A9', '/a.b_c:d@e+f-g', '/9', `/${'k'.repeat(maxKeyLength - 1)}`]) {
        await mustCommit(store, [create(key)]);
        assert.ok(await store.read(key));
      }
    }));

  it('takes values up to the limit, counted in bytes', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      const largest = `"${'ä'.repeat(maxValueBytes / 2 - 1)}"`;
      await mustCommit(store, [create('/a', largest)]);
      assert.equal((await store.read('/a'))?.value, largest);
      const tooLarge = withCode('STORE_TOO_LARGE');
      await assert.rejects(store.commit([create('/b'), put('/a', `${largest} `)]), tooLarge);
      await assert.rejects(store.commit([create('/b', `${largest} `)]), tooLarge);
      assert.equal(await store.read('/b'), undefined);
      assert.equal((await store.read('/a'))?.version, 0);
    }));

  it('takes as many operations as the limit says', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      const ops = Array.from({ length: maxCommitOps }, (_, n) => create(`/many/${n}`));
      await assert.rejects(store.commit([...ops, create('/more')]), withCode('STORE_TOO_LARGE'));
      assert.deepEqual(await store.list('/'), []);
      await mustCommit(store, ops);
      assert.equal((await store.children('/many')).length, maxCommitOps);
      assert.deepEqual(await store.commit([...ops.slice(1).map((op) => remove(op.key)), remove('/none')]), {
        outcome: 'conflict',
        key: '/none',
      });
      assert.equal((await store.children('/many')).length, maxCommitOps);
    }));
}
