import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import type { LeasedAddress, Runtime } from '../../../core/plugin/api.ts';
import type { Links } from '../links/links.ts';
import { Gateways } from './gateways.ts';

const spec = { ipv4: { prefix: '10.20.0.0/24', gateway: '10.20.0.1' } };

/** Gateways on a node of which everything else is pretended. */
function setUp() {
  const host = createVirtualHost();
  const world = {
    networks: [{ id: '100', spec }],
    bridges: ['pvcn100'],
    /** What nft says, if it fails. */
    nft: undefined as string | undefined,
    /** Resolves when a look may go on. */
    look: Promise.resolve(),
    open: [] as readonly LeasedAddress[],
    faults: new Map<string, string>(),
    /** What is set; undefined: nothing is kept. */
    set: undefined as readonly LeasedAddress[] | undefined,
  };
  let wanted = async (): Promise<readonly LeasedAddress[]> => [];
  let trouble = (_reason: string | undefined): void => {};
  const renew = async (): Promise<void> => {
    world.set = await wanted();
    trouble(undefined);
  };
  const runtime = {
    host,
    node: 'hv1',
    documents: { list: async () => world.networks },
    faults: {
      raise: (id: string, { message }: { message: string }) => void world.faults.set(id, message),
      clear: (id: string) => void world.faults.delete(id),
    },
    leaseAddresses: (set: Parameters<Runtime['leaseAddresses']>[0]) => {
      wanted = set.wanted;
      trouble = set.trouble;
      return {
        held: [],
        take: renew,
        refresh: renew,
        drop: async () => {
          world.set = undefined;
          trouble(undefined);
        },
      };
    },
  } as unknown as Runtime;
  const links = {
    own: async () => {
      await world.look;
      return world.bridges.map((ifname) => ({ ifname, flags: ['UP'] }));
    },
    open: async (addresses: readonly LeasedAddress[]) => void (world.open = addresses),
    close: async () => void (world.open = []),
  } as unknown as Links;
  const firewall = {
    shut: async () => {
      if (world.nft !== undefined) throw new Error(world.nft);
    },
  };
  const addresses = () => world.set?.map(({ address }) => address);
  return { host, world, gateways: new Gateways(runtime, links, firewall, { look: async () => {} }, []), addresses };
}

describe('the gateways of a node', () => {
  it('are there while it is primary', async () => {
    const { world, gateways, addresses } = setUp();
    assert.equal(addresses(), undefined);
    await gateways.take();
    assert.deepEqual(addresses(), ['10.20.0.1/24']);
    assert.deepEqual(world.open, [{ device: 'pvcn100', address: '10.20.0.1/24' }]);
    await gateways.leave();
    assert.deepEqual([addresses(), world.open], [undefined, []]);
    await gateways.leave();
  });

  it('follow the networks, told or not', async () => {
    const { host, world, gateways, addresses } = setUp();
    await gateways.take();
    world.networks = [];
    await host.clock.advance(5_000);
    assert.deepEqual(addresses(), []);
    world.networks = [{ id: '100', spec }];
    gateways.changed();
    await host.clock.advance(10);
    assert.deepEqual(addresses(), ['10.20.0.1/24']);
    await gateways.leave();
  });

  it('wait for a bridge that is on its way', async () => {
    const { host, world, gateways, addresses } = setUp();
    world.bridges = [];
    await gateways.take();
    assert.deepEqual(addresses(), []);
    world.bridges = ['pvcn100'];
    await host.clock.advance(1_000);
    assert.deepEqual(addresses(), ['10.20.0.1/24']);
    await gateways.leave();
  });

  it('are none where the firewall cannot be, and a fault says why until it can', async () => {
    const { host, world, gateways, addresses } = setUp();
    world.nft = 'nft is not installed';
    await gateways.take();
    assert.deepEqual(addresses(), []);
    assert.match([...world.faults.values()].join(), /could not be set up on hv1: nft is not installed/);
    world.nft = undefined;
    await host.clock.advance(5_000);
    assert.deepEqual([addresses(), world.faults.size], [['10.20.0.1/24'], 0]);
    world.nft = 'nft hangs';
    await host.clock.advance(5_000);
    assert.deepEqual(addresses(), ['10.20.0.1/24'], 'what is there stays');
    await gateways.leave();
    assert.equal(world.faults.size, 0);
  });

  it('are not taken when the role has gone while it looked', async () => {
    const { world, gateways, addresses } = setUp();
    const gate = Promise.withResolvers<void>();
    world.look = gate.promise;
    const taking = gateways.take();
    await gateways.leave();
    gate.resolve();
    await taking;
    assert.equal(addresses(), undefined);
    assert.deepEqual(world.open, []);
  });
});
