import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeToken, parseToken, secretMatches } from '../cluster/token.ts';
import { token as tokenKind } from '../cluster/token-kind.ts';
import { seededRandom } from '../host/seeded-random.ts';
import type { VirtualClock } from '../host/virtual-clock.ts';
import { audit } from '../operation/audit.ts';
import { FailureLimit } from './failure-limit.ts';
import { createSampleApi, json } from './testing/sample-api.ts';

interface Made {
  result: { id: string; name: string; token: string | null; expiresMs: number | null };
  warnings: string[];
}

const make = async (api: ReturnType<typeof createSampleApi>, body: object): Promise<Made> => {
  const answer = await api.ask('/api/v1/tokens', json('POST', body));
  assert.equal(answer.status, 200);
  return (await answer.json()) as Made;
};

const bear = (api: ReturnType<typeof createSampleApi>, authorization: string): Promise<Response> =>
  api.ask('/api/v1', { headers: { authorization } }, { door: 'https', remote: '10.0.0.1' });

describe('tokens', () => {
  it('are shown once, work, and are nowhere in the store or the log', async () => {
    const api = createSampleApi();
    const { result } = await make(api, { name: 'grafana', role: 'viewer' });
    const text = result.token ?? '';
    assert.match(text, /^pvc_[0-9a-z]{12}_[A-Za-z0-9_-]{43}$/);
    const answer = await bear(api, `bearer  ${text}`);
    assert.equal(answer.status, 200);
    assert.deepEqual(((await answer.json()) as { actor: object }).actor, {
      name: 'grafana',
      role: 'viewer',
      via: 'https',
    });
    const secret = parseToken(text)?.secret ?? 'none';
    const stored = JSON.stringify([
      await api.documents.list(tokenKind),
      await api.documents.list(audit),
      await (await api.ask('/api/v1/tokens')).json(),
    ]);
    assert.ok(!stored.includes(secret));
    assert.ok(!api.host.logLines.join('\n').includes(secret));
  });

  it('show no secret in a plan', async () => {
    const api = createSampleApi();
    const answer = await api.ask('/api/v1/tokens?plan=true', json('POST', { name: 'grafana' }));
    const { plan } = (await answer.json()) as { plan: { result: { token: null } } };
    assert.equal(plan.result.token, null);
    assert.deepEqual(await api.documents.list(tokenKind), []);
  });

  it('get one same refusal whether unknown, wrong, malformed or expired', async () => {
    const api = createSampleApi();
    const { result } = await make(api, { name: 'short', role: 'admin', expires: '2h' });
    const good = result.token ?? '';
    assert.equal((await bear(api, `Bearer ${good}`)).status, 200);
    const clock = api.host.clock as VirtualClock;
    assert.equal(result.expiresMs, clock.wallMs() + 7_200_000);
    const other = makeToken((length) => seededRandom(9).bytes(length), {
      name: 'x',
      role: 'admin',
      nowMs: 0,
      createdBy: 'test',
    }).text;
    const wrong = `${good.slice(0, 20)}${good.charAt(20) === 'A' ? 'B' : 'A'}${good.slice(21)}`;
    const bodies = new Set<string>();
    const refuse = async (authorization: string): Promise<void> => {
      const answer = await bear(api, authorization);
      assert.equal(answer.status, 401, authorization);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="pvc", error="invalid_token"');
      bodies.add(JSON.stringify({ ...((await answer.json()) as object), instance: '' }));
    };
    await refuse(`Bearer ${other}`);
    await refuse(`Bearer ${wrong}`);
    await refuse(`Bearer ${good}x`);
    await refuse(`Basic ${good}`);
    await refuse(good);
    await refuse('');
    clock.stepWall(7_200_000);
    await refuse(`Bearer ${good}`);
    assert.equal(bodies.size, 1);
  });

  it('are refused as soon as they are removed, and the last administrator is warned', async () => {
    const api = createSampleApi();
    const first = await make(api, { name: 'boss', role: 'admin' });
    await make(api, { name: 'late', role: 'admin', expires: '1h' });
    const remove = async (path: string): Promise<string[]> => {
      const answer = await api.ask(`/api/v1/tokens/${path}`, { method: 'DELETE' });
      assert.equal(answer.status, 200);
      return ((await answer.json()) as Made).warnings;
    };
    assert.deepEqual(await remove('late'), []);
    assert.equal((await bear(api, `Bearer ${first.result.token}`)).status, 200);
    assert.match((await remove(first.result.id)).join(), /No token of an administrator is left/);
    assert.equal((await bear(api, `Bearer ${first.result.token}`)).status, 401);
    assert.equal((await api.ask('/api/v1/tokens/boss', { method: 'DELETE' })).status, 404);
  });

  it('have names of their own and spans that make sense', async () => {
    const api = createSampleApi();
    await make(api, { name: 'one' });
    const twice = await api.ask('/api/v1/tokens', json('POST', { name: 'one' }));
    assert.equal(twice.status, 409);
    for (const expires of ['0d', '1', 'd', '-1d', '1s', '1d1h', '']) {
      assert.equal((await api.ask('/api/v1/tokens', json('POST', { name: 'two', expires }))).status, 422, expires);
    }
  });

  it('match their own hash only', () => {
    const one = makeToken((length) => seededRandom(1).bytes(length), {
      name: 'x',
      role: 'admin',
      nowMs: 0,
      createdBy: 'test',
    });
    const secret = parseToken(one.text)?.secret ?? '';
    assert.equal(secretMatches(secret, one.spec.hash), true);
    assert.equal(secretMatches(`${secret.slice(1)}A`, one.spec.hash), false);
    assert.equal(secretMatches(secret, undefined), false);
  });
});

describe('FailureLimit', () => {
  const at = { nowMs: 0 };
  const limitOf = () =>
    new FailureLimit({ monotonicMs: () => at.nowMs }, { failures: 2, windowMs: 1000, addresses: 3 });

  it('blocks an address until its window ends', () => {
    const limit = limitOf();
    limit.failed('10.0.0.1');
    assert.equal(limit.blockedMs('10.0.0.1'), 0);
    at.nowMs = 400;
    limit.failed('::ffff:10.0.0.1');
    assert.equal(limit.blockedMs('10.0.0.1'), 600);
    assert.equal(limit.blockedMs('10.0.0.2'), 0);
    at.nowMs = 1000;
    assert.equal(limit.blockedMs('10.0.0.1'), 0);
  });

  it('takes a /64 of IPv6 for one', () => {
    const limit = limitOf();
    limit.failed('2001:db8::1');
    limit.failed('2001:db8:0:0:ffff::2');
    assert.ok(limit.blockedMs('2001:db8::3') > 0);
    assert.equal(limit.blockedMs('2001:db8:0:1::3'), 0);
  });

  it('remembers no more addresses than it may', () => {
    const limit = limitOf();
    for (let index = 0; index < 100; index += 1) limit.failed(`10.0.0.${index}`);
    assert.equal(limit.size, 3);
  });
});
