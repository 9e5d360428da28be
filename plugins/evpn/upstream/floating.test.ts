import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import type { LeasedAddress, Runtime } from '../../../core/plugin/api.ts';
import { FloatingUpstream } from './floating.ts';

const shown = (...addresses: string[]): string =>
  JSON.stringify([
    { ifname: 'eno2', addr_info: addresses.map((local) => ({ local, prefixlen: 24, scope: 'global' })) },
  ]);

/** A node whose addresses are pretended. */
function setUp(floating: readonly string[]) {
  const host = createVirtualHost();
  const faults = new Map<string, string>();
  const world = { set: undefined as readonly LeasedAddress[] | undefined };
  let how: Parameters<Runtime['leaseAddresses']>[0] | undefined;
  const renew = async (): Promise<void> => {
    try {
      world.set = await how?.wanted();
      how?.trouble(undefined);
    } catch (error) {
      how?.trouble((error as Error).message);
    }
  };
  const runtime = {
    host,
    node: 'hv1',
    faults: {
      raise: (id: string, { message }: { message: string }) => void faults.set(id, message),
      clear: (id: string) => void faults.delete(id),
    },
    leaseAddresses(set: Parameters<Runtime['leaseAddresses']>[0]) {
      how = set;
      return {
        held: [],
        take: renew,
        refresh: renew,
        drop: async () => {
          world.set = undefined;
          how?.trouble(undefined);
        },
      };
    },
  } as unknown as Runtime;
  const said = () => [...faults.values()];
  return { host, world, said, renew, floating: new FloatingUpstream(runtime, floating), announce: () => how?.announce };
}

const held = { device: 'eno2', address: '198.51.100.10/32' };

describe('floating addresses of the site', () => {
  it('come and go with the role, and are told to the neighbours', async () => {
    const { host, world, said, floating, announce } = setUp(['198.51.100.10']);
    host.processes.on(['ip'], { stdout: shown('198.51.100.11') });
    host.processes.on(['arping'], {});
    await floating.take();
    assert.deepEqual([world.set, said()], [[held], []]);
    await announce()?.([held]);
    assert.match(host.processes.calls.at(-1)?.argv.join(' ') ?? '', /^arping .*-i eno2 198\.51\.100\.10$/);
    await floating.leave();
    assert.equal(world.set, undefined);
  });

  it('are a fault of the primary alone while one has no place', async () => {
    const { host, world, said, renew, floating } = setUp(['198.51.100.10', '203.0.113.10']);
    host.processes.on(['ip'], { stdout: shown('198.51.100.11') });
    await floating.take();
    assert.deepEqual(world.set, [held]);
    assert.match(
      said().join(),
      /not on hv1, which is primary: no link has an address in the network of 203\.0\.113\.10/,
    );
    host.processes.on(['ip'], { code: 1, stderr: 'no memory' });
    await renew();
    assert.match(said().join(), /no memory/);
    await floating.leave();
    assert.deepEqual(said(), []);
  });

  it('cost nothing where there are none', async () => {
    const { host, world, floating } = setUp([]);
    await floating.take();
    assert.deepEqual([world.set, host.processes.calls.length], [[], 0]);
  });
});
