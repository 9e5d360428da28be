import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { describe, it } from 'node:test';
import { inRepository } from './paths.ts';
import { selectStages, stages } from './stages.ts';

describe('test stages', () => {
  it('cover every test file exactly once', () => {
    const all = globSync('{core,plugins,build,test}/**/*.test.ts', { cwd: inRepository('.') });
    const run = stages.flatMap((stage) => ('files' in stage ? globSync(stage.files, { cwd: inRepository('.') }) : []));
    assert.deepEqual(run.toSorted(), all.toSorted());
  });

  it('are chosen by name, in their own order', () =>
    assert.deepEqual(
      selectStages(['unit', 'types']).map((stage) => stage.name),
      ['types', 'unit'],
    ));

  it('refuse an unknown name', () => assert.throws(() => selectStages(['nonsense']), /no stage "nonsense"/));
});
