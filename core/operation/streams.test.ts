import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { Documents } from '../store/documents.ts';
import { MemoryCluster } from '../store/memory.ts';
import { audit } from './audit.ts';
import { Executor, type ExecutorParts, type RemoteNodes } from './execute.ts';
import { type Actor, defineDownload, defineUpload, type Operation } from './operation.ts';
import type { UploadRun } from './stream-types.ts';

const admin: Actor = { name: 'anna', role: 'admin', via: 'socket' };
const viewer: Actor = { name: 'vera', role: 'viewer', via: 'https' };
const testError = defineErrors({ TEST_VOLUME: { message: 'no volume', hint: 'h', http: 404, exit: 'notFound' } });
type AnyUpload = Extract<Operation, { type: 'upload' }>;
type AnyDownload = Extract<Operation, { type: 'download' }>;
const never = new AbortController().signal;

async function* bytes(size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0; left -= 10) yield new Uint8Array(Math.min(10, left));
}

async function sizeOf(body: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const piece of body) size += piece.length;
  return size;
}

/** Looks untouched until somebody reads it. */
function watched(body: AsyncIterable<Uint8Array>) {
  const seen = {
    touched: false,
    async *[Symbol.asyncIterator]() {
      seen.touched = true;
      yield* body;
    },
  };
  return seen;
}

const upload = (
  receive: (body: AsyncIterable<Uint8Array>, run: UploadRun) => Promise<unknown>,
  more: Partial<AnyUpload> = {},
): AnyUpload =>
  defineUpload({
    name: 'volume.upload',
    summary: 'Send',
    http: { method: 'PUT', path: '/volumes/{volume}' },
    role: 'operator',
    input: z.strictObject({ volume: z.string(), node: z.string().optional() }),
    output: z.object({ size: z.int() }),
    receive: (_context: unknown, _input: unknown, body: AsyncIterable<Uint8Array>, run: UploadRun) =>
      receive(body, run) as Promise<{ size: number }>,
    on: async (_context, { node }) => node,
    ...more,
  });

const counting = upload(async (body) => ({ size: await sizeOf(body) }));

const download = (body: () => AsyncIterable<Uint8Array>, sizeBytes?: number): AnyDownload =>
  defineDownload({
    name: 'volume.download',
    summary: 'Fetch',
    http: { method: 'GET', path: '/volumes/{volume}' },
    role: 'viewer',
    input: z.strictObject({ volume: z.string(), node: z.string().optional() }),
    on: async (_context, { node }) => node,
    send: async () => ({ sizeBytes, body: body() }),
  });

function setUp(parts: Partial<ExecutorParts> = {}) {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const documents = new Documents(cluster.open('daemon'));
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined, ...parts });
  const records = async (): Promise<readonly (readonly string[])[]> =>
    (await documents.list(audit)).map(({ spec }) => spec.changes);
  return { executor, host, documents, cluster, records };
}

const options = (sizeBytes: number | undefined, signal = never) => ({ sizeBytes, signal });

describe('an upload', () => {
  it('answers what the caller should know besides', async () => {
    const warns = upload(async (body, run) => {
      run.warn('it is old');
      return { size: await sizeOf(body) };
    });
    const { warnings } = await setUp().executor.upload(warns, { volume: 'a' }, admin, bytes(1), options(1));
    assert.deepEqual(warnings, ['it is old']);
  });

  it('is taken, answered and recorded', async () => {
    const { executor, documents } = setUp();
    const answer = await executor.upload(counting, { volume: 'a' }, admin, bytes(25), options(25));
    assert.deepEqual(answer.result, { size: 25 });
    const [record] = await documents.list(audit);
    assert.equal(record?.id, answer.request);
    assert.deepEqual(
      [record?.spec.actor, record?.spec.operation, record?.spec.input, record?.spec.changes],
      ['anna', 'volume.upload', { volume: 'a' }, ['25 bytes to receive', 'received 25 bytes']],
    );
  });

  for (const [what, asked, code, parts] of [
    ['a role that is too low', { actor: viewer }, 'ROLE_TOO_LOW', {}],
    ['an input that is not valid', { input: { volumes: 'a' } }, 'INPUT_INVALID', {}],
    ['a size that is not known', { size: undefined }, 'UPLOAD_SIZE_UNKNOWN', {}],
    ['a size that is too large', { size: 101 }, 'UPLOAD_TOO_LARGE', {}],
    ['the veto of a plugin', {}, 'VETOED', { admit: async () => ({ plugin: 'guard', reason: 'no' }) }],
    ['a node that cannot be reached', { input: { volume: 'a', node: 'hv2' } }, 'NODE_UNREACHABLE', {}],
    [
      'a node, where no daemon runs here',
      { input: { volume: 'a', node: 'hv2' } },
      'NEEDS_DAEMON',
      { localNode: undefined },
    ],
  ] as const)
    it(`is refused for ${what}, and nothing of it is read or recorded`, async () => {
      const { executor, records } = setUp(parts);
      const {
        actor = admin,
        input = { volume: 'a' },
        size,
      } = { size: 20, ...asked } as {
        actor?: Actor;
        input?: object;
        size: number | undefined;
      };
      const body = watched(bytes(20));
      await assert.rejects(executor.upload({ ...counting, maxBodyBytes: 100 }, input, actor, body, options(size)), {
        code,
      });
      assert.deepEqual([body.touched, await records()], [false, []]);
    });

  it('is not read when it cannot be recorded', async () => {
    const { executor, documents } = setUp();
    documents.store.commit = async () => ({ outcome: 'unknown', cause: new Error('no quorum') });
    const body = watched(bytes(20));
    await assert.rejects(executor.upload(counting, { volume: 'a' }, admin, body, options(20)), {
      code: 'STORE_UNAVAILABLE',
    });
    assert.equal(body.touched, false);
  });

  it('is recorded as failed, and fails with what was wrong with its body, whatever its handler says', async () => {
    const { executor, records } = setUp();
    let aborted = false;
    const deaf = upload(async (body, { signal }) => {
      await sizeOf(body).catch(() => undefined);
      aborted = signal.aborted;
      return { size: 0 };
    });
    await assert.rejects(executor.upload(deaf, { volume: 'a' }, admin, bytes(15), options(25)), {
      code: 'UPLOAD_SIZE_WRONG',
    });
    assert.ok(aborted);
    assert.match((await records())[0]?.[1] ?? '', /^failed after 15 bytes: UPLOAD_SIZE_WRONG, /);
    const refusing = upload(async () => {
      throw testError('TEST_VOLUME');
    });
    const body = watched(bytes(25));
    await assert.rejects(executor.upload(refusing, { volume: 'a' }, admin, body, options(25)), { code: 'TEST_VOLUME' });
    await assert.rejects(
      executor.upload(
        upload(async () => 'no object'),
        { volume: 'a' },
        admin,
        bytes(0),
        options(0),
      ),
      /expected object/,
    );
  });

  it('whose sender stands still for a minute is given up', async () => {
    const { executor, host, records } = setUp();
    const stuck = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(7);
      await new Promise(() => {});
    };
    let undone = false;
    const careful = upload(async (body) => {
      try {
        return { size: await sizeOf(body) };
      } finally {
        undone = true;
      }
    });
    const failing = executor.upload(careful, { volume: 'a' }, admin, stuck(), options(25));
    failing.catch(() => undefined);
    await host.clock.advance(59_000);
    assert.equal(undone, false);
    await host.clock.advance(2_000);
    await assert.rejects(failing, { code: 'UPLOAD_STALLED', http: 408 });
    assert.ok(undone);
    assert.match((await records())[0]?.[1] ?? '', /^failed after 7 bytes: UPLOAD_STALLED/);
    await executor.streamsEnded();
  });

  it('whose caller leaves is ended, and waited for until its handler has returned', async () => {
    const { executor, host } = setUp();
    const leaving = new AbortController();
    const careful = upload(async (_body, { signal }) => {
      await host.clock.sleep(1e9, signal).catch(() => undefined);
      await host.clock.sleep(1000);
      return { size: 0 };
    });
    const failing = executor.upload(careful, { volume: 'a' }, admin, bytes(5), options(5, leaving.signal));
    failing.catch(() => undefined);
    await host.clock.advance(10);
    leaving.abort('left');
    let ended = false;
    const ending = executor.streamsEnded().then(() => (ended = true));
    await host.clock.advance(500);
    assert.equal(ended, false);
    await host.clock.advance(600);
    await assert.rejects(failing, { code: 'STREAM_LEFT' });
    await ending;
  });

  it('passes through to the node that must take it, metered on the way', async () => {
    const asked: unknown[] = [];
    const remote = {
      async upload(node: string, { name }: AnyUpload, input: unknown, actor: Actor, body: AsyncIterable<Uint8Array>) {
        asked.push([node, name, input, actor.name]);
        return { result: { size: await sizeOf(body) }, warnings: [], request: 'there' };
      },
    } as unknown as RemoteNodes;
    const { executor, records } = setUp({ remote });
    const input = { volume: 'a', node: 'hv2' };
    const answer = await executor.upload(counting, input, admin, bytes(25), options(25));
    assert.deepEqual(answer, { result: { size: 25 }, warnings: [], request: 'there' });
    assert.deepEqual([asked, await records()], [[['hv2', 'volume.upload', input, 'anna']], []]);
    await assert.rejects(executor.upload(counting, input, admin, bytes(24), options(25)), {
      code: 'UPLOAD_SIZE_WRONG',
    });
  });
});

describe('a download', () => {
  it('has begun when it is given, so that leaving it at once ends its giver', async () => {
    const { executor, records } = setUp();
    let ended = false;
    const given = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* bytes(25);
      } finally {
        ended = true;
      }
    };
    const { body } = await executor.download(download(given), { volume: 'a' }, viewer, never);
    await body[Symbol.asyncIterator]().return?.();
    assert.ok(ended);
    await executor.streamsEnded();
    assert.match((await records())[0]?.[1] ?? '', /^failed after 10 bytes: STREAM_LEFT/);
  });

  it('does not give its last piece before its giver has ended well', async () => {
    const { executor } = setUp();
    const given = async function* (): AsyncGenerator<Uint8Array> {
      yield* bytes(25);
      throw testError('TEST_VOLUME');
    };
    const { body } = await executor.download(download(given, 25), { volume: 'a' }, viewer, never);
    let came = 0;
    await assert.rejects(
      async () => {
        for await (const piece of body) came += piece.length;
      },
      { code: 'TEST_VOLUME' },
    );
    assert.equal(came, 20);
  });

  it('comes from the node that must give it', async () => {
    const remote = {
      download: async (node: string) => ({ sizeBytes: 5, body: node === 'hv2' ? bytes(5) : bytes(0) }),
    } as unknown as RemoteNodes;
    const { executor, records } = setUp({ remote });
    const input = { volume: 'a', node: 'hv2' };
    const { body } = await executor.download(
      download(() => bytes(9)),
      input,
      viewer,
      never,
    );
    assert.deepEqual([await sizeOf(body), await records()], [5, []]);
    await assert.rejects(
      executor.download(
        download(() => bytes(9)),
        { volume: 1 },
        viewer,
        never,
      ),
      {
        code: 'INPUT_INVALID',
      },
    );
  });
});
