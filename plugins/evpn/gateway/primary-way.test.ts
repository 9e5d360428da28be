import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import type { Runtime } from '../../../core/plugin/api.ts';
import type { AnycastGateway } from '../links/anycast-plan.ts';
import { PrimaryWay, wayLines } from './primary-way.ts';

function setUp() {
  const host = createVirtualHost();
  const world = { primary: 'hv2' as string | undefined, fails: false, reads: 0 };
  const told: string[] = [];
  host.processes.on(['bridge', '-force', '-batch', '-'], ({ options: { input } }) => {
    told.push(String(input));
    return world.fails ? { code: 1, stderr: 'Cannot find device "pvcx100"' } : {};
  });
  const documents = {
    store: {
      read: async () => {
        world.reads += 1;
        return world.primary === undefined ? undefined : { value: world.primary };
      },
    },
    get: async (_kind: unknown, node: string) => ({ spec: { address: `10.10.0.1${node.slice(2)}` } }),
  };
  const anycast = new Map<string, AnycastGateway>([['100', { addresses: [], routes: [] }]]);
  const runtime = { host, node: 'hv1', documents, signal: AbortSignal.any([]) } as unknown as Runtime;
  return { host, world, told, anycast, way: new PrimaryWay(runtime, { anycast }) };
}

describe('the way to the primary', () => {
  it('leads to another node, or ends on this one', () => {
    assert.equal(
      wayLines(['100', '200'], '10.10.0.12'),
      'fdb replace 02:70:00:00:00:02 dev pvcx100 dst 10.10.0.12 self master static\nfdb replace 02:70:00:00:00:02 dev pvcx200 dst 10.10.0.12 self master static\n',
    );
    assert.equal(wayLines(['100'], undefined), 'fdb replace 02:70:00:00:00:02 dev pvcn100 self permanent\n');
    assert.equal(wayLines([], undefined), '');
  });

  it('is written down when the role has moved, and once in a while', async () => {
    const { host, world, told, way } = setUp();
    await way.look();
    await way.look();
    assert.deepEqual(told, [wayLines(['100'], '10.10.0.12')]);
    world.primary = undefined;
    await way.look();
    assert.equal(told.length, 1, 'the last one may be primary again');
    world.primary = 'hv1';
    await way.look();
    assert.equal(told.at(-1), wayLines(['100'], undefined));
    await host.clock.advance(6_000);
    await way.look();
    assert.equal(told.length, 3);
  });

  it('is written down again at once where a device was away', async () => {
    const { world, told, way } = setUp();
    world.fails = true;
    await way.look();
    world.fails = false;
    await way.look();
    await way.look();
    assert.equal(told.length, 2);
  });

  it('asks nobody where there is no such network', async () => {
    const { world, told, anycast, way } = setUp();
    anycast.clear();
    await way.look();
    assert.deepEqual([told, world.reads], [[], 0]);
  });
});
