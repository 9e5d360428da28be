import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Manifest, readManifest } from './manifest.ts';
import { sampleSet } from './testing/sample-set.ts';

const { manifest } = sampleSet('1', null);

/** The manifest with something else at a path. */
function changed(path: readonly (string | number)[], value: unknown): string {
  const copy = structuredClone(manifest) as unknown as Record<string | number, unknown>;
  let at = copy;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
  return JSON.stringify(copy);
}

const problemOf = (text: string): string => {
  const read = readManifest(text);
  return 'problem' in read ? read.problem : '';
};

describe('a manifest', () => {
  it('is read as it was written', () => {
    assert.deepEqual(readManifest(JSON.stringify(manifest)), { manifest });
  });

  for (const [what, path, value, problem] of [
    ['a file elsewhere', ['disks', 0, 'file'], '../../etc/shadow', /disks\.0\.file: is TARGET\.copy/],
    ['a file by its path', ['disks', 0, 'file'], '/etc/shadow', /disks\.0\.file/],
    ['the file of another disk', ['disks', 0, 'file'], 'vdb.copy', /disks\.0\.file/],
    ['a target that is a path', ['disks', 0, 'target'], '../vda', /disks\.0\.target/],
    ['an option instead of a volume', ['disks', 0, 'volume'], '--pool/x', /disks\.0\.volume/],
    ['a volume with a snapshot', ['disks', 0, 'volume'], 'vms/a@b', /disks\.0\.volume/],
    ['a volume without a pool', ['disks', 0, 'volume'], 'a', /POOL\/NAME/],
    ['a volume in a name space', ['disks', 0, 'volume'], 'vms/x/a', /POOL\/NAME/],
    ['a snapshot that is an option', ['disks', 0, 'snapshot'], '-f', /disks\.0\.snapshot/],
    ['a size below nothing', ['disks', 0, 'sizeBytes'], -1, /disks\.0\.sizeBytes/],
    ['a size that is no whole number', ['disks', 0, 'sizeBytes'], 1.5, /disks\.0\.sizeBytes/],
    ['a size that cannot be counted', ['disks', 0, 'bytes'], 1e300, /disks\.0\.bytes/],
    ['no sum', ['disks', 0, 'sha256'], 'A'.repeat(64), /disks\.0\.sha256/],
    ['two disks of one target', ['disks', 1], { ...manifest.disks[0], volume: 'vms/c' }, /a target is there twice/],
    ['two disks in one volume', ['disks', 1, 'volume'], 'vms/a', /a volume is there twice/],
    ['no disks', ['disks'], [], /disks/],
    ['a bad name', ['guest', 'name'], 'web 1', /guest\.name/],
    ['a bad UUID', ['guest', 'uuid'], '../x', /guest\.uuid/],
    ['a bad state', ['guest', 'meta', 'run'], 'flying', /guest\.meta\.run/],
    ['a bad limit', ['guest', 'meta', 'limit'], ['hv1;rm'], /guest\.meta\.limit/],
    ['what nobody knows', ['guest', 'password'], 'x', /password/],
    ['no snapshot', ['snapshot'], undefined, /snapshot/],
    ['a snapshot with a bad name', ['snapshot', 'name'], 'a/b', /snapshot\.name/],
    ['nothing about what it builds on', ['since'], undefined, /since/],
    ['another form', ['version'], 2, /version 2 of its form; this PVC reads 1/],
    ['another kind of file', ['format'], 'pvc-thing', /not that of an exported guest/],
  ] as const)
    it(`with ${what} is refused`, () => assert.match(problemOf(changed(path, value)), problem));

  for (const text of ['', '{', 'null', '[]', '"x"', '{"format":"pvc-guest"}'])
    it(`that is ${text === '' ? 'empty' : text} is refused`, () => assert.notEqual(problemOf(text), ''));

  it('gives nothing that it was not asked for', () => {
    const read = readManifest(JSON.stringify(manifest).replace('"settings":', '"__proto__":{"x":1},"settings":'));
    assert.ok('problem' in read || !('x' in (read.manifest as Manifest & { x?: unknown })));
    assert.equal(({} as { x?: unknown }).x, undefined);
  });
});
