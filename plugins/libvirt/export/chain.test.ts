import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chainOf, type ExportSet } from './chain.ts';
import { momentId, sampleSet } from './testing/sample-set.ts';

/** Every order of some things. */
function* orders<T>(things: readonly T[]): Generator<T[]> {
  if (things.length === 0) yield [];
  for (const [at, thing] of things.entries())
    for (const rest of orders([...things.slice(0, at), ...things.slice(at + 1)])) yield [thing, ...rest];
}

const problemOf = (sets: readonly ExportSet[]): string => {
  const answer = chainOf(sets);
  return 'problem' in answer ? answer.problem : '';
};

describe('a chain of exports', () => {
  it('is found whatever order they are named in', () => {
    const sets = [sampleSet('1', null), sampleSet('2', '1'), sampleSet('3', '2'), sampleSet('4', '3')];
    let seen = 0;
    for (const order of orders(sets)) {
      const answer = chainOf(order);
      assert.ok('chain' in answer);
      assert.deepEqual(answer.chain, sets);
      seen += 1;
    }
    assert.equal(seen, 24);
  });

  it('is found also where each builds on a later one in the list only, and with names that are equal', () => {
    const same = { id: momentId('2'), name: 'nightly' };
    const second = sampleSet('2', '1', {
      snapshot: { ...same, createdMs: 1, quiet: 'off', quietMs: 0 },
    });
    const third = sampleSet('3', null, {
      since: same,
      snapshot: { id: momentId('3'), name: 'nightly', createdMs: 2, quiet: 'off', quietMs: 0 },
    });
    const answer = chainOf([third, second, sampleSet('1', null)]);
    assert.ok('chain' in answer);
    assert.deepEqual(
      answer.chain.map(({ manifest }) => manifest.snapshot.id),
      ['1', '2', '3'].map(momentId),
    );
  });

  const full = sampleSet('1', null);
  const other = sampleSet('2', '1');
  for (const [what, sets, problem] of [
    ['none', [], /none of them is a full export/],
    ['no full one', [sampleSet('2', '1')], /builds on the export of s1, which is not among them/],
    [
      'a link that is missing',
      [full, sampleSet('3', '2')],
      /web1@s3 .* builds on the export of s2, which is not among/,
    ],
    ['two full ones', [full, sampleSet('2', null)], /more than one is a full export: .*s1.*s2/],
    ['the same twice', [full, full], /two are of the same snapshot/],
    ['two that build on one', [full, other, sampleSet('3', '1')], /more than one builds on \/backup\/web1@s1/],
    ['a circle beside it', [full, sampleSet('2', '3'), sampleSet('3', '2')], /s2.*s3.* build on each other/],
    ['one that builds on itself', [full, sampleSet('2', '2')], /s2.* build on each other/],
    ['only a circle', [sampleSet('2', '3'), sampleSet('3', '2')], /none of them is a full export/],
    [
      'other guests',
      [full, sampleSet('2', '1', { guest: { ...full.manifest.guest, uuid: momentId('9') } })],
      /of different guests: .*s1.*s2/,
    ],
    [
      'other disks',
      [full, sampleSet('2', '1', { disks: other.manifest.disks.slice(0, 1) })],
      /has the disks vda \(vms\/a\), and/,
    ],
    [
      'disks in other volumes',
      [full, sampleSet('2', '1', { disks: other.manifest.disks.map((one) => ({ ...one, volume: `${one.volume}x` })) })],
      /vda \(vms\/ax\)/,
    ],
  ] as const)
    it(`is none of ${what}`, () => assert.match(problemOf(sets), problem));
});
