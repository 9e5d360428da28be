import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runScenario } from '../scenarios/scenario.ts';
import { writeScenario } from '../scenarios/write-scenario.ts';
import { generate } from './generate.ts';
import { plants } from './plants.ts';
import { runCase } from './run.ts';
import { shrink } from './shrink.ts';

describe('a case that breaks a rule', () => {
  it('is made small, and its scenario breaks the same rule', async () => {
    const plant = plants.find(({ name }) => name === 'address-late') ?? assert.fail();
    // Any hand-over breaks the rule with this plant, and the script asks for one: what is left does not hang on moments.
    const made = generate(1);
    const small = await shrink(made, 'two-holders', { plant, probe: false, runs: 150 });
    const lines = (text: string): number => text.split('\n').length - 1;
    assert.ok(lines(small.script) <= 3, small.script);
    assert.ok(lines(small.script) < lines(made.script));
    assert.ok(small.world.guests.length < made.world.guests.length);
    assert.ok(small.world.nodes.length <= made.world.nodes.length);
    const folder = mkdtempSync(join(tmpdir(), 'pvc-shrink-'));
    try {
      writeScenario(folder, small, 'Made small.');
      const wrong = await runScenario(folder, { plant });
      assert.match(wrong[0] ?? '', /^two-holders: /);
      assert.doesNotMatch((await runScenario(folder))[0] ?? '', /^two-holders: /);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('stays as it is when it breaks no rule', async () => {
    const made = generate(4);
    assert.deepEqual((await runCase(made)).violations, []);
    assert.equal(await shrink(made, 'two-holders', { runs: 3 }), made);
  });
});
