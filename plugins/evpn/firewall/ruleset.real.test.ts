/** Every golden file by the real nft and kernel, in network namespaces that nobody else sees. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { tableName } from './nft-text.ts';
import { replacing, ruleset } from './ruleset.ts';
import { rulesetCases } from './testing/cases.ts';

/** @returns what the command says on standard error; empty when it succeeded */
const nft = (args: readonly string[], input: string): string => {
  const { status, stderr } = spawnSync('unshare', ['--net', 'nft', ...args], { input, encoding: 'utf8' });
  return status === 0 ? '' : stderr || `exit ${status}`;
};

describe('the ruleset of networks, by the real nft', () => {
  for (const [name, input] of Object.entries(rulesetCases))
    it(`of ${name.replaceAll('-', ' ')}`, () => {
      assert.equal(nft(['--check', '--file', '-'], replacing(ruleset(input))), '');
    });

  it('replaces itself, and touches no other table', () => {
    const script = [
      'printf "%s" "$1" | nft -f - && printf "%s" "$2" | nft -f - && printf "%s" "$2" | nft -f -',
      'nft list tables',
    ].join('; ');
    const [one, other] = ['two-networks', 'nat-of-two'].map((name) => {
      const input = rulesetCases[name] ?? assert.fail(`no case ${name}`);
      return replacing(ruleset(input));
    });
    const own = 'table inet filter {\nchain input {\ntype filter hook input priority 0; policy drop;\n}\n}\n';
    const printed = execFileSync('unshare', ['--net', 'sh', '-c', script, 'sh', `${own}${one}`, other ?? ''], {
      encoding: 'utf8',
    });
    assert.deepEqual(printed.trim().split('\n'), ['table inet filter', `table inet ${tableName}`]);
  });
});
