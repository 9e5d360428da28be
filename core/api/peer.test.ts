import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withCode } from '../../test/fixtures/expect.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { node } from '../model/node-kind.ts';
import { Documents } from '../store/documents.ts';
import { createMemoryStore } from '../store/memory.ts';
import { createAuthenticate } from './authenticate.ts';

async function setUp() {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const { ops } = documents.commitOf([
    { do: 'create', kind: node, id: 'hv2', spec: { role: 'hypervisor', domainState: 'ready' } },
  ]);
  await documents.store.commit(ops);
  const authenticate = createAuthenticate({ documents, clock: host.clock, log: host.log });
  return (peer: string | undefined, onBehalf: string) =>
    authenticate({ door: 'https', remote: '10.0.0.2', authorization: undefined, peer, onBehalf });
}

const actor = { name: 'alice', role: 'operator', via: 'https' } as const;

describe('a node that asks for somebody', () => {
  it('is believed when its certificate is that of a node of the cluster', async () => {
    const ask = await setUp();
    assert.deepEqual(await ask('hv2', JSON.stringify(actor)), actor);
  });

  for (const [what, peer, onBehalf] of [
    ['without a certificate', undefined, JSON.stringify(actor)],
    ['whose node was removed', 'hv9', JSON.stringify(actor)],
    ['for nobody', 'hv2', ''],
    ['for a role that there is not', 'hv2', JSON.stringify({ ...actor, role: 'god' })],
    ['with something else in it', 'hv2', JSON.stringify({ ...actor, more: 1 })],
  ] as const) {
    it(`is refused ${what}`, async () => {
      const ask = await setUp();
      await assert.rejects(ask(peer, onBehalf), withCode('PEER_UNKNOWN'));
    });
  }
});
