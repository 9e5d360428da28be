import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../host/virtual-clock.ts';
import type { FeedItem } from '../operation/operation.ts';
import { eventStream, eventText, heartbeatMs, stalledMs } from './event-stream.ts';
import { createSampleApi } from './testing/sample-api.ts';

/** A feed that the test fills by hand. */
function source() {
  const waiting: FeedItem<unknown>[] = [];
  const state = { opened: 0, taken: 0, ended: false, signal: undefined as AbortSignal | undefined };
  let wake = (): void => undefined;
  let failure: Error | undefined;
  return {
    state,
    give(item: FeedItem<unknown>) {
      waiting.push(item);
      wake();
    },
    fail(error: Error) {
      failure = error;
      wake();
    },
    async *open(signal: AbortSignal): AsyncIterable<FeedItem<unknown>> {
      state.opened += 1;
      state.signal = signal;
      try {
        while (!signal.aborted) {
          if (failure !== undefined) throw failure;
          const item = waiting.shift();
          if (item !== undefined) {
            state.taken += 1;
            yield item;
            continue;
          }
          const more = new Promise<void>((resolve) => {
            wake = resolve;
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
          await more;
        }
      } finally {
        state.ended = true;
      }
    },
  };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

async function open(given = source()) {
  const clock = new VirtualClock();
  const left = new AbortController();
  const closing = new AbortController();
  const opening = eventStream({
    clock,
    open: (signal) => given.open(signal),
    left: left.signal,
    closing: closing.signal,
    cut: undefined,
    problem: (error) => ({ code: (error as Error).message }),
  });
  await clock.advance(1000);
  const response = await opening;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  const read = async (): Promise<string | undefined> => {
    const { done, value } = await reader.read();
    return done ? undefined : decoder.decode(value);
  };
  assert.equal(await read(), ': open\n\n');
  return { given, clock, left, closing, response, reader, read };
}

describe('eventText', () => {
  it('writes id, event and one line of data', () => {
    assert.equal(
      eventText({ id: '7', event: 'bark', data: { text: 'a\nb' } }),
      'id: 7\nevent: bark\ndata: {"text":"a\\nb"}\n\n',
    );
    assert.equal(eventText({ data: undefined }), 'data: null\n\n');
  });

  it('lets nothing break out of id or event', () => {
    assert.equal(eventText({ id: '7\ndata: x', event: 'a\r\nb', data: 1 }), 'id: 7data: x\nevent: ab\ndata: 1\n\n');
  });
});

describe('eventStream', () => {
  it('passes items on and ends with the feed', async () => {
    const { ask, hooks } = createSampleApi();
    let after: string | undefined;
    hooks.follow = async function* (_signal, resumeAfter) {
      after = resumeAfter;
      yield { id: '1', data: 'a' };
      yield { id: '2', event: 'bark', data: 'b' };
    };
    const answer = await ask('/api/v1/pets/rex/follow?lines=2&after=41');
    assert.equal(answer.headers.get('content-type'), 'text/event-stream');
    assert.equal(await answer.text(), ': open\n\nid: 1\ndata: "a"\n\nid: 2\nevent: bark\ndata: "b"\n\n');
    assert.equal(after, '41');
    await (await ask('/api/v1/pets/rex/follow', { headers: { 'last-event-id': '42' } })).text();
    assert.equal(after, '42');
  });

  it('answers bad input and early failures with a plain problem', async () => {
    const { ask, hooks } = createSampleApi();
    const bad = await ask('/api/v1/pets/rex/follow?lines=x');
    assert.equal(bad.status, 422);
    hooks.follow = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('no such log')) }) });
    const failed = await ask('/api/v1/pets/rex/follow');
    assert.equal(failed.status, 500);
    assert.equal(failed.headers.get('content-type'), 'application/problem+json');
  });

  it('sends a comment when nothing happens for a while', async () => {
    const { clock, read, given } = await open();
    const first = read();
    await clock.advance(heartbeatMs);
    assert.equal(await first, ': still here\n\n');
    given.give({ data: 1 });
    assert.equal(await read(), 'data: 1\n\n');
    const next = read();
    await clock.advance(heartbeatMs - 1);
    given.give({ data: 2 });
    assert.equal(await next, 'data: 2\n\n', 'an item starts the wait anew');
  });

  it('tells a late failure as an event and ends', async () => {
    const { read, given } = await open();
    given.give({ data: 1 });
    assert.equal(await read(), 'data: 1\n\n');
    given.fail(new Error('STORE_LOST'));
    assert.equal(await read(), 'event: problem\ndata: {"code":"STORE_LOST"}\n\n');
    assert.equal(await read(), undefined);
  });

  it('ends the feed at once when the reader leaves', async () => {
    const one = await open();
    await one.reader.cancel();
    await settle();
    assert.equal(one.given.state.ended, true);
    const other = await open();
    other.left.abort();
    await settle();
    assert.equal(other.given.state.ended, true);
    assert.equal(other.clock.pending, 0, 'no timer is left');
  });

  it('says that the daemon stops when the listener closes: the feed has not ended', async () => {
    const { closing, read, given, clock } = await open();
    const next = read();
    closing.abort();
    assert.match((await next) ?? '', /^event: problem\ndata: .*is stopping/);
    assert.equal(await read(), undefined);
    await settle();
    assert.equal(given.state.ended, true);
    assert.equal(clock.pending, 0);
  });

  it('takes no more than a reader takes, and drops one that takes nothing', async () => {
    const given = source();
    const clock = new VirtualClock();
    const big = 'x'.repeat(10_000);
    for (let index = 0; index < 100; index += 1) given.give({ data: big });
    const left = new AbortController();
    let cuts = 0;
    const parts = {
      clock,
      open: (signal: AbortSignal) => given.open(signal),
      left: left.signal,
      closing: undefined,
      problem: () => null,
    };
    const response = await eventStream({ ...parts, cut: undefined });
    await settle();
    assert.ok(given.state.taken < 10, `${given.state.taken} items were taken for nobody`);
    await clock.advance(stalledMs);
    await settle();
    assert.equal(given.state.ended, true);
    await assert.rejects(response.text());
    const other = await eventStream({
      ...parts,
      cut: () => {
        cuts += 1;
        left.abort();
      },
    });
    await clock.advance(stalledMs + 1000);
    assert.equal(cuts, 1);
    await other.body?.cancel();
    assert.equal(clock.pending, 0);
  });
});
