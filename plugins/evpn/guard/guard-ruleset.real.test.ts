/** Every golden file by the real nft and kernel, in network namespaces that nobody else sees. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { replacing } from '../firewall/ruleset.ts';
import { guardRuleset, guardTables } from './guard-ruleset.ts';
import { guardCases } from './testing/cases.ts';

describe('what keeps cards to their limits, by the real nft', () => {
  for (const [name, cards] of Object.entries(guardCases))
    it(`of ${name.replaceAll('-', ' ')}`, () => {
      const input = replacing(guardRuleset(cards), guardTables);
      const { status, stderr } = spawnSync('unshare', ['--net', 'nft', '--check', '--file', '-'], {
        input,
        encoding: 'utf8',
      });
      assert.equal(status === 0 ? '' : stderr, '');
    });
});
