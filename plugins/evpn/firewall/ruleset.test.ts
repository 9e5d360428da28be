/**
 * `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. Each of them is given to the real nft in a
 * network namespace of its own by ruleset.real.test.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ruleset } from './ruleset.ts';
import { entry, office, rulesetCases } from './testing/cases.ts';

const accept = process.env['PVC_ACCEPT'] === '1';

describe('the ruleset of networks', () => {
  for (const [name, input] of Object.entries(rulesetCases))
    it(`of ${name.replaceAll('-', ' ')}`, () => {
      const url = new URL(`golden/${name}.nft`, import.meta.url);
      const text = ruleset(input);
      if (accept) writeFileSync(url, text);
      assert.equal(text, readFileSync(url, 'utf8'));
    });

  it('is the same in whatever order networks and entries are told', () => {
    const { networks, entries } = rulesetCases['many-of-all'] ?? assert.fail('no such case');
    const told = fc.tuple(
      fc.shuffledSubarray([...networks], { minLength: networks.length }),
      fc.shuffledSubarray([...entries], { minLength: entries.length }),
    );
    fc.assert(
      fc.property(told, ([someNetworks, someEntries]) => {
        assert.equal(ruleset({ networks: someNetworks, entries: someEntries }), ruleset({ networks, entries }));
      }),
    );
  });

  it('changes only a network’s own chains when an entry is added to it', () => {
    const of = (text: string, chain: string) => text.split(`\tchain ${chain} {`)[1]?.split('\t}')[0];
    const before = rulesetCases['two-networks'] ?? assert.fail('no such case');
    const texts = [before.entries, [...before.entries, entry(office, 'in', 7, 'drop')]].map((entries) =>
      ruleset({ ...before, entries }),
    );
    for (const chain of ['out_200', 'in_200', 'out_100', 'node', 'leaving', 'entering'])
      assert.equal(of(texts[0] ?? '', chain), of(texts[1] ?? '', chain), chain);
    assert.notEqual(of(texts[0] ?? '', 'in_100'), of(texts[1] ?? '', 'in_100'));
  });

  it('has no entry of a network that is gone', () => {
    const text = ruleset({ networks: [], entries: [entry(office, 'in', 10, 'tcp dport 22 accept')] });
    assert.equal(text, ruleset({ networks: [], entries: [] }));
  });
});
