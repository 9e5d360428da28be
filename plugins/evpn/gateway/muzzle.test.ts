/**
 * `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. Each of them is given to the real nft, and
 * what they do is seen in network namespaces, by muzzle.real.test.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { muzzleLife, muzzleRules } from './muzzle.ts';
import { muzzleCases } from './testing/cases.ts';

const accept = process.env['PVC_ACCEPT'] === '1';

describe('the muzzle of gateways', () => {
  for (const [name, input] of Object.entries(muzzleCases))
    it(`of ${name.replaceAll('-', ' ')}`, () => {
      const url = new URL(`golden/${name}.nft`, import.meta.url);
      const text = `${muzzleRules(input)}${muzzleLife(2_500)}`;
      if (accept) writeFileSync(url, text);
      assert.equal(text, readFileSync(url, 'utf8'));
    });

  it('is the same in whatever order addresses are told', () => {
    const { addresses, routers } = muzzleCases['both-families-with-routers'] ?? assert.fail('no such case');
    const turned = { addresses: addresses.toReversed(), routers: routers.toReversed() };
    assert.equal(muzzleRules(turned), muzzleRules({ addresses, routers }));
  });
});
