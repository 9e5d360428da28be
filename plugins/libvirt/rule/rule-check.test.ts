import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { companions, contradiction } from './rule-check.ts';
import type { Rule } from './rule-kind.ts';

const rule = (name: string, kind: Rule['kind'], guests: string, strict = true): Rule => ({
  name,
  kind,
  strict,
  guests: guests.split(' '),
});

describe('companions', () => {
  it('are all that strict rules keep together, also by way of one another', () => {
    const rules = [
      rule('r1', 'together', 'a b'),
      rule('r2', 'together', 'c d'),
      rule('r3', 'together', 'e c b'),
      rule('r4', 'together', 'd f', false),
      rule('r5', 'apart', 'a g'),
    ];
    assert.deepEqual([...companions(rules, 'd')].sort(), ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual([...companions(rules, 'f')], ['f']);
  });

  it('are not those whom only a guest without a place ties to each other', () => {
    const rules = [
      rule('r1', 'together', 'a gone'),
      rule('r2', 'together', 'gone b'),
      rule('r3', 'together', 'a gone c'),
    ];
    assert.deepEqual([...companions(rules, 'a', (guest) => guest !== 'gone')].sort(), ['a', 'c']);
  });
});

describe('a contradiction', () => {
  for (const [what, asked, others, expected] of [
    ['of two rules', rule('r2', 'apart', 'a b'), [rule('r1', 'together', 'a b')], /^a and b are kept together by r1$/],
    ['seen from the other', rule('r2', 'together', 'a b'), [rule('r1', 'apart', 'b a c')], /kept apart by r1$/],
    [
      'by way of others',
      rule('r3', 'apart', 'c a'),
      [rule('r1', 'together', 'a b'), rule('r2', 'together', 'b c')],
      /^c and a are kept together by r1, r2$/,
    ],
    ['with one that is preferred', rule('r2', 'apart', 'a b'), [rule('r1', 'together', 'a b', false)], undefined],
    ['with its own former self', rule('r1', 'apart', 'a b'), [rule('r1', 'together', 'a b')], undefined],
    ['with rules of others', rule('r2', 'apart', 'a b'), [rule('r1', 'together', 'b c')], undefined],
  ] as const)
    it(`${what} is ${expected === undefined ? 'none' : 'found'}`, () => {
      const found = contradiction(asked, others);
      if (expected === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', expected);
    });
});
