/**
 * `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. Each of them is given to the real nft in a
 * network namespace of its own by guard-ruleset.real.test.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { guardRuleset } from './guard-ruleset.ts';
import { guardCases } from './testing/cases.ts';

const accept = process.env['PVC_ACCEPT'] === '1';

describe('what keeps cards to their limits and addresses', () => {
  for (const [name, cards] of Object.entries(guardCases))
    it(`of ${name.replaceAll('-', ' ')}`, () => {
      const url = new URL(`golden/${name}.nft`, import.meta.url);
      const text = guardRuleset(cards);
      if (accept) writeFileSync(url, text);
      assert.equal(text, readFileSync(url, 'utf8'));
    });

  it('is the same in whatever order cards are told', () => {
    const cards = guardCases['all-of-two'] ?? assert.fail('no such case');
    assert.equal(guardRuleset(cards.toReversed()), guardRuleset(cards));
  });
});
