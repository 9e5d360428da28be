/** Every scenario goes as expected, and mistakes in the files of one are told with their place. @module */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { ownScenarios, runScenario } from './scenario.ts';

describe('scenarios', () => {
  for (const folder of ownScenarios())
    it(basename(folder), async () => assert.deepEqual(await runScenario(folder), []));
});

describe('a scenario of somebody else', () => {
  const [first = ''] = ownScenarios();
  const scratch = mkdtempSync(join(tmpdir(), 'pvc-scenario-'));
  after(() => rmSync(scratch, { recursive: true }));
  const copy = (name: string, file: string, text: string): string => {
    const folder = join(scratch, name);
    cpSync(first, folder, { recursive: true });
    writeFileSync(join(folder, file), text);
    return folder;
  };

  for (const [what, file, text, told] of [
    [
      'a line that nobody understands',
      'script',
      'at 5s: kill hv1\nat 6s: explode hv1\n',
      /script: line 2: "explode hv1" is not/,
    ],
    ['a node that there is not', 'script', 'at 5s: kill hv9\n', /script: line 1: there is no node hv9/],
    [
      'a field that there is not',
      'cluster.yaml',
      'nodes:\n  hv1: { colour: red }\n',
      /cluster\.yaml: line 2: .*colour/,
    ],
    [
      'a property that nobody understands',
      'expect',
      '# ours\nguest web is happy\n---\n',
      /expect: line 2: "guest web is happy"/,
    ],
  ] as const)
    it(`with ${what} is refused with its place`, async () =>
      assert.rejects(runScenario(copy(what, file, text)), (error: Error) => told.test(error.message)));

  it('whose log differs is told how', async () => {
    const wrong = await runScenario(copy('log', 'expect', 'at rest within 5s\n---\n    0.0   hv1 is on fire\n'));
    assert.match(wrong.join('\n'), /^-    0\.0   hv1 is on fire$/m);
  });

  it('whose property does not hold is told what is instead', async () => {
    const folder = copy('property', 'expect', 'primary hv9\n---\n');
    assert.match((await runScenario(folder)).join('\n'), /expect:1: primary hv9: primary is hv/);
  });
});
