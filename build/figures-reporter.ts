/**
 * A reporter of node:test that keeps what tests measure (`t.diagnostic`), each with its test and file: a figure that was
 * measured on the way and then thrown away would have to be measured again.
 * @module
 */
import { relative } from 'node:path';
import { inRepository } from './paths.ts';
import type { TestEvent } from './test-reporter.ts';

/** The runner tells its own totals as diagnostics of the whole run, without a file; those are no figures. */
export default async function* figures(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let file: string | undefined;
  for await (const { type, data } of events) {
    if (type !== 'test:diagnostic' || data.file === undefined || data.message === undefined) continue;
    if (data.file !== file) {
      file = data.file;
      yield `\n${relative(inRepository('.'), file)}\n`;
    }
    yield `  ${data.message}\n`;
  }
}
