import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { withCode } from '../../test/fixtures/expect.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { cluster } from '../model/cluster-kind.ts';
import { node } from '../model/node-kind.ts';
import type { ShapeLevels } from '../model/shapes.ts';
import { Executor } from '../operation/execute.ts';
import type { Actor } from '../operation/operation.ts';
import { OperationRegistry } from '../operation/registry.ts';
import { Documents } from '../store/documents.ts';
import { createMemoryStore } from '../store/memory.ts';
import { fingerprint, makeCa, makeRequest } from './certificate.ts';
import { joinOperations } from './join-operations.ts';
import { parseJoinToken } from './join-token.ts';
import { checkFloating, inNetwork, ownAddress } from './own-address.ts';
import { parseToken } from './token.ts';
import { token } from './token-kind.ts';

const admin: Actor = { name: 'root', role: 'admin', via: 'socket' };
const nowMs = Date.UTC(2030, 0, 1);

async function setUp(network = true) {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const ca = await makeCa({ name: 'lab', nowMs });
  const { ops } = documents.commitOf([
    {
      do: 'create',
      kind: cluster,
      id: 'cluster',
      spec: {
        name: 'lab',
        createdMs: 0,
        maintenance: false,
        authority: ca.cert,
        ...(network ? { networks: { cluster: { cidr: '10.0.0.0/24', floating: '10.0.0.10' } } } : {}),
      },
    },
    {
      do: 'create',
      kind: node,
      id: 'hv1',
      spec: {
        role: 'coordinator',
        domainState: 'ready',
        ...(network ? { address: '10.0.0.11', server: 1 } : {}),
      },
    },
  ]);
  await documents.store.commit(ops);
  const registry = new OperationRegistry();
  const operations = joinOperations({
    port: 7370,
    authority: async () => ca,
    secret: async () => 's3cret',
    servers: async () => [{ id: 1, node: 'hv1', address: '10.0.0.11', clientPort: 2181 }],
  });
  for (const operation of operations) registry.add('core', operation);
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined });
  const mutate = async (name: string, input: unknown, actor: Actor): Promise<unknown> => {
    const operation = registry.get(name);
    assert.ok(operation.type === 'mutation');
    return (await executor.mutate(operation, input, actor)).result;
  };
  /** A token, and the actor that its bearer is. */
  const newToken = async (input: Record<string, unknown> = {}) => {
    const made = (await mutate('node.token', input, admin)) as { token: string };
    const parsed = parseJoinToken(made.token);
    const doc = await documents.need(token, parseToken(parsed.token)?.id ?? '');
    const actor: Actor = { name: doc.spec.name, role: 'join', via: 'https' };
    return { parsed, actor };
  };
  const join = (actor: Actor, name: string, address: string, request: string, shapes?: ShapeLevels) =>
    mutate('node.join', { node: name, address, request, shapes }, actor);
  const credentials = async (actor: Actor, request: string) => {
    const operation = registry.get('node.credentials');
    assert.ok(operation.type === 'query');
    return (await executor.query(
      operation,
      { request, addresses: ['10.0.0.12', '192.0.2.7'] },
      actor,
      new AbortController().signal,
    )) as { certificate: string; authorityKey: string | null; secret: string };
  };
  return { documents, ca, newToken, join, credentials };
}

describe('a machine with a join token', () => {
  it('becomes a node, and is certified for its own key, under the name and addresses that the cluster knows', async () => {
    const { newToken, join, credentials, documents, ca } = await setUp();
    const { parsed, actor } = await newToken({ role: 'coordinator' });
    assert.deepEqual([parsed.urls, parsed.ca], [['https://10.0.0.11:7370'], fingerprint(ca.cert)]);
    const { request } = await makeRequest('whatever-it-says');
    assert.deepEqual(await join(actor, 'hv2', '10.0.0.12', request), {
      node: 'hv2',
      role: 'coordinator',
      address: '10.0.0.12',
      server: 2,
    });
    assert.deepEqual((await documents.need(node, 'hv2')).spec, {
      role: 'coordinator',
      domainState: 'ready',
      address: '10.0.0.12',
      server: 2,
    });
    const member = await credentials(actor, request);
    const certificate = new X509Certificate(member.certificate);
    assert.equal(certificate.subject, 'CN=hv2');
    assert.match(certificate.subjectAltName ?? '', /10\.0\.0\.12.*192\.0\.2\.7/);
    assert.ok(certificate.verify(new X509Certificate(ca.cert).publicKey));
    assert.equal(member.secret, 's3cret');
    assert.ok(member.authorityKey?.includes('PRIVATE KEY'));
  });

  it('never gets the number of a server that was removed', async () => {
    const { newToken, join, documents } = await setUp();
    const first = await newToken({ role: 'coordinator' });
    await join(first.actor, 'hv2', '10.0.0.12', (await makeRequest('hv2')).request);
    const { ops } = documents.commitOf([{ do: 'remove', kind: node, before: await documents.need(node, 'hv2') }]);
    await documents.store.commit(ops);
    const second = await newToken({ role: 'coordinator' });
    await join(second.actor, 'hv4', '10.0.0.14', (await makeRequest('hv4')).request);
    assert.equal((await documents.need(node, 'hv4')).spec.server, 3);
  });

  it('gets no key of the authority as a hypervisor', async () => {
    const { newToken, join, credentials } = await setUp();
    const { actor } = await newToken();
    const { request } = await makeRequest('hv2');
    await join(actor, 'hv2', '10.0.0.12', request);
    assert.equal((await credentials(actor, request)).authorityKey, null);
  });

  it('may go on with the same key when it was cut off; another machine may not', async () => {
    const { newToken, join, credentials } = await setUp();
    const { actor } = await newToken();
    const own = await makeRequest('hv2');
    const other = await makeRequest('hv2');
    await join(actor, 'hv2', '10.0.0.12', own.request);
    const again = await makeRequest('hv2', own.key);
    await join(actor, 'hv2', '10.0.0.12', again.request);
    await credentials(actor, again.request);
    await assert.rejects(join(actor, 'hv2', '10.0.0.12', other.request), withCode('JOIN_REFUSED'));
    await assert.rejects(join(actor, 'hv3', '10.0.0.13', own.request), withCode('JOIN_REFUSED'));
    await assert.rejects(credentials(actor, other.request), withCode('JOIN_REFUSED'));
  });

  for (const [what, name, address, reason] of [
    ['the name of a node', 'hv1', '10.0.0.12', /node of that name/],
    ['an address of a node', 'hv2', '10.0.0.11', /is the address of hv1/],
    ['the floating address', 'hv2', '10.0.0.10', /is the floating address/],
    ['an address elsewhere', 'hv2', '192.0.2.1', /is not in 10\.0\.0\.0\/24/],
  ] as const) {
    it(`is refused with ${what}, and the token stays good`, async () => {
      const { newToken, join } = await setUp();
      const { actor } = await newToken();
      const { request } = await makeRequest('x');
      await assert.rejects(
        join(actor, name, address, request),
        (error: Error) => withCode('JOIN_REFUSED')(error) && reason.test(error.message),
      );
      await join(actor, 'hv5', '10.0.0.15', request);
    });
  }

  it('is the node that it was, having lost all that it knew, while that one’s daemon does not run', async () => {
    const { newToken, join, credentials, documents } = await setUp();
    const first = await newToken({ node: 'hv2' });
    await join(first.actor, 'hv2', '10.0.0.12', (await makeRequest('hv2')).request);
    await assert.rejects(newToken({ node: 'hv2' }), withCode('OBJECT_EXISTS'));
    await assert.rejects(newToken({ again: true }), withCode('JOIN_AGAIN'));
    await assert.rejects(newToken({ node: 'hv2', role: 'coordinator', again: true }), withCode('JOIN_AGAIN'));
    const before = await documents.need(node, 'hv2');
    const { actor } = await newToken({ node: 'hv2', again: true });
    const { request } = await makeRequest('hv2');
    const refused = (reason: RegExp) => (error: Error) => withCode('JOIN_REFUSED')(error) && reason.test(error.message);
    await assert.rejects(join(actor, 'hv2', '10.0.0.13', request), refused(/has the address 10\.0\.0\.12/));
    await documents.store.commit([{ op: 'create', key: '/alive/hv2', value: '1' }]);
    await assert.rejects(join(actor, 'hv2', '10.0.0.12', request), refused(/daemon of the node .* runs/));
    await documents.store.commit([{ op: 'delete', key: '/alive/hv2', version: undefined }]);
    await join(actor, 'hv2', '10.0.0.12', request);
    await credentials(actor, request);
    assert.deepEqual(await documents.need(node, 'hv2'), before);
    await assert.rejects(join(actor, 'hv2', '10.0.0.12', (await makeRequest('hv2')).request), refused(/used already/));
    const coordinator = await newToken({ node: 'hv1', again: true });
    await assert.rejects(join(coordinator.actor, 'hv1', '10.0.0.11', request), refused(/is a coordinator/));
  });

  it('is refused when its PVC does not understand what the cluster writes by now', async () => {
    const { newToken, join, documents } = await setUp();
    const before = await documents.need(cluster, 'cluster');
    const agreed = documents.commitOf([
      { do: 'spec', kind: cluster, before, spec: { ...before.spec, shapes: { vm: 2, node: 1 } } },
    ]);
    assert.equal((await documents.store.commit(agreed.ops)).outcome, 'ok');
    const { actor } = await newToken();
    const { request } = await makeRequest('hv2');
    const tooOld = (error: Error) => withCode('JOIN_REFUSED')(error) && /too old.*vm \(shape 2/.test(error.message);
    await assert.rejects(join(actor, 'hv2', '10.0.0.12', request, { vm: 1, node: 1 }), tooOld);
    await assert.rejects(join(actor, 'hv2', '10.0.0.12', request), tooOld);
    const { specVersion } = await documents.need(cluster, 'cluster');
    await join(actor, 'hv2', '10.0.0.12', request, { vm: 2, node: 3 });
    // Whoever raises the shapes at this moment, without having asked the newcomer, must fail.
    assert.notEqual((await documents.need(cluster, 'cluster')).specVersion, specVersion);
  });

  it('is refused under another name than the token is for, and with a request that is none', async () => {
    const { newToken, join } = await setUp();
    const { actor } = await newToken({ node: 'hv7' });
    const { request } = await makeRequest('hv2');
    await assert.rejects(join(actor, 'hv2', '10.0.0.12', request), withCode('JOIN_REFUSED'));
    await assert.rejects(join(actor, 'hv7', '10.0.0.17', 'nonsense'), withCode('JOIN_REFUSED'));
    await join(actor, 'hv7', '10.0.0.17', request);
  });

  it('is refused without a join token, and may do nothing else with one', async () => {
    const { join, newToken } = await setUp();
    const { request } = await makeRequest('hv2');
    await assert.rejects(join(admin, 'hv2', '10.0.0.12', request), withCode('JOIN_REFUSED'));
    const { actor } = await newToken();
    assert.equal(actor.role, 'join');
  });

  it('cannot join a cluster that was made for one node', async () => {
    const { newToken } = await setUp(false);
    await assert.rejects(newToken(), withCode('CLUSTER_CANNOT_GROW'));
  });
});

describe('join tokens as text', () => {
  it('are refused when cut, mistyped or something else, without being repeated', () => {
    for (const text of ['', 'pvcjoin_', 'pvcjoin_e30', 'pvc_abc', 'pvcjoin_%%%'])
      assert.throws(
        () => parseJoinToken(text),
        (error: Error) => withCode('JOIN_TOKEN_INVALID')(error) && (text === '' || !error.message.includes(text)),
      );
  });
});

describe('the own address', () => {
  it('is the one in the cluster network', () => {
    assert.equal(ownAddress('10.0.0.0/24', ['127.0.0.1', '10.0.0.11', '192.0.2.1', 'fe80::1']), '10.0.0.11');
    assert.equal(ownAddress('fd00::/64', ['10.0.0.11', 'fd00::7']), 'fd00::7');
  });

  it('is asked for when there are several, and must be one of them', () => {
    const all = ['10.0.0.11', '10.0.0.12'];
    assert.throws(() => ownAddress('10.0.0.0/24', all), withCode('ADDRESS_SEVERAL'));
    assert.equal(ownAddress('10.0.0.0/24', all, '10.0.0.12'), '10.0.0.12');
    assert.throws(() => ownAddress('10.0.0.0/24', all, '10.0.0.13'), withCode('ADDRESS_NONE'));
    assert.throws(() => ownAddress('10.9.0.0/24', all), withCode('ADDRESS_NONE'));
  });

  it('is never the floating one, which must fit', () => {
    assert.equal(ownAddress('10.0.0.0/24', ['10.0.0.10', '10.0.0.11'], undefined, '10.0.0.10'), '10.0.0.11');
    assert.throws(() => checkFloating('10.0.0.0/24', '10.0.1.10', []), withCode('FLOATING_UNFIT'));
    assert.throws(() => checkFloating('10.0.0.0/24', '10.0.0.11', ['10.0.0.11']), withCode('FLOATING_UNFIT'));
    assert.ok(inNetwork('10.0.0.0/8', '10.200.0.1') && !inNetwork('10.0.0.0/8', 'fd00::1'));
  });
});
