import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { createSampleApi, json, type SampleApi } from './testing/sample-api.ts';

interface Problem {
  code: string;
  type: string;
  title: string;
  status: number;
  detail: string;
  hint: string;
  exit: string;
  details: string[];
  instance: string;
}

async function refused(answer: Response, status: number, code: string): Promise<Problem> {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  const problem = JSON.parse(text) as Problem;
  assert.equal(problem.code, code);
  assert.equal(problem.status, status);
  assert.equal(problem.type, `urn:pvc:error:${code}`);
  return problem;
}

async function withPet(): Promise<SampleApi> {
  const api = createSampleApi();
  const made = await api.ask('/api/v1/pets', json('POST', { name: 'rex', age: 3 }));
  assert.equal(made.status, 200);
  return api;
}

describe('operations over HTTP', () => {
  it('answers a mutation with result, warnings, tasks and the id of its record', async () => {
    const { ask } = createSampleApi();
    const answer = await ask('/api/v1/pets', json('POST', { name: 'rex', age: 30 }));
    assert.equal(answer.status, 200);
    const body = (await answer.json()) as { request: string };
    assert.match(body.request, /^[0-9a-z]{16}$/);
    assert.deepEqual(
      { ...body, request: '' },
      { result: { name: 'rex', age: 30 }, actions: [], warnings: ['That is old.'], tasks: [], request: '' },
    );
  });

  it('answers 202 when tasks were started', async () => {
    const { ask } = await withPet();
    const answer = await ask('/api/v1/pets/rex/walk', { method: 'POST' });
    assert.equal(answer.status, 202);
    assert.equal(((await answer.json()) as { tasks: string[] }).tasks.length, 1);
  });

  it('only plans with ?plan=true', async () => {
    const { ask } = createSampleApi();
    const answer = await ask('/api/v1/pets?plan=true', json('POST', { name: 'rex' }));
    assert.equal(answer.status, 200);
    const { plan } = (await answer.json()) as { plan: { operation: string; writes: { change: string; id: string }[] } };
    assert.equal(plan.operation, 'pet.create');
    assert.deepEqual(
      plan.writes.map(({ change, id }) => [change, id]),
      [['create', 'rex']],
    );
    await refused(await ask('/api/v1/pets/rex'), 404, 'OBJECT_NOT_FOUND');
    await refused(await ask('/api/v1/pets?plan=yes', json('POST', { name: 'rex' })), 400, 'PLAN_FLAG');
  });

  it('answers a query with its output itself, and takes its words as the schema wants them', async () => {
    const { ask } = createSampleApi();
    const answer = await ask('/api/v1/pets?limit=3&young=false&tags=a&tags=7&ages=4&where={"name":"1"}&sort=2');
    assert.deepEqual(await answer.json(), {
      limit: 3,
      young: false,
      tags: ['a', '7'],
      ages: [4],
      where: { name: '1' },
      sort: 2,
    });
    assert.deepEqual(await (await ask('/api/v1/pets?sort=name&tags=[]')).json(), { limit: 10, sort: 'name', tags: [] });
  });

  it('refuses words that do not fit, and fields that do not exist', async () => {
    const { ask } = createSampleApi();
    const one = await refused(await ask('/api/v1/pets?limit=three'), 422, 'INPUT_INVALID');
    assert.match(one.details.join(), /limit/);
    await refused(await ask('/api/v1/pets?young=1'), 422, 'INPUT_INVALID');
    await refused(await ask('/api/v1/pets?limit=1&limit=2'), 422, 'INPUT_INVALID');
    await refused(await ask('/api/v1/pets?nonsense=1'), 422, 'INPUT_INVALID');
    await refused(await ask('/api/v1/pets?__proto__=1'), 422, 'INPUT_INVALID');
    await refused(await ask('/api/v1/pets?constructor=1'), 422, 'INPUT_INVALID');
    await refused(await ask('/api/v1/pets?plan=true'), 422, 'INPUT_INVALID');
    await refused(await ask('/api/v1/pets', json('POST', { name: 'rex', colour: 'red' })), 422, 'INPUT_INVALID');
    await refused(await ask('/api/v1/pets?name=rex', json('POST', { name: 'rex' })), 400, 'QUERY_UNEXPECTED');
  });

  it('lets the path win and refuses a body that says otherwise', async () => {
    const { ask } = await withPet();
    await refused(await ask('/api/v1/pets/rex', json('PUT', { pet: 'tom', age: 4 })), 400, 'FIELD_CONTRADICTS');
    assert.equal((await ask('/api/v1/pets/rex', json('PUT', { pet: 'rex', age: 4 }))).status, 200);
    await refused(await ask('/api/v1/pets/rex?pet=tom', { method: 'DELETE' }), 400, 'FIELD_CONTRADICTS');
    assert.deepEqual(await (await ask('/api/v1/pets/rex')).json(), { name: 'rex', age: 4 });
  });

  it('takes the input of DELETE from the query string and refuses a body', async () => {
    const { ask } = await withPet();
    await refused(await ask('/api/v1/pets/rex', json('DELETE', { force: true })), 400, 'BODY_UNEXPECTED');
    const planned = await ask('/api/v1/pets/rex?force=true&plan=true', { method: 'DELETE' });
    assert.equal(((await planned.json()) as { plan: { result: { force: boolean } } }).plan.result.force, true);
    assert.equal((await ask('/api/v1/pets/rex?force=true', { method: 'DELETE' })).status, 200);
    await refused(await ask('/api/v1/pets/rex'), 404, 'OBJECT_NOT_FOUND');
  });

  it('tries fixed paths before fields', async () => {
    const { ask } = await withPet();
    await refused(await ask('/api/v1/pets/crash'), 500, 'INTERNAL');
    assert.equal((await ask('/api/v1/pets/rex')).status, 200);
  });
});

describe('what is refused before an operation sees it', () => {
  it('unknown routes and wrong methods', async () => {
    const { ask } = createSampleApi();
    await refused(await ask('/api/v1/nothing'), 404, 'ROUTE_UNKNOWN');
    await refused(await ask('/api/v1/pets/'), 404, 'ROUTE_UNKNOWN');
    const wrong = await ask('/api/v1/pets/rex', json('PATCH', {}));
    assert.equal(wrong.headers.get('allow'), 'DELETE, GET, HEAD, PUT');
    await refused(wrong, 405, 'METHOD_WRONG');
    await refused(await ask('/api/v1/openapi.json', { method: 'POST' }), 405, 'METHOD_WRONG');
    await refused(await ask('/api/v1/pets', { method: 'OPTIONS' }), 405, 'METHOD_WRONG');
  });

  it('bodies of another type', async () => {
    const { ask } = createSampleApi();
    const body = '{"name":"rex"}';
    await refused(await ask('/api/v1/pets', { method: 'POST', body }), 415, 'CONTENT_TYPE_WRONG');
    await refused(
      await ask('/api/v1/pets', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
      415,
      'CONTENT_TYPE_WRONG',
    );
    await refused(
      await ask('/api/v1/pets', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json; charset=latin1' },
      }),
      415,
      'CONTENT_TYPE_WRONG',
    );
    assert.equal(
      (
        await ask('/api/v1/pets', {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json; charset=UTF-8' },
        })
      ).status,
      200,
    );
  });

  it('malformed JSON, with its place', async () => {
    const { ask } = createSampleApi();
    const problem = await refused(
      await ask('/api/v1/pets', json('POST', '{"name": "rex",\n "age" 3}')),
      400,
      'JSON_MALFORMED',
    );
    assert.match(problem.detail, /expected : at line 2, column 8 \(byte 23\)/);
    await refused(await ask('/api/v1/pets', json('POST', '["rex"]')), 400, 'JSON_MALFORMED');
    await refused(
      await ask('/api/v1/pets', { ...json('POST', ''), body: new Uint8Array([0x22, 0xff, 0x22]) }),
      400,
      'JSON_MALFORMED',
    );
  });

  it('bodies over the limit, without reading on', async () => {
    const { ask } = await withPet();
    await refused(await ask('/api/v1/pets/rex', json('PUT', `{"age": 4${' '.repeat(60)}}`)), 413, 'BODY_TOO_LARGE');
    let asked = 0;
    const endless = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          asked += 1;
          controller.enqueue(new Uint8Array(32).fill(0x20));
        },
      },
      { highWaterMark: 0 },
    );
    const init = {
      method: 'PUT',
      body: endless,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit;
    await refused(await ask('/api/v1/pets/rex', init), 413, 'BODY_TOO_LARGE');
    assert.ok(asked <= 4, `${asked} chunks were read`);
  });

  it('says nothing of unexpected errors but logs them under the id that it answers', async () => {
    const { ask, host } = createSampleApi();
    const answer = await ask('/api/v1/pets/crash');
    const problem = await refused(answer, 500, 'INTERNAL');
    assert.doesNotMatch(JSON.stringify(problem), /inner detail/);
    const id = problem.instance.replace('urn:pvc:request:', '');
    assert.equal(answer.headers.get('x-request-id'), id);
    assert.ok(host.logLines.some((line) => line.includes(id) && line.includes('inner detail of the crash')));
  });

  it('callers whose role is too low, before their body is read', async () => {
    const { ask, host } = createSampleApi();
    const made = await ask('/api/v1/tokens', json('POST', { name: 'eye', role: 'viewer' }));
    const { token } = ((await made.json()) as { result: { token: string } }).result;
    const asViewer = { authorization: `Bearer ${token}` };
    const answer = await ask(
      '/api/v1/pets',
      { method: 'POST', body: 'not even JSON', headers: asViewer },
      { door: 'https', remote: '10.0.0.1' },
    );
    await refused(answer, 403, 'ROLE_TOO_LOW');
    assert.equal((await ask('/metrics', { headers: asViewer }, { door: 'https' })).status, 200);
    assert.ok(!host.logLines.join('').includes(token), 'the log holds no token');
  });
});

describe('the pages of the server itself', () => {
  it('says its version and operations at /api/v1, to those who may ask', async () => {
    const { ask } = createSampleApi();
    const body = (await (await ask('/api/v1')).json()) as {
      version: string;
      apiVersion: number;
      actor: object;
      operations: { name: string }[];
    };
    assert.equal(body.version, '1.2.3');
    assert.equal(body.apiVersion, 1);
    assert.deepEqual(body.actor, { name: 'root', role: 'admin', via: 'socket' });
    assert.ok(body.operations.some((one) => one.name === 'pet.walk'));
    await refused(await ask('/api/v1', {}, { door: 'https' }), 401, 'TOKEN_NEEDED');
    await refused(await ask('/metrics', {}, { door: 'https' }), 401, 'TOKEN_NEEDED');
  });

  it('takes a request without bindings for one from outside', async () => {
    const { app } = createSampleApi();
    await refused(await app.request('/api/v1'), 401, 'TOKEN_NEEDED');
  });

  it('serves metrics', async () => {
    const answer = await createSampleApi().ask('/metrics');
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(await answer.text(), 'pvc_pets 3\n');
  });

  it('serves a page whose policy allows its own script and nothing else', async () => {
    const answer = await createSampleApi().ask('/', {}, { door: 'https' });
    assert.equal(answer.status, 200);
    assert.match(
      answer.headers.get('content-security-policy') ?? '',
      /^default-src 'none'; script-src 'sha256-[^ ]+'; style-src 'sha256-[^ ]+'; connect-src 'self'/,
    );
    const page = await answer.text();
    assert.doesNotMatch(page, /https?:\/\//);
    for (const name of ['script', 'style']) {
      const text = new RegExp(`<${name}[^>]*>([^]*?)</${name}>`).exec(page)?.[1] ?? '';
      const hash = createHash('sha256').update(text).digest('base64');
      assert.ok(answer.headers.get('content-security-policy')?.includes(`${name}-src 'sha256-${hash}'`), name);
    }
  });

  it('sends security headers with everything, errors too, and allows no other origin', async () => {
    const { ask } = createSampleApi();
    for (const path of ['/', '/api/v1/pets', '/nothing', '/api/v1/pets/crash']) {
      const { headers } = await ask(path, { headers: { origin: 'https://elsewhere.example' } });
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
      assert.equal(headers.get('cache-control'), 'no-store', path);
      assert.match(headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/, path);
      assert.equal(headers.get('access-control-allow-origin'), null, path);
    }
  });

  it('refuses a channel without a handshake', async () => {
    const { ask } = await withPet();
    await refused(await ask('/api/v1/pets/rex/talk'), 426, 'UPGRADE_NEEDED');
  });
});
