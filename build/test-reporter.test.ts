import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import failuresAtOnce from './failure-reporter.ts';
import figures from './figures-reporter.ts';
import { inRepository } from './paths.ts';
import totals, { type TestEvent, type TestTotals } from './test-reporter.ts';

async function report(events: readonly TestEvent[]): Promise<TestTotals> {
  async function* feed(): AsyncGenerator<TestEvent> {
    yield* events;
  }
  let text = '';
  for await (const part of totals(feed())) text += part;
  return JSON.parse(text) as TestTotals;
}

const counts = { passed: 3, failed: 1, cancelled: 1, skipped: 2 };
const summary: TestEvent = { type: 'test:summary', data: { counts } };

it('a failure is told at once, that of its suite is not', async () => {
  async function* feed(): AsyncGenerator<TestEvent> {
    const error = { failureType: 'testCodeFailure', cause: new Error('one\ntwo') };
    yield { type: 'test:pass', data: { name: 'well' } };
    yield { type: 'test:fail', data: { name: 'a test', details: { error } } };
    yield { type: 'test:fail', data: { name: 'a suite', details: { error: { failureType: 'subtestsFailed' } } } };
  }
  let text = '';
  for await (const part of failuresAtOnce(feed())) text += part;
  assert.equal(text, '\nfailed: a test\n  one\n  two\n');
});

it('what tests measure is kept under the file that they are in, and nothing else', async () => {
  async function* feed(): AsyncGenerator<TestEvent> {
    yield { type: 'test:diagnostic', data: { file: inRepository('test/a.test.ts'), message: 'back after 6.2 s' } };
    yield { type: 'test:pass', data: { name: 'well', file: inRepository('test/a.test.ts') } };
    yield { type: 'test:diagnostic', data: { file: inRepository('test/a.test.ts'), message: '0 packets lost' } };
    yield { type: 'test:diagnostic', data: { file: inRepository('test/b.test.ts'), message: '3 s' } };
    yield { type: 'test:diagnostic', data: { message: 'tests 3' } };
  }
  let text = '';
  for await (const part of figures(feed())) text += part;
  assert.equal(text, '\ntest/a.test.ts\n  back after 6.2 s\n  0 packets lost\n\ntest/b.test.ts\n  3 s\n');
});

describe('the totals of a test run', () => {
  it('are those of the whole run, and tell why a test failed, not that its suite did', async () => {
    const error = { failureType: 'testCodeFailure', message: 'wrapped', cause: new Error('one\ntwo') };
    const told = await report([
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

  it('name the files that took long, by all of their outer tests', async () => {
    const took = (file: string, seconds: number, nesting = 0): TestEvent => ({
      type: 'test:pass',
      data: { file, nesting, details: { duration_ms: seconds * 1_000 } },
    });
    const { slowest } = await report([
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

  it('fit a screen, however much failed and was said', async () => {
    const message = Array.from({ length: 500 }, () => 'x'.repeat(5000)).join('\n');
    const fail: TestEvent = { type: 'test:fail', data: { name: 'a test', details: { error: { message } } } };
    const { failures } = await report([...Array.from({ length: 50 }, () => fail), summary]);
    assert.ok(failures.flatMap(({ lines }) => lines).join('\n').length < 30_000);
    assert.ok(failures.length > 0);
  });
});
