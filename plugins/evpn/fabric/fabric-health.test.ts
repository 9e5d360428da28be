import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cluster, clusterId, node, type Runtime } from '../../../core/plugin/api.ts';
import { evpnConfig } from '../config.ts';
import { network } from '../network/network-kind.ts';
import { FabricHealth } from './fabric-health.ts';
import { fabricMetrics } from './fabric-metrics.ts';
import type { Frr } from './frr.ts';

const addresses: Readonly<Record<string, string>> = { hv1: '10.10.0.11', hv2: '10.10.0.12', hv3: '10.10.0.13' };

function setUp(bfd: boolean) {
  const world: { heard: string[]; watched: string[] | undefined } = {
    heard: ['10.10.0.12', '10.10.0.13'],
    watched: ['10.10.0.12', '10.10.0.13'],
  };
  const documents = {
    get: async (kind: unknown, id: string) =>
      kind === cluster && id === clusterId && { spec: { networks: { cluster: { cidr: '10.10.0.0/24' } } } },
    list: async (kind: unknown) => {
      if (kind === network) return [{ id: '10000', spec: { type: 'managed' } }];
      assert.equal(kind, node);
      return Object.entries(addresses).map(([id, address]) => ({ id, spec: { role: 'coordinator', address } }));
    },
    store: { children: async () => Object.keys(addresses) },
  };
  const frr = {
    serving: true,
    sessions: async () => world.heard.map((address) => ({ address, established: true, dynamic: false })),
    watched: async () => world.watched && new Set(world.watched),
  };
  const health = new FabricHealth(
    { documents, node: 'hv1' } as unknown as Runtime,
    evpnConfig.parse({ bfd }),
    frr as unknown as Frr,
  );
  const look = async () => (await health.check().run(new AbortController().signal))?.message;
  const figures = () => Promise.all(fabricMetrics(health).map(async ({ collect }) => (await collect())[0]?.value));
  return { world, look, figures };
}

describe('nodes that hear each other', () => {
  it('are no trouble, and counted', async () => {
    const { look, figures } = setUp(false);
    await look();
    assert.equal(await look(), undefined);
    assert.deepEqual(await figures(), [2, 2, undefined]);
  });

  it('are a trouble when BFD does not see one twice in a row', async () => {
    const { world, look, figures } = setUp(true);
    world.watched = ['10.10.0.13', '10.10.2.1'];
    assert.equal(await look(), undefined);
    assert.match((await look()) ?? '', /^hv1 does not see hv2 by BFD\. /);
    assert.deepEqual(await figures(), [2, 2, 1]);
    world.watched = undefined;
    assert.match((await look()) ?? '', /^hv1 does not see hv2 by BFD\. /);
    assert.match((await look()) ?? '', /^hv1 does not see hv2, hv3 by BFD\. /);
    world.watched = ['10.10.0.12', '10.10.0.13'];
    assert.equal(await look(), undefined);
  });

  it('are a trouble when there is no session, whatever BFD says', async () => {
    const { world, look, figures } = setUp(true);
    world.heard = ['10.10.0.12'];
    world.watched = ['10.10.0.12'];
    await look();
    assert.match((await look()) ?? '', /^hv1 has no BGP session with hv3\. /);
    assert.deepEqual(await figures(), [2, 1, 1]);
  });
});
