import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from '../host/virtual-clock.ts';
import { type BodyTrouble, MeteredBody, type MeterParts } from './metered-body.ts';

class Trouble extends Error {
  readonly what: BodyTrouble;
  readonly bytes: number;

  constructor(what: BodyTrouble, bytes: number, cause: unknown) {
    super(what, { cause });
    this.what = what;
    this.bytes = bytes;
  }
}

async function* pieces(...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (const size of sizes) yield new Uint8Array(size);
}

function meter(source: AsyncIterable<Uint8Array>, parts: Partial<MeterParts> = {}): MeteredBody {
  return new MeteredBody({
    source,
    clock: new VirtualClock(),
    signal: new AbortController().signal,
    sizeBytes: undefined,
    trouble: (what, bytes, cause) => new Trouble(what, bytes, cause),
    ...parts,
  });
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function taken(body: MeteredBody): Promise<number[]> {
  const sizes: number[] = [];
  for await (const piece of body) sizes.push(piece.length);
  return sizes;
}

const withTrouble = (what: BodyTrouble, bytes: number) => (error: unknown) => {
  assert.ok(error instanceof Trouble);
  assert.deepEqual([error.what, error.bytes], [what, bytes]);
  return true;
};

describe('a metered body', () => {
  it('passes on what it is given, whatever its pieces, and knows its end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 20 })), fc.boolean(), async (sizes, known) => {
        const size = sizes.reduce((sum, one) => sum + one, 0);
        const body = meter(pieces(...sizes), { sizeBytes: known ? size : undefined });
        const got = await taken(body);
        assert.equal(
          got.reduce((sum, one) => sum + one, 0),
          size,
        );
        assert.deepEqual([body.bytes, body.ended, body.failure], [size, true, undefined]);
        await body.finish();
      }),
    );
  });

  it('is never complete when its size is another, and its taker does not get the last piece', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 20 })),
        fc.integer({ min: -20, max: 20 }).filter((off) => off !== 0),
        async (sizes, off) => {
          const size = sizes.reduce((sum, one) => sum + one, 0);
          if (size + off < 0) return;
          const body = meter(pieces(...sizes), { sizeBytes: size + off });
          await assert.rejects(taken(body), Trouble);
          assert.equal(body.ended, false);
          assert.equal((body.failure as Trouble).what, off > 0 ? 'short' : 'long');
          await assert.rejects(body.finish(), Trouble);
        },
      ),
    );
    const got: number[] = [];
    const body = meter(pieces(3, 2, 1), { sizeBytes: 5 });
    await assert.rejects(
      async () => {
        for await (const piece of body) got.push(piece.length);
      },
      withTrouble('long', 6),
    );
    assert.deepEqual(got, [3]);
  });

  it('takes no more than is allowed', async () => {
    await assert.rejects(taken(meter(pieces(3, 3), { maxBytes: 5 })), withTrouble('long', 6));
    assert.deepEqual(await taken(meter(pieces(3, 2), { maxBytes: 5 })), [3, 2]);
  });

  it('fails as its source does, and when that gives no bytes', async () => {
    const cause = new Error('cut');
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield* pieces(4);
      throw cause;
    };
    const body = meter(failing());
    await assert.rejects(taken(body), (error: Trouble) => withTrouble('broken', 4)(error) && error.cause === cause);
    assert.ok(body.broken.aborted);
    const texts = async function* (): AsyncGenerator<unknown> {
      yield 'text';
    };
    await assert.rejects(taken(meter(texts() as AsyncGenerator<Uint8Array>)), withTrouble('broken', 0));
  });

  it('waits for a piece only so long; the time of its taker does not count', async () => {
    const clock = new VirtualClock();
    const stuck = async function* (): AsyncGenerator<Uint8Array> {
      yield* pieces(4, 4);
      await new Promise(() => {});
    };
    const body = meter(stuck(), { clock, stallMs: 1000 });
    const failing = (async () => {
      for await (const _piece of body) await clock.sleep(5000);
    })();
    failing.catch(() => undefined);
    await clock.advance(10_500);
    assert.equal(body.failure, undefined);
    await clock.advance(500);
    await assert.rejects(failing, withTrouble('stalled', 8));
    assert.equal(clock.pending, 0);
  });

  it('ends with its signal, while it is waited for and while it is not', async () => {
    for (const waiting of [true, false]) {
      const stop = new AbortController();
      let left = false;
      const source = async function* (): AsyncGenerator<Uint8Array> {
        try {
          yield* pieces(4, 4);
          if (waiting) await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
        } finally {
          left = true;
        }
      };
      const body = meter(source(), { signal: stop.signal });
      const iterator = body[Symbol.asyncIterator]();
      await iterator.next();
      if (waiting) await iterator.next();
      const next = waiting ? iterator.next() : undefined;
      next?.catch(() => undefined);
      await tick();
      stop.abort('reason');
      await assert.rejects(next ?? iterator.next(), withTrouble('stopped', waiting ? 8 : 4));
      await body.released;
      assert.ok(left && body.broken.aborted);
    }
  });

  it('is no failure when it is stopped after its end', async () => {
    const stop = new AbortController();
    const body = meter(pieces(4), { sizeBytes: 4, signal: stop.signal });
    await taken(body);
    stop.abort();
    assert.deepEqual([body.failure, body.broken.aborted], [undefined, false]);
  });

  it('ends its source when its taker leaves, who has then not taken all', async () => {
    let left = false;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* pieces(4, 4);
      } finally {
        left = true;
      }
    };
    const body = meter(source());
    for await (const _piece of body) break;
    assert.ok(left);
    const untouched = meter(pieces(4, 4));
    await assert.rejects(untouched.finish(), /before it had taken the whole body/);
  });
});
