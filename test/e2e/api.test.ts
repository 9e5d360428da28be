/**
 * The API of a node as a program elsewhere has it: HTTPS with a token and a pinned certificate, by the
 * typed client, and by plain requests where status, headers and body matter.
 * @module
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type AnswerFor, certificateOf, connect, type PvcClient, type StreamItem } from '../../core/client/index.ts';
import { guestDirectory } from '../lab/boot-script.ts';
import { daemonProcess } from '../lab/daemon.ts';
import type { PublishedPort } from '../lab/publish.ts';
import { repository } from '../lab/repository.ts';
import { run } from '../lab/run.ts';
import { type Life, TestGuest } from './test-guest.ts';
import { suiteLab } from './test-lab.ts';
import { waitFor } from './wait-for.ts';

type EventItem = StreamItem<{ readonly seq: number; readonly type: string; readonly summary: string }>;

interface Ask {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

interface Told {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const node = 'hv1';
const apiPort = 7370;

/** Asserts that the answer is a problem document with that status and code, and gives it. */
function assertProblem({ status, type, text }: Told, expected: number, code: string): Record<string, unknown> {
  assert.deepEqual([status, type], [expected, 'application/problem+json'], text);
  const problem = JSON.parse(text) as Record<string, unknown>;
  assert.equal(problem['code'], code, text);
  assert.equal(problem['status'], expected);
  assert.equal(problem['type'], `urn:pvc:error:${code}`);
  for (const field of ['title', 'detail', 'hint', 'exit']) assert.ok(problem[field], `${field} is empty: ${text}`);
  assert.match(String(problem['instance']), /^urn:pvc:request:\w+$/);
  return problem;
}

describe('the API from elsewhere', { concurrency: false }, () => {
  const clients: PvcClient[] = [];
  let published: PublishedPort | undefined;
  // Hooks run in the order in which they are given: before the lab is taken away.
  after(async () => {
    for (const client of clients) client.close();
    await published?.[Symbol.asyncDispose]();
  });
  const lab = suiteLab();
  let url: string;
  let fingerprint: string;
  let adminToken: string;
  let admin: PvcClient;
  let operator: PvcClient;
  let viewer: PvcClient;
  const tokens: Partial<Record<'operator' | 'viewer', string>> = {};
  // Made by one test, used by the later ones: a boot takes its time where the machine is emulated.
  let guest: TestGuest;

  const clientWith = (token: string): PvcClient => {
    const client = connect({ url, token, fingerprint });
    clients.push(client);
    return client;
  };

  /** A request, answered up to its head. Nothing but loopback is between, so the certificate is not checked. */
  const open = async (path: string, { method = 'GET', token, headers = {}, body }: Ask): Promise<IncomingMessage> => {
    const asked = request(`${url}${path}`, {
      method,
      rejectUnauthorized: false,
      agent: false,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    });
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
    asked.end(body);
    const [answer] = await answered;
    return answer;
  };

  const ask = async (path: string, options: Ask = {}): Promise<Told> => {
    const answer = await open(path, options);
    const text = (await answer.toArray()).join('');
    return { status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text };
  };

  const post = (path: string, token: string | undefined, body?: string | Buffer): Promise<Told> =>
    ask(path, {
      method: 'POST',
      token,
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
    });

  /** What a mutation would leave a trace in. */
  const traces = async () => ({
    guests: await admin.call('vm.list', {}),
    tasks: await admin.call('task.list', {}),
    tokens: await admin.call('token.list', {}),
    audit: await admin.call('cluster.audit', { limit: 200 }),
  });

  /** Waits for the tasks of a mutation; all must succeed. */
  const done = async (client: PvcClient, { tasks }: { readonly tasks: readonly string[] }): Promise<void> => {
    assert.ok(tasks.length > 0, 'there is nothing to wait for');
    for (const id of tasks) {
      const task = await client.wait(id);
      assert.equal(task.state, 'succeeded', JSON.stringify(task));
    }
  };

  before(async () => {
    published = await lab().publish(node, apiPort);
    url = `https://127.0.0.1:${published.port}`;
    adminToken = await lab().token();
  });

  it('shows the certificate that is on the node', async () => {
    const seen = await certificateOf(new URL(url), AbortSignal.timeout(10_000));
    const pem = await lab().readFile(node, '/var/lib/pvc/tls/node.pem');
    assert.equal(seen.fingerprint, new X509Certificate(pem).fingerprint256);
    assert.equal(seen.trusted, false, 'no authority of this machine knows it');
    ({ fingerprint } = seen);
    admin = clientWith(adminToken);
    const other = connect({ url, token: adminToken, fingerprint: '00'.repeat(32) });
    await assert.rejects(other.call('vm.list', {}), { code: 'CERTIFICATE_MISMATCH' });
    other.close();
  });

  it('answers nobody without a valid token', async () => {
    const wrong = `${adminToken.slice(0, -1)}${adminToken.endsWith('A') ? 'B' : 'A'}`;
    for (const path of ['/api/v1', '/api/v1/vms', '/api/v1/events', '/metrics', '/api/v1/tokens']) {
      assertProblem(await ask(path), 401, 'TOKEN_NEEDED');
      assertProblem(await ask(path, { token: wrong }), 401, 'TOKEN_REFUSED');
    }
    assertProblem(await post('/api/v1/vms/create', undefined, '{"name":"nobody"}'), 401, 'TOKEN_NEEDED');
    assertProblem(await ask('/api/v1/vms', { headers: { authorization: 'Basic cm9vdDpyb290' } }), 401, 'TOKEN_REFUSED');
    const { headers } = await open('/api/v1/vms', {});
    assert.match(headers['www-authenticate'] ?? '', /^Bearer /);
    assert.deepEqual(await admin.call('vm.list', {}), []);
  });

  it('runs the example of the documentation', async () => {
    const env = { ...process.env, PVC_URL: url, PVC_TOKEN: adminToken, PVC_FINGERPRINT: fingerprint };
    const example = () =>
      run([process.execPath, join(repository, 'docs/examples/client.ts')], { env, accept: 'any', timeoutMs: 60_000 });
    const first = await example();
    assert.equal(first.code, 0, first.stdout + first.stderr);
    assert.match(first.stdout, /^would: define the guest example on hv1$/m);
    assert.match(first.stdout, /^example has the UUID [0-9a-f-]{36}$/m);
    assert.match(first.stdout, /^vm\.start: succeeded$/m);
    const [row] = await admin.call('vm.list', {});
    assert.deepEqual([row?.name, row?.state], ['example', 'running']);

    const again = await example();
    assert.equal(again.code, 1, again.stdout + again.stderr);
    assert.match(again.stdout, /^example runs on hv1$/m);
    assert.match(again.stderr, /^There is already a vm with name example /);
    await done(admin, await admin.call('vm.stop', { vm: 'example' }));
    await admin.call('vm.undefine', { vm: 'example' });
    assert.deepEqual(await admin.call('vm.list', {}), []);
  });

  it('describes itself', async () => {
    const { status, type, text } = await ask('/api/v1/openapi.json');
    assert.deepEqual([status, type], [200, 'application/json']);
    const api = JSON.parse(text) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId?: string; 'x-pvc-role'?: string }>>;
    };
    assert.match(api.openapi, /^3\.1\./);
    const start = Object.values(api.paths)
      .flatMap((methods) => Object.values(methods))
      .find(({ operationId }) => operationId === 'vm.start');
    assert.equal(start?.['x-pvc-role'], 'operator');
  });

  it('gives tokens their roles, once, until they are removed', async () => {
    for (const role of ['operator', 'viewer'] as const) {
      const { result } = await admin.call('token.create', { name: `${role}-script`, role });
      assert.ok(result.token, 'the answer holds the token');
      tokens[role] = result.token;
    }
    operator = clientWith(tokens.operator ?? '');
    viewer = clientWith(tokens.viewer ?? '');
    assert.ok(!JSON.stringify(await admin.call('token.list', {})).includes(tokens.viewer ?? ''));

    const { result } = await admin.call('token.create', { name: 'short', role: 'viewer', expires: '1d' });
    using short = connect({ url, token: result.token ?? '', fingerprint });
    assert.deepEqual(await short.call('vm.list', {}), []);
    await admin.call('token.remove', { token: 'short' });
    await assert.rejects(short.call('vm.list', {}), { code: 'TOKEN_REFUSED', http: 401 });
  });

  it('creates and starts a guest for an operator', async () => {
    const { result } = await operator.call('vm.create', {
      name: 'api1',
      memory: 160,
      graphics: 'none',
      kernel: `${guestDirectory}/vmlinuz`,
      initrd: `${guestDirectory}/initrd`,
      cmdline: 'console=ttyS0 quiet',
    });
    assert.equal(result.name, 'api1');
    guest = await TestGuest.find(lab(), 'api1');
    assert.equal(guest.uuid, result.uuid);
    await assert.rejects(operator.call('vm.create', { name: 'api1' }), { code: 'OBJECT_EXISTS', http: 409 });
    // What its node tells of it then is no trace of anybody.
    await lab().waitFor(
      'its node to have looked at it',
      async () => (await admin.call('vm.list', {}))[0]?.reason === 'stopped',
    );
  });

  it('shows with ?plan=true what would be done, and does not do it', async () => {
    const before = await traces();
    const answer = await post('/api/v1/vms/api1/start?plan=true', tokens.operator);
    assert.equal(answer.status, 200, answer.text);
    const { plan } = JSON.parse(answer.text) as { plan: { operation: string; actions: string[]; tasks: unknown[] } };
    assert.deepEqual([plan.operation, plan.tasks.length], ['vm.start', 1]);
    assert.ok(
      plan.actions.some((action) => action.startsWith('start api1')),
      answer.text,
    );
    assert.deepEqual(
      await operator.call('vm.start', { vm: 'api1' }, { plan: true }).then((same) => same.actions),
      plan.actions,
    );
    const { result } = await admin.call('token.create', { name: 'planned' }, { plan: true });
    assert.equal((result as { token: unknown }).token, null);
    assertProblem(await post('/api/v1/vms/api1/start?plan=perhaps', tokens.operator), 400, 'PLAN_FLAG');
    assert.deepEqual(await traces(), before);
  });

  it('refuses what a role may not do, and changes nothing', async () => {
    const before = await traces();
    assert.deepEqual(await viewer.call('vm.list', {}), before.guests);
    const refused = await post('/api/v1/vms/api1/start', tokens.viewer);
    assert.match(String(assertProblem(refused, 403, 'ROLE_TOO_LOW')['detail']), /vm\.start needs the role operator/);
    assertProblem(await post('/api/v1/vms/api1/start?plan=true', tokens.viewer), 403, 'ROLE_TOO_LOW');
    for (const client of [viewer, operator]) {
      for (const call of [
        () => client.call('token.create', { name: 'more', role: 'admin' }),
        () => client.call('token.list', {}),
        () => client.call('token.remove', { token: 'viewer-script' }),
      ])
        await assert.rejects(call, { code: 'ROLE_TOO_LOW', http: 403, exit: 'denied' });
    }
    await assert.rejects(viewer.channel('vm.console', { vm: 'api1' }, AbortSignal.timeout(10_000)), {
      code: 'ROLE_TOO_LOW',
    });
    assert.deepEqual(await traces(), before);
  });

  it('starts it, and shows it to a viewer', async () => {
    await done(operator, await operator.call('vm.start', { vm: 'api1' }));
    const life = await guest.counts();
    const [row] = await viewer.call('vm.list', { state: 'running' });
    assert.deepEqual([row?.name, row?.node], ['api1', node]);
    const info = await viewer.call('vm.info', { vm: 'api1' });
    assert.deepEqual([info.uuid, info.state, info.memoryMiB], [guest.uuid, 'running', 160]);
    const log: AnswerFor<'vm.log'> = await viewer.call('vm.log', { vm: 'api1', lines: 50 });
    assert.match(log.text, new RegExp(`pvc-guest boot ${life.bootId} `));
    const audit = await admin.call('cluster.audit', { limit: 200 });
    assert.ok(
      audit.some(({ operation, actor }) => operation === 'vm.start' && actor === 'operator-script'),
      'the audit log names the token',
    );
  });

  it('connects to its console', async () => {
    const leaving = new AbortController();
    const line = await operator.channel('vm.console', { vm: 'api1' }, leaving.signal);
    let text = '';
    line.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const sees = (pattern: RegExp) =>
      waitFor(`the console to show ${String(pattern)}`, () => pattern.test(text), {
        evidence: () => text.slice(-1_000),
      });
    line.write('\r');
    await sees(/pvc-guest# /);
    line.write('echo $((6 * 7))-by-the-api\r');
    await sees(/echo \$\(\(6 \* 7\)\)-by-the-api/); // what was typed
    await sees(/42-by-the-api\r/); // after a prompt, where the guest was slower than what was typed
    const closed = once(line, 'close');
    leaving.abort();
    await closed;
  });

  it('has metrics of it', async () => {
    const { status, type, text } = await ask('/metrics', { token: tokens.viewer });
    assert.equal(status, 200);
    assert.match(type, /^text\/plain; version=0\.0\.4/);
    assert.match(text, /^# TYPE pvc_vm_running gauge$/m);
    const [, labels = ''] = /^pvc_vm_running\{(.*)\} 1$/m.exec(text) ?? [];
    assert.ok(labels.includes('vm="api1"') && labels.includes(`uuid="${guest.uuid}"`), labels);
  });

  it('tells events in order and once, also across a crash of the daemon', async () => {
    const leaving = new AbortController();
    const seen: EventItem[] = [];
    const following = (async () => {
      for await (const item of viewer.follow('event.follow', { last: 1 }, { signal: leaving.signal })) seen.push(item);
    })();
    const tells = (priority: number) =>
      lab().waitFor(`the event of priority ${priority}`, () =>
        seen.find(({ data }) => data.summary.endsWith(`→ ${priority}`)),
      );
    await lab().waitFor('the stream', () => seen.length > 0);
    await operator.call('vm.meta', { vm: 'api1', priority: 601 });
    const last = await tells(601);
    const lifeBefore = (await guest.life()) as Life;
    const daemonBefore = await daemonProcess(lab().record, node);
    await lab().daemon(node, 'kill');
    await lab().waitFor('another daemon', async () => {
      const now = await daemonProcess(lab().record, node);
      return now !== undefined && now !== daemonBefore;
    });
    await lab().waitFor('its API', () => operator.call('vm.list', {}));
    await operator.call('vm.meta', { vm: 'api1', priority: 602 });
    await tells(602);
    leaving.abort();
    await following;
    const first = seen[0]?.data.seq ?? 0;
    assert.deepEqual(
      seen.map(({ data }) => data.seq),
      seen.map((_item, index) => first + index),
      'none twice, none missing',
    );

    // The same by hand: what came after the id is told again, from the first one on.
    const expected = seen.slice(seen.indexOf(last) + 1).map(({ id }) => id);
    assert.ok(expected.length > 0);
    assert.deepEqual((await idsAfter(last.id ?? '', expected.length)).ids, expected);
    const lost = await idsAfter('nosuch-1', 1);
    assert.match(lost.text, /^data: .*"type":"resync"/m, 'an id that is not known is not passed over');
    await guest.countsOn(lifeBefore);
  });

  /** The first `count` ids of the stream that a request with that Last-Event-ID opens. */
  const idsAfter = async (id: string, count: number): Promise<{ ids: string[]; text: string }> => {
    const stream = await open('/api/v1/events', { token: tokens.viewer, headers: { 'last-event-id': id } });
    assert.equal(stream.headers['content-type'], 'text/event-stream');
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    stream.on('error', () => undefined); // it is cut from here
    const found = (): string[] => [...text.matchAll(/^id: (.*)\n(?:.+\n)*\n/gm)].map(([, each = '']) => each);
    await waitFor(`${count} events`, () => found().length >= count, { evidence: () => text });
    stream.destroy();
    return { ids: found().slice(0, count), text };
  };

  it('says what is wrong with a request, with a code, and changes nothing', async () => {
    const before = await traces();
    const create = '/api/v1/vms/create';
    const token = tokens.operator;
    const malformed = assertProblem(await post(create, token, '{"name": "bad",\n "memory": }'), 400, 'JSON_MALFORMED');
    assert.match(String(malformed['detail']), /line 2, column 12/);
    assertProblem(await post(create, token, '["bad"]'), 400, 'JSON_MALFORMED');
    assertProblem(await post(create, token, Buffer.from([0x7b, 0xff, 0x7d])), 400, 'JSON_MALFORMED');
    const plain = { method: 'POST', token, body: '{"name":"bad"}', headers: { 'content-type': 'text/plain' } };
    assertProblem(await ask(create, plain), 415, 'CONTENT_TYPE_WRONG');
    const unknown = assertProblem(await post(create, token, '{"name":"bad","colour":"red"}'), 422, 'INPUT_INVALID');
    assert.match(JSON.stringify(unknown), /colour/);
    assertProblem(await post(create, token, '{"name":"../bad"}'), 422, 'INPUT_INVALID');

    const large = Buffer.from(JSON.stringify({ name: 'bad', description: 'x'.repeat(3 * 1024 * 1024) }));
    assertProblem(await post(create, token, large), 413, 'BODY_TOO_LARGE');

    assertProblem(await ask('/api/v1/nothing', { token }), 404, 'ROUTE_UNKNOWN');
    assertProblem(await ask('/api/v1/vms/api1/start', { token }), 405, 'METHOD_WRONG');
    assertProblem(await ask('/api/v1/vms/nobody', { token }), 404, 'VM_NOT_FOUND');
    assert.deepEqual(await traces(), before);
  });

  it('shuts it down and forgets it', async () => {
    await done(operator, await operator.call('vm.shutdown', { vm: 'api1' }));
    const info = await viewer.call('vm.info', { vm: 'api1' });
    assert.deepEqual([info.state, info.run], ['stopped', 'stopped']);
    assert.match((await viewer.call('vm.log', { vm: 'api1' })).text, /power button/);
    await operator.call('vm.undefine', { vm: 'api1' });
    await assert.rejects(viewer.call('vm.info', { vm: 'api1' }), { http: 404, exit: 'notFound' });
  });
});
