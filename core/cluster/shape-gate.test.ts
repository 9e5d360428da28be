import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { withCode } from '../../test/fixtures/expect.ts';
import { nodeStatus } from '../../test/fixtures/node-status.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { type ClusterSpec, cluster, clusterId } from '../model/cluster-kind.ts';
import { type AnyKind, defineKind } from '../model/kind.ts';
import { node } from '../model/node-kind.ts';
import type { ShapeLevels } from '../model/shapes.ts';
import { Documents } from '../store/documents.ts';
import { MemoryCluster } from '../store/memory.ts';
import type { Op } from '../store/store.ts';
import { followShapes, raiseShapes, refuseTooOld } from './shape-gate.ts';

const thing = defineKind<{ n: number }, null>({
  name: 'thing',
  plural: 'things',
  id: z.string(),
  version: 3,
  spec: z.strictObject({ n: z.int() }),
  status: z.null(),
  migrateSpec: { 1: (spec) => spec, 2: (spec) => spec },
  revertSpec: { 1: (spec) => spec, 2: (spec) => spec },
});
const kinds: AnyKind[] = [thing];
const clusterSpec: ClusterSpec = { name: 'lab', createdMs: 0, maintenance: false };

/** A cluster whose nodes have told these shapes; `undefined` for one that never told any. */
async function clusterOf(nodes: Readonly<Record<string, ShapeLevels | undefined>>) {
  const memory = new MemoryCluster({ clock: createVirtualHost().clock });
  const documents = new Documents(memory.open('hv1'));
  const { ops } = documents.commitOf([
    { do: 'create', kind: cluster, id: clusterId, spec: clusterSpec },
    ...Object.keys(nodes).map(
      (id) => ({ do: 'create', kind: node, id, spec: { role: 'hypervisor', domainState: 'ready' } }) as const,
    ),
  ]);
  assert.equal((await documents.store.commit(ops)).outcome, 'ok');
  const tell = async (id: string, shapes: ShapeLevels): Promise<void> => {
    const before = await documents.need(node, id);
    const told = documents.commitOf([{ do: 'status', kind: node, before, status: nodeStatus(id, { shapes }) }]);
    assert.equal((await documents.store.commit(told.ops)).outcome, 'ok');
  };
  for (const [id, shapes] of Object.entries(nodes)) if (shapes !== undefined) await tell(id, shapes);
  const agreed = async () => (await documents.need(cluster, clusterId)).spec.shapes;
  return { memory, documents, tell, agreed };
}

const asPrimary = (): readonly Op[] => [];

describe('the gate of mixed versions', () => {
  it('opens when the last node has been updated, also one that is off', async () => {
    const { documents, tell, agreed } = await clusterOf({ hv1: { thing: 3 }, hv2: { thing: 2 }, hv3: undefined });
    assert.deepEqual(await raiseShapes(documents, kinds, asPrimary), []);
    await tell('hv3', { thing: 3 });
    assert.deepEqual(await raiseShapes(documents, kinds, asPrimary), ['thing']);
    assert.deepEqual(await agreed(), { thing: 2 });
    await tell('hv2', { thing: 3 });
    assert.deepEqual(await raiseShapes(documents, kinds, asPrimary), ['thing']);
    assert.deepEqual(await raiseShapes(documents, kinds, asPrimary), []);
    assert.deepEqual(await agreed(), { thing: 3 });
    assert.equal(documents.shapes.of(thing), 3);
  });

  it('never closes again, and what others agreed on about kinds unknown here stays', async () => {
    const { documents, tell, agreed } = await clusterOf({ hv1: { thing: 3 } });
    const before = await documents.need(cluster, clusterId);
    const { ops } = documents.commitOf([
      { do: 'spec', kind: cluster, before, spec: { ...before.spec, shapes: { thing: 2, strange: 7 } } },
    ]);
    await documents.store.commit(ops);
    await tell('hv1', { thing: 1 });
    assert.deepEqual(await raiseShapes(documents, kinds, asPrimary), []);
    await tell('hv1', { thing: 3 });
    assert.deepEqual(await raiseShapes(documents, kinds, asPrimary), ['thing']);
    assert.deepEqual(await agreed(), { thing: 3, strange: 7 });
  });

  it('is tried again when nobody knows whether it has opened', async () => {
    const { memory, documents, agreed } = await clusterOf({ hv1: { thing: 3 } });
    memory.link('hv1').loseNextAnswer(false);
    await assert.rejects(raiseShapes(documents, kinds, asPrimary), /answer was lost/);
    assert.equal(await agreed(), undefined);
    assert.deepEqual(await raiseShapes(documents, kinds, asPrimary), ['thing']);
  });

  it('stays as it is when this node is primary no more', async () => {
    const { documents, agreed } = await clusterOf({ hv1: { thing: 3 } });
    const lost = (): readonly Op[] => [{ op: 'check', key: '/primary', version: 5 }];
    assert.deepEqual(await raiseShapes(documents, kinds, lost), []);
    assert.equal(await agreed(), undefined);
    assert.equal(documents.shapes.of(thing), 1);
  });

  it('is followed by the other nodes', async () => {
    const { memory, documents } = await clusterOf({ hv1: { thing: 2 } });
    const other = new Documents(memory.open('hv2'));
    await followShapes(other);
    assert.equal(other.shapes.of(thing), 1);
    await raiseShapes(documents, kinds, asPrimary);
    await followShapes(other);
    assert.equal(other.shapes.of(thing), 2);
  });

  it('lets nobody in who cannot read what is written', () => {
    refuseTooOld(kinds, { ...clusterSpec, shapes: { thing: 3, strange: 9 } }, '1.0');
    assert.throws(
      () => refuseTooOld(kinds, { ...clusterSpec, shapes: { thing: 4 } }, '1.0'),
      (error: Error) => withCode('NODE_TOO_OLD')(error) && /1\.0/.test(error.message),
    );
  });
});
