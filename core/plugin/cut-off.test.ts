import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeStatus } from '../../test/fixtures/node-status.ts';
import { cutOffController } from '../cluster/fence/cut-off-controller.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { cutOff, cutOffId } from '../model/cut-off-kind.ts';
import { aliveKey, node as nodeKind } from '../model/node-kind.ts';
import { Documents, type Write } from '../store/documents.ts';
import { createMemoryStore } from '../store/memory.ts';
import * as api from './api.ts';
import { endCutOff, forgetCutOff } from './cut-off.ts';
import type { IsolationEnd } from './fence-hooks.ts';
import { Plugins } from './plugin.ts';

const about = { node: 'hv2', by: 'ceph', resources: ['pool:vms'], mark: 'first' };
const id = cutOffId('hv2', 'ceph');

interface World {
  readonly alive?: boolean;
  /** Kinds that the node knows. */
  readonly shapes?: Readonly<Record<string, number>>;
}

/** hv2, with one plugin that has something to end there. */
async function setUp({ alive = true, shapes = { 'cut-off': 1 } }: World = {}) {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const write = async (writes: readonly Write[]): Promise<void> =>
    assert.equal((await documents.store.commit(documents.commitOf(writes).ops)).outcome, 'ok');
  const spec = { role: 'hypervisor', domainState: 'ready' } as const;
  await write([{ do: 'create', kind: nodeKind, id: 'hv2', spec, status: { ...nodeStatus('hv2'), shapes } }]);
  if (alive) await documents.store.commit([{ op: 'create', key: aliveKey('hv2'), value: '{}', ephemeral: true }]);
  const plugins = new Plugins(host.clock);
  const asked: string[][] = [];
  let answer: IsolationEnd = { ended: ['web'], left: [] };
  plugins.add(
    {
      name: 'guests',
      api: '^1',
      apply: (pvc) =>
        pvc.hooks.cutOff.tap(({ resources }) => {
          asked.push([...resources]);
          return answer;
        }),
    },
    { builtin: true, version: '1.0.0', api },
  );
  const runtime = { documents, host, node: 'hv2', write, signal: new AbortController().signal };
  const controller = cutOffController(runtime, plugins.hooks);
  /** The node looks once. */
  const look = async (): Promise<void> => {
    const doc = await documents.get(cutOff, id);
    for (const step of controller.plan(doc, null, { node: 'hv2', nowMs: 0 }).steps)
      await controller.apply(step, id, runtime.signal);
  };
  const ask = async (mark = 'first'): Promise<string | undefined> => {
    await endCutOff(runtime, { ...about, mark });
    await look();
    return endCutOff(runtime, { ...about, mark });
  };
  return { documents, write, asked, ask, answer: (next: IsolationEnd) => void (answer = next) };
}

describe('what was cut off on a node that is to be let in again', () => {
  it('is ended there once', async () => {
    const world = await setUp();
    assert.equal(await world.ask(), undefined);
    assert.equal(await world.ask(), undefined);
    assert.deepEqual(world.asked, [['pool:vms']]);
    assert.deepEqual((await world.documents.need(cutOff, id)).status, { mark: 'first', ended: ['web'], left: [] });
  });

  it('is ended anew after each cutting off', async () => {
    const world = await setUp();
    await world.ask();
    assert.equal(await world.ask('second'), undefined);
    assert.equal(world.asked.length, 2);
  });

  it('keeps the node out as long as it is not ended, with the reason', async () => {
    const world = await setUp();
    world.answer({ ended: [], left: ['web: libvirt is away'] });
    assert.equal(await world.ask(), 'what was cut off there from its disks is not ended: web: libvirt is away');
    world.answer({ ended: ['web'], left: [] });
    assert.equal(await world.ask(), undefined);
  });

  it('is not asked for of a node that knows nothing of this', async () => {
    const world = await setUp({ shapes: { vm: 1 } });
    assert.equal(await world.ask(), undefined);
    assert.equal(await world.documents.get(cutOff, id), undefined);
  });

  it('keeps a node out whose daemon does not run, as between two of its lives', async () => {
    const world = await setUp({ alive: false });
    assert.equal(await world.ask(), 'its daemon does not run');
    assert.equal(await world.documents.get(cutOff, id), undefined);
  });

  it('is forgotten with the rest', async () => {
    const world = await setUp();
    assert.deepEqual(await forgetCutOff(world, 'hv2', 'ceph'), []);
    await world.ask();
    await world.write(await forgetCutOff(world, 'hv2', 'ceph'));
    assert.equal(await world.documents.get(cutOff, id), undefined);
  });
});
