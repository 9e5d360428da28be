import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { PvcError } from '../error/error.ts';
import { createClient, type PvcClient } from './client.ts';
import { connect } from './index.ts';
import { answerJson, fakeApi, petRegistry } from './testing/fake-api.ts';

const failure = async (call: Promise<unknown>): Promise<PvcError> => {
  const error = await call.then(
    (value) => assert.fail(`answered ${inspect(value)}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PvcError, inspect(error));
  return error;
};

const clientOf = (socket: string): PvcClient => createClient({ socket }, petRegistry());

describe('a client on the unix socket', () => {
  it('sends queries in the address and mutations in the body', async (test) => {
    const api = await fakeApi(test, (asked, response) =>
      answerJson(
        response,
        asked.method === 'GET' ? [{ name: 'rex' }] : { result: 1, actions: [], warnings: [], tasks: [], request: 'r' },
      ),
    );
    using client = clientOf(api.at);
    assert.deepEqual(
      await client.call('pet.list', { tags: ['a', 'b c'], limit: 3, where: { name: 'x' }, none: undefined, empty: [] }),
      [{ name: 'rex' }],
    );
    assert.deepEqual(await client.call('pet.feed', { pet: 'rex/1', grams: 20 }), {
      result: 1,
      actions: [],
      warnings: [],
      tasks: [],
      request: 'r',
    });
    await client.call('pet.remove', { pet: 'rex', force: true });
    assert.deepEqual(
      api.asked.map(({ method, url, body }) => [method, url, body]),
      [
        ['GET', '/api/v1/pets?tags=a&tags=b+c&limit=3&where=%7B%22name%22%3A%22x%22%7D&empty=%5B%5D', ''],
        ['POST', '/api/v1/pets/rex%2F1/feed', '{"grams":20}'],
        ['DELETE', '/api/v1/pets/rex?force=true', ''],
      ],
    );
    assert.equal(api.asked[1]?.headers['content-type'], 'application/json');
    assert.equal(api.asked[0]?.headers.authorization, undefined);
  });

  it('asks for a plan and gives it back itself', async (test) => {
    const api = await fakeApi(test, (_asked, response) =>
      answerJson(response, { plan: { operation: 'pet.feed', writes: [] } }),
    );
    using client = clientOf(api.at);
    assert.deepEqual(await client.call('pet.feed', { pet: 'rex' }, { plan: true }), {
      operation: 'pet.feed',
      writes: [],
    });
    assert.equal(api.asked[0]?.url, '/api/v1/pets/rex/feed?plan=true');
  });

  it('learns the operations from the server once when it was given none', async (test) => {
    const api = await fakeApi(test, (asked, response) =>
      answerJson(
        response,
        asked.url === '/api/v1'
          ? { operations: [{ name: 'pet.list', type: 'query', method: 'GET', path: '/api/v1/pets' }] }
          : [1],
      ),
    );
    using client = createClient({ socket: api.at });
    assert.deepEqual(await client.call('pet.list', {}), [1]);
    assert.deepEqual(await client.call('pet.list', {}), [1]);
    assert.equal((await failure(client.call('pet.unheard', {}))).code, 'OPERATION_UNKNOWN');
    assert.deepEqual(
      api.asked.map(({ url }) => url),
      ['/api/v1', '/api/v1/pets', '/api/v1/pets'],
    );
  });

  it('asks for the operations again when that failed', async (test) => {
    const api = await fakeApi(test, (asked, response, count) => {
      if (count === 1)
        return answerJson(
          response,
          { code: 'CLOSING', detail: 'This daemon is stopping.', exit: 'unreachable', status: 503 },
          503,
        );
      answerJson(
        response,
        asked.url === '/api/v1'
          ? { operations: [{ name: 'pet.list', type: 'query', method: 'GET', path: '/api/v1/pets' }] }
          : [1],
      );
    });
    using client = createClient({ socket: api.at });
    assert.equal((await failure(client.call('pet.list', {}))).code, 'CLOSING');
    assert.deepEqual(await client.call('pet.list', {}), [1]);
  });

  it('refuses what cannot stand in an address, before anything is sent', async (test) => {
    const api = await fakeApi(test, (_asked, response) => answerJson(response, {}));
    using client = clientOf(api.at);
    for (const pet of ['', '.', '..', undefined])
      assert.equal((await failure(client.call('pet.feed', { pet }))).code, 'INPUT_INVALID');
    assert.equal((await failure(client.call('pet.feed', ['rex']))).code, 'INPUT_INVALID');
    assert.equal((await failure(client.call('pet.follow', { pet: 'rex' }))).code, 'CALL_INVALID');
    assert.equal(api.asked.length, 0);
  });
});

describe('errors of the server', () => {
  it('are thrown as they were there', async (test) => {
    const api = await fakeApi(test, (_asked, response) =>
      answerJson(
        response,
        {
          type: 'urn:pvc:error:PET_ASLEEP',
          title: 'x',
          status: 409,
          code: 'PET_ASLEEP',
          detail: 'rex sleeps.',
          hint: 'Wait.',
          exit: 'refused',
          details: ['one', 'two'],
        },
        409,
      ),
    );
    using client = clientOf(api.at);
    const error = await failure(client.call('pet.feed', { pet: 'rex' }));
    const { code, message, hint, exit, http, details } = error;
    assert.deepEqual(
      { code, message, hint, exit, http, details },
      {
        code: 'PET_ASLEEP',
        message: 'rex sleeps.',
        hint: 'Wait.',
        exit: 'refused',
        http: 409,
        details: ['one', 'two'],
      },
    );
  });

  for (const [what, status, body] of [
    ['a page of a proxy', 502, '<html>Bad Gateway</html>'],
    ['JSON that is no problem', 500, '{"error":"x"}'],
    ['a redirection', 302, '{}'],
    ['text where JSON should be', 200, 'hello'],
    ['nothing', 200, ''],
  ] as const) {
    it(`are ANSWER_INVALID for ${what}`, async (test) => {
      const api = await fakeApi(test, (_asked, response) => {
        response.writeHead(status, { location: 'http://127.0.0.1:1/' });
        response.end(body);
      });
      using client = clientOf(api.at);
      const error = await failure(client.call('pet.list', {}));
      assert.equal(error.code, 'ANSWER_INVALID');
      assert.match(error.message, new RegExp(`status ${status}`));
      assert.equal(api.asked.length, 1, 'is not asked again');
    });
  }
});

describe('connections that fail', () => {
  it('say that there is no daemon, for a mutation too', async (test) => {
    const api = await fakeApi(test, () => {});
    using client = clientOf(join(dirname(api.at), 'absent.sock'));
    for (const call of [client.call('pet.list', {}), client.call('pet.feed', { pet: 'rex' })]) {
      const error = await failure(call);
      assert.equal(error.code, 'DAEMON_DOWN');
      assert.equal(error.exit, 'unreachable');
      assert.match(error.message, /absent\.sock: there is no such socket/);
      assert.match(error.hint, /systemctl status pvcd/);
    }
  });

  it('say so for a file that is no socket', async (test) => {
    const api = await fakeApi(test, () => {});
    const path = join(dirname(api.at), 'file');
    await writeFile(path, '');
    using client = clientOf(path);
    assert.equal((await failure(client.call('pet.feed', { pet: 'rex' }))).code, 'DAEMON_DOWN');
  });

  it('are tried again for a query that was cut, and only a few times', async (test) => {
    const api = await fakeApi(test, (_asked, response, count) =>
      count < 3 ? response.destroy() : answerJson(response, count),
    );
    using client = clientOf(api.at);
    assert.equal(await client.call('pet.list', {}), 3);
    const dead = await fakeApi(test, (_asked, response) => response.destroy());
    using other = clientOf(dead.at);
    assert.equal((await failure(other.call('pet.list', {}))).code, 'DAEMON_DOWN');
    assert.equal(dead.asked.length, 4);
  });

  it('leave open whether a mutation was done, and it is not sent twice', async (test) => {
    const api = await fakeApi(test, (_asked, response) => response.destroy());
    using client = clientOf(api.at);
    for (const call of [
      () => client.call('pet.feed', { pet: 'rex' }),
      () => client.call('pet.remove', { pet: 'rex' }),
    ]) {
      const error = await failure(call());
      assert.equal(error.code, 'ANSWER_LOST');
      assert.equal(error.exit, 'unknown');
      assert.match(error.message, /may or may not/);
    }
    assert.equal(api.asked.length, 2);
  });

  it('leave it open when the answer is cut in the middle', async (test) => {
    const api = await fakeApi(test, (_asked, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"result":');
      setImmediate(() => response.destroy());
    });
    using client = clientOf(api.at);
    assert.equal((await failure(client.call('pet.feed', { pet: 'rex' }))).code, 'ANSWER_LOST');
  });

  it('do not matter for a plan: nothing can have been changed', async (test) => {
    const api = await fakeApi(test, (_asked, response) => response.destroy());
    using client = clientOf(api.at);
    assert.equal((await failure(client.call('pet.feed', { pet: 'rex' }, { plan: true }))).code, 'DAEMON_DOWN');
  });

  it('end at the time limit, with what that means', async (test) => {
    const api = await fakeApi(test, () => {});
    using client = clientOf(api.at);
    const query = await failure(client.call('pet.list', {}, { timeoutMs: 40 }));
    assert.deepEqual([query.code, query.exit], ['QUERY_LATE', 'unreachable']);
    const mutation = await failure(client.call('pet.feed', { pet: 'rex' }, { timeoutMs: 40 }));
    assert.deepEqual([mutation.code, mutation.exit], ['ANSWER_LATE', 'unknown']);
    assert.match(mutation.message, /0\.04 s/);
  });

  it('end when the caller has enough, with its own reason', async (test) => {
    const api = await fakeApi(test, () => {});
    using client = clientOf(api.at);
    const stop = new AbortController();
    const calls = [
      client.call('pet.feed', { pet: 'rex' }, { signal: stop.signal }),
      client.call('pet.list', {}, { signal: stop.signal }),
    ];
    const reason = new Error('enough');
    setTimeout(() => stop.abort(reason), 20);
    for (const call of calls) await assert.rejects(call, (error) => error === reason);
    await assert.rejects(client.call('pet.list', {}, { signal: stop.signal }), (error) => error === reason);
  });
});

describe('connections', () => {
  it('are shared by queries one after the other, never by mutations', async (test) => {
    const api = await fakeApi(test, (_asked, response) => answerJson(response, { result: null }));
    using client = clientOf(api.at);
    for (let turn = 0; turn < 3; turn += 1) await client.call('pet.list', {});
    assert.equal(api.connections, 1);
    for (let turn = 0; turn < 3; turn += 1) await client.call('pet.feed', { pet: 'rex' });
    assert.equal(api.connections, 4);
  });
});

describe('what a client is made of', () => {
  it('must be a socket or an https address', () => {
    const bad = (make: () => unknown, pattern: RegExp): void => {
      assert.throws(
        make,
        (error) => error instanceof PvcError && error.code === 'TARGET_INVALID' && pattern.test(error.message),
      );
    };
    bad(() => connect({ url: 'http://hv1:7370', token: 't0ken-value' }), /https/);
    bad(() => connect({ url: 'nonsense' }), /https/);
    bad(() => connect({ url: 'https://me:secret@hv1' }), /user or a password/);
    bad(() => connect({ url: 'https://hv1', fingerprint: 'AB:CD' }), /fingerprint/);
    bad(() => createClient({ socket: '' }), /empty/);
  });

  it('never shows the token', async () => {
    const token = 'pvc_s3cret-t0ken';
    const client = connect({ url: 'https://localhost:1', token });
    const error = await failure(client.call('pet.list', {}));
    assert.equal(error.code, 'API_UNREACHABLE');
    for (const shown of [
      inspect(client, { depth: 9, showHidden: true }),
      inspect(error, { depth: 9, showHidden: true }),
      JSON.stringify(client),
    ])
      assert.ok(!shown.includes(token));
    assert.throws(
      () => connect({ url: 'https://localhost:1', token: 's3cret\r\nX-Evil: 1' }),
      (thrown) => thrown instanceof PvcError && !inspect(thrown).includes('s3cret'),
    );
    client.close();
  });
});
