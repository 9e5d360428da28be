/**
 * A reporter of node:test that tells a failure the moment it happens: the dots of a long run tell only that there was one,
 * and what they tell at the end is lost when the run is stopped.
 * @module
 */
import { failureOf, failureText, type TestEvent } from './test-reporter.ts';

export default async function* failuresAtOnce(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    const failure = type === 'test:fail' ? failureOf(data) : undefined;
    if (failure !== undefined) yield `${failureText(failure)}\n`;
  }
}
