import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inRepository } from './paths.ts';
import { Figures, Progress, type TestEvent, type TestTotals, Totals } from './test-report.ts';

function report(events: readonly TestEvent[]): TestTotals {
  const totals = new Totals();
  for (const event of events) totals.take(event);
  return totals.told ?? assert.fail('no totals');
}

const counts = { passed: 3, failed: 1, cancelled: 1, skipped: 2 };
const summary: TestEvent = { type: 'test:summary', data: { counts } };

it('each test is a mark, and why it failed is told at once, but not of its suite', () => {
  const progress = new Progress();
  const error = { failureType: 'testCodeFailure', cause: new Error('one\ntwo') };
  assert.equal(progress.take({ type: 'test:start', data: { name: 'well' } }), '');
  assert.equal(progress.take({ type: 'test:pass', data: { name: 'well' } }), '.');
  const fail: TestEvent = { type: 'test:fail', data: { name: 'a test', details: { error } } };
  assert.equal(progress.take(fail), 'X\nfailed: a test\n  one\n  two\n');
  assert.equal(progress.end(), '');
  const suite = { name: 'a suite', details: { error: { failureType: 'subtestsFailed' } } };
  assert.equal(progress.take({ type: 'test:fail', data: suite }), 'X');
  assert.equal(progress.end(), '\n');
});

it('marks are eighty to a line', () => {
  const progress = new Progress();
  const marks = Array.from({ length: 81 }, () => progress.take({ type: 'test:pass', data: { name: 'well' } }));
  assert.equal(marks.join(''), `${'.'.repeat(80)}\n.`);
});

it('what tests measure is kept under the file that they are in, and nothing else', () => {
  const figures = new Figures();
  const [a, b] = [inRepository('test/a.test.ts'), inRepository('test/b.test.ts')];
  const events: TestEvent[] = [
    { type: 'test:diagnostic', data: { file: a, message: 'back after 6.2 s' } },
    { type: 'test:pass', data: { name: 'well', file: a } },
    { type: 'test:diagnostic', data: { file: a, message: '0 packets lost' } },
    { type: 'test:diagnostic', data: { file: b, message: '3 s' } },
    { type: 'test:diagnostic', data: { message: 'tests 3' } },
  ];
  const text = events.map((event) => figures.take(event)).join('');
  assert.equal(text, '\ntest/a.test.ts\n  back after 6.2 s\n  0 packets lost\n\ntest/b.test.ts\n  3 s\n');
});

describe('the totals of a test run', () => {
  it('are those of the whole run, and tell why a test failed, not that its suite did', () => {
    const error = { failureType: 'testCodeFailure', message: 'wrapped', cause: new Error('one\ntwo') };
    const told = report([
      { type: 'test:fail', data: { name: 'a test', file: '/x/a.test.ts', details: { error } } },
      { type: 'test:fail', data: { name: 'a suite', details: { error: { failureType: 'subtestsFailed' } } } },
      { type: 'test:summary', data: { file: '/x/a.test.ts', counts: { ...counts, passed: 99 } } },
      summary,
    ]);
    assert.deepEqual(told, {
      passed: 3,
      failed: 2,
      skipped: 2,
      failures: [{ name: 'a test', file: '/x/a.test.ts', lines: ['one', 'two'] }],
      slowest: [],
    });
  });

  it('name the files that took long, by all of their outer tests', () => {
    const took = (file: string, seconds: number, nesting = 0): TestEvent => ({
      type: 'test:pass',
      data: { file, nesting, details: { duration_ms: seconds * 1_000 } },
    });
    const { slowest } = report([
      took('/a', 8),
      took('/b', 30),
      took('/a', 9),
      took('/c', 9),
      took('/c', 9, 1),
      summary,
    ]);
    assert.deepEqual(slowest, [
      { file: '/b', seconds: 30 },
      { file: '/a', seconds: 17 },
    ]);
  });

  it('are none of a run that did not come to its end', () => {
    assert.equal(new Totals().told, undefined);
  });

  it('fit a screen, however much failed and was said', () => {
    const message = Array.from({ length: 500 }, () => 'x'.repeat(5000)).join('\n');
    const fail: TestEvent = { type: 'test:fail', data: { name: 'a test', details: { error: { message } } } };
    const { failures } = report([...Array.from({ length: 50 }, () => fail), summary]);
    assert.ok(failures.flatMap(({ lines }) => lines).join('\n').length < 30_000);
    assert.ok(failures.length > 0);
  });
});
