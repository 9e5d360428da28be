import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { describe, it } from 'node:test';
import { inRepository } from './paths.ts';
import { selectStages, stages } from './stages.ts';
import totals from './test-reporter.ts';

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

describe('totals reporter', () => {
  it('takes the summary of the whole run, and cancelled tests as failed', async () => {
    async function* events() {
      yield { type: 'test:pass', data: {} };
      yield { type: 'test:summary', data: { file: 'a', counts: { passed: 9, failed: 9, cancelled: 9, skipped: 9 } } };
      yield { type: 'test:summary', data: { counts: { passed: 5, failed: 1, cancelled: 2, skipped: 3 } } };
    }
    const lines: string[] = [];
    for await (const line of totals(events())) lines.push(line);
    assert.deepEqual(lines, ['{"passed":5,"failed":3,"skipped":3}\n']);
  });
});
