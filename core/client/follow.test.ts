import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { linuxClock } from '../host/linux-clock.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import { createClient } from './client.ts';
import { answerJson, fakeApi, petRegistry } from './testing/fake-api.ts';
import type { StreamItem } from './transport.ts';

const open = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(': open\n\n');
};
const send = (response: ServerResponse, id: number | undefined, data: unknown = id, event?: string): void => {
  response.write(
    `${id === undefined ? '' : `id: s-${id}\n`}${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`,
  );
};
/** Cuts the connection once everything was written. */
const cut = (response: ServerResponse): void => void response.write(': bye\n\n', () => response.destroy());

const never = new AbortController().signal;

/** Reads until the feed ends, fails, or `count` items have come. */
async function collect(feed: AsyncIterable<StreamItem>, count = Number.POSITIVE_INFINITY): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const item of feed) {
    seen.push(item.data);
    if (seen.length === count) break;
  }
  return seen;
}

describe('following a feed', () => {
  it('gives items with id and event, and ends with the signal', async (test) => {
    const api = await fakeApi(test, (_asked, response) => {
      open(response);
      send(response, 1, { a: 1 }, 'bark');
    });
    using client = createClient({ socket: api.at }, petRegistry());
    const stop = new AbortController();
    const seen: StreamItem[] = [];
    for await (const item of client.follow(
      'pet.follow',
      { pet: 'rex', lines: 3 },
      { signal: stop.signal, resumeAfter: 's-0' },
    )) {
      seen.push(item);
      setTimeout(() => stop.abort(), 10);
    }
    assert.deepEqual(seen, [{ id: 's-1', event: 'bark', data: { a: 1 } }]);
    assert.equal(api.asked[0]?.url, '/api/v1/pets/rex/follow?lines=3');
    assert.equal(api.asked[0]?.headers['last-event-id'], 's-0');
    assert.equal(api.asked[0]?.headers.accept, 'text/event-stream');
    assert.deepEqual(await collect(client.follow('pet.follow', { pet: 'rex' }, { signal: AbortSignal.abort() })), []);
  });

  it('goes on after the last item when the connection breaks, without loss or repetition', async (test) => {
    const api = await fakeApi(test, (asked, response, count) => {
      open(response);
      const after = Number(/^s-(\d+)$/.exec(String(asked.headers['last-event-id']))?.[1] ?? 0);
      send(response, after + 1);
      send(response, after + 2);
      if (count === 1) {
        // Half an item: it does not count.
        response.write(`id: s-99\ndata: "ha`, () => response.destroy());
      } else cut(response);
    });
    using client = createClient({ socket: api.at }, petRegistry());
    assert.deepEqual(
      await collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never }), 6),
      [1, 2, 3, 4, 5, 6],
    );
    assert.deepEqual(
      api.asked.map(({ headers }) => headers['last-event-id']),
      [undefined, 's-2', 's-4'],
    );
  });

  it('waits for a daemon that is restarted', async (test) => {
    const api = await fakeApi(test, (_asked, response, count) => {
      if (count === 2)
        return answerJson(
          response,
          { code: 'CLOSING', detail: 'This daemon is stopping.', exit: 'unreachable', status: 503 },
          503,
        );
      if (count === 3) return void response.destroy();
      open(response);
      send(response, count);
      if (count === 1) response.end(); // as a daemon ends its streams that stops
    });
    using client = createClient({ socket: api.at }, petRegistry());
    assert.deepEqual(await collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never }), 2), [1, 4]);
  });

  it('ends when the feed has nothing more after a resumption', async (test) => {
    const api = await fakeApi(test, (_asked, response, count) => {
      open(response);
      if (count === 1) send(response, 1);
      response.end();
    });
    using client = createClient({ socket: api.at }, petRegistry());
    assert.deepEqual(await collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never })), [1]);
    assert.equal(api.asked.length, 2);
  });

  it('without ids ends where the feed ends, and a break is an error', async (test) => {
    const api = await fakeApi(test, (_asked, response, count) => {
      open(response);
      send(response, undefined, 'x');
      if (count === 1) response.end();
      else cut(response);
    });
    using client = createClient({ socket: api.at }, petRegistry());
    assert.deepEqual(await collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never })), ['x']);
    await assert.rejects(collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never })), {
      code: 'STREAM_BROKEN',
    });
    assert.equal(api.asked.length, 2);
  });

  it('passes on the error of a feed, before and after its first item', async (test) => {
    const problem = { code: 'PET_ASLEEP', detail: 'rex sleeps.', hint: '', exit: 'refused', status: 409, details: [] };
    const api = await fakeApi(test, (_asked, response, count) => {
      if (count === 1) return answerJson(response, problem, 409);
      open(response);
      send(response, 1);
      send(response, undefined, problem, 'problem');
      response.end();
    });
    using client = createClient({ socket: api.at }, petRegistry());
    for (let turn = 0; turn < 2; turn += 1) {
      await assert.rejects(collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never })), {
        code: 'PET_ASLEEP',
        message: 'rex sleeps.',
      });
    }
    assert.equal(api.asked.length, 2);
  });

  it('takes a daemon that stops for a broken connection and not for the end of the feed', async (test) => {
    const closing = { code: 'API_CLOSING', detail: 'It stops.', hint: '', exit: 'unreachable', status: 503 };
    const api = await fakeApi(test, (asked, response, count) => {
      open(response);
      send(response, asked.url.includes('lines=2') ? undefined : count, count);
      if (count === 2 && asked.headers['last-event-id'] === 's-1') return;
      send(response, undefined, closing, 'problem');
      response.end();
    });
    using client = createClient({ socket: api.at }, petRegistry());
    assert.deepEqual(await collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never }), 2), [1, 2]);
    // Without ids nobody can say what was missed.
    await assert.rejects(collect(client.follow('pet.follow', { pet: 'rex', lines: 2 }, { signal: never })), {
      code: 'API_CLOSING',
      exit: 'unreachable',
    });
    assert.equal(api.asked.length, 3);
  });

  it('refuses what is no stream of JSON', async (test) => {
    const api = await fakeApi(test, (_asked, response, count) => {
      if (count === 1) return answerJson(response, []);
      open(response);
      response.write('data: {oops\n\n');
    });
    using client = createClient({ socket: api.at }, petRegistry());
    for (let turn = 0; turn < 2; turn += 1)
      await assert.rejects(collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never })), {
        code: 'ANSWER_INVALID',
      });
  });

  it('lets go of the connection when the reader leaves', async (test) => {
    const closed = Promise.withResolvers<void>();
    const api = await fakeApi(test, (_asked, response) => {
      open(response);
      response.on('close', () => closed.resolve());
      send(response, 1);
    });
    using client = createClient({ socket: api.at }, petRegistry());
    assert.deepEqual(await collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never }), 1), [1]);
    await closed.promise;
  });

  it('takes a long silence for a broken connection', async (test) => {
    const clock = new VirtualClock();
    const api = await fakeApi(test, (_asked, response, count) => {
      open(response);
      send(response, count);
    });
    using client = createClient({ socket: api.at }, petRegistry(), { clock });
    const seen = collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never }), 3);
    for (let turn = 0; turn < 300 && api.asked.length < 3; turn += 1) {
      await clock.advance(5_000);
      await linuxClock.sleep(5);
    }
    assert.deepEqual(await seen, [1, 2, 3]);
    assert.deepEqual(
      api.asked.map(({ headers }) => headers['last-event-id']),
      [undefined, 's-1', 's-2'],
    );
  });

  it('gives up after two minutes without a connection', async (test) => {
    const clock = new VirtualClock();
    const api = await fakeApi(test, (_asked, response, count) => {
      if (count > 1) return void response.destroy();
      open(response);
      send(response, count);
      cut(response);
    });
    using client = createClient({ socket: api.at }, petRegistry(), { clock });
    let ended = false;
    const failing = assert
      .rejects(collect(client.follow('pet.follow', { pet: 'rex' }, { signal: never })), { code: 'DAEMON_DOWN' })
      .finally(() => {
        ended = true;
      });
    for (let turn = 0; turn < 400 && !ended; turn += 1) {
      await clock.advance(500);
      await linuxClock.sleep(2);
    }
    assert.ok(clock.monotonicMs() >= 120_000);
    await failing;
    assert.ok(api.asked.length < 60, `${api.asked.length} tries: the pauses grow`);
  });
});
