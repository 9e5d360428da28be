import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { openDoors } from '../../test/fixtures/api-doors.ts';
import { listenHttps } from '../api/listen.ts';
import { makeCa, makeNodeCertificate } from '../cluster/certificate.ts';
import { hostError } from '../host/errors.ts';
import { linuxClock } from '../host/linux-clock.ts';
import { linuxNet } from '../host/linux-net.ts';
import { createPeers } from './peer-reach.ts';

const net = linuxNet(linuxClock);

/** The daemon of hv1, and how hv2 asks it. */
async function setUp(test: TestContext) {
  const doors = await openDoors(test);
  await doors.renew();
  const listener = await listenHttps({
    ...doors.parts,
    address: '127.0.0.1',
    port: 0,
    certFile: doors.certFile,
    keyFile: doors.keyFile,
    authority: doors.ca.cert,
  });
  test.after(() => listener.close());
  const identityOf = async (ca = doors.ca) => {
    const pair = await makeNodeCertificate(ca, {
      name: 'hv2',
      addresses: ['127.0.0.1'],
      dnsNames: ['hv2'],
      nowMs: Date.now(),
    });
    return { ...pair, authority: doors.ca.cert };
  };
  const ask = (
    identity: Awaited<ReturnType<typeof identityOf>> | undefined,
    port = listener.address.split(':').at(-1),
  ) =>
    createPeers({ net, port: Number(port), servers: async () => [], identity: async () => identity }).ask(
      { node: 'hv1', address: '127.0.0.1' },
      AbortSignal.timeout(10_000),
    );
  return { identityOf, ask, port: Number(listener.address.split(':').at(-1)) };
}

describe('asking a coordinator whether it reaches the store', () => {
  it('is answered to a node of the cluster', async (test) => {
    const { ask, identityOf } = await setUp(test);
    assert.deepEqual(await ask(await identityOf()), { node: 'hv1', session: 'live', leaseLeftMs: 4_200 });
  });

  it('is not answered to a stranger', async (test) => {
    const { ask, identityOf } = await setUp(test);
    const stranger = await identityOf(await makeCa({ name: 'other', nowMs: Date.now() }));
    await assert.rejects(ask(stranger), /it answers 403/);
  });

  it('fails where nobody listens, and without a certificate', async (test) => {
    const { ask, identityOf } = await setUp(test);
    await assert.rejects(ask(await identityOf(), '1'), /ECONNREFUSED/);
    await assert.rejects(ask(undefined), /no certificate/);
  });
});

describe('knocking at a machine', () => {
  const answers = (port: number, through = net) =>
    createPeers({ net: through, port, servers: async () => [], identity: async () => undefined }).answers(
      { node: 'hv1', address: '127.0.0.1' },
      5_000,
    );

  it('is answered where the daemon listens, and where the machine says that nobody does', async (test) => {
    const { port } = await setUp(test);
    assert.equal(await answers(port), true);
    assert.equal(await answers(1), true);
  });

  for (const [why, cause] of [
    ['nothing comes back', undefined],
    ['there is no way', Object.assign(new Error('no way'), { code: 'EHOSTUNREACH' })],
    ['the own link is down', Object.assign(new Error('down'), { code: 'ENETUNREACH' })],
  ] as const)
    it(`is not answered where ${why}`, async () => {
      const connect = () => Promise.reject(hostError('CONNECT_FAILED', { target: 'hv1', reason: why }, { cause }));
      assert.equal(await answers(1, { connect }), false);
    });
});
