/**
 * A reporter of node:test that leaves only the totals, as one line of JSON, for the stage runner to add up.
 * @module
 */

export interface TestTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly file?: string;
    readonly counts?: {
      readonly passed: number;
      readonly failed: number;
      readonly cancelled: number;
      readonly skipped: number;
    };
  };
}

/** The summary of the whole run is the one that names no file. */
export default async function* totals(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== 'test:summary' || data.file !== undefined || data.counts === undefined) continue;
    const { passed, failed, cancelled, skipped } = data.counts;
    yield `${JSON.stringify({ passed, failed: failed + cancelled, skipped } satisfies TestTotals)}\n`;
  }
}
