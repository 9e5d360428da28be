/** Nodes of two versions on one store: docs/decisions/012-mixed-versions.md. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { createVirtualHost } from '../host/virtual-host.ts';
import { defineKind, type Kind } from '../model/kind.ts';
import { commonShapes, shapesOf, tooNew } from '../model/shapes.ts';
import { Documents } from './documents.ts';
import { MemoryCluster } from './memory.ts';

interface Old {
  readonly sizeMiB: number;
  readonly note?: string | undefined;
}
interface Young {
  readonly bytes: number;
  readonly note?: string | undefined;
  readonly colour?: string | undefined;
}

const common = { name: 'thing', plural: 'things', id: z.string(), status: z.null() };
const old = defineKind<Old, null>({
  ...common,
  version: 1,
  spec: z.strictObject({ sizeMiB: z.int(), note: z.string().optional() }),
});
const young = defineKind<Young, null>({
  ...common,
  version: 2,
  spec: z.strictObject({ bytes: z.int(), note: z.string().optional(), colour: z.string().optional() }),
  migrateSpec: {
    1: (from) => {
      const { sizeMiB, ...rest } = from as Old;
      return { ...rest, bytes: sizeMiB * 1_048_576 };
    },
  },
  revertSpec: {
    1: (from) => {
      const { bytes, colour, ...rest } = from as Young;
      if (colour !== undefined) throw new Error('colours are new');
      if (bytes % 1_048_576 !== 0) throw new Error('it is no whole number of MiB');
      return { ...rest, sizeMiB: bytes / 1_048_576 };
    },
  },
});

const setUp = () => {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const open = (name: string) => new Documents(cluster.open(name));
  const stored = (): unknown =>
    JSON.parse(cluster.dump().find(({ key }) => key === '/thing/a/spec')?.value ?? 'null') as unknown;
  return { oldNode: open('old'), youngNode: open('young'), stored };
};

async function write<S>(
  documents: Documents,
  kind: Kind<S, null>,
  change: (spec: S | undefined) => S,
): Promise<string> {
  const before = await documents.get(kind, 'a');
  const spec = change(before?.spec);
  try {
    const { ops, topics } = documents.commitOf([
      before === undefined ? { do: 'create', kind, id: 'a', spec } : { do: 'spec', kind, before, spec },
    ]);
    return (await documents.store.commit(ops, topics)).outcome;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('documents in a cluster of mixed versions', () => {
  it('are written in the older shape until all have agreed on the newer one', async () => {
    const { oldNode, youngNode, stored } = setUp();
    assert.equal(await write(youngNode, young, () => ({ bytes: 2_097_152 })), 'ok');
    assert.deepEqual(stored(), { v: 1, life: 'w1', d: { sizeMiB: 2 } });
    assert.equal(await write(oldNode, old, (spec) => ({ ...spec, sizeMiB: 3 })), 'ok');
    assert.equal((await youngNode.need(young, 'a')).spec.bytes, 3_145_728);
    const colour = (spec: Young | undefined): Young => ({ bytes: 0, ...spec, colour: 'red' });
    assert.equal(await write(youngNode, young, colour), 'DOCUMENT_HELD_BACK');
    youngNode.shapes.agree({ thing: 2 });
    assert.equal(await write(youngNode, young, colour), 'ok');
    assert.deepEqual(stored(), { v: 2, life: 'w1', d: { bytes: 3_145_728, colour: 'red' } });
    // Levels never go back.
    youngNode.shapes.agree({ thing: 1 });
    assert.equal(await write(youngNode, young, colour), 'ok');
    assert.deepEqual(stored(), { v: 2, life: 'w1', d: { bytes: 3_145_728, colour: 'red' } });
  });

  it('of a newer shape are not changed or removed by a node that does not understand it', async () => {
    const { oldNode, youngNode, stored } = setUp();
    youngNode.shapes.agree({ thing: 2 });
    // Of all that is newer, this can still be read as the older shape: that must not tempt anybody.
    const readable = defineKind<Record<string, unknown>, null>({
      ...common,
      version: 1,
      spec: z.strictObject({ bytes: z.int() }) as z.ZodType<Record<string, unknown>>,
    });
    assert.equal(await write(youngNode, young, () => ({ bytes: 7, colour: 'red' })), 'ok');
    const before = stored();
    assert.equal(await write(oldNode, readable, (spec) => ({ ...spec, bytes: 8 })), 'DOCUMENT_NEWER');
    const doc = await oldNode.need(readable, 'a');
    assert.deepEqual(doc.spec, { bytes: 7 });
    assert.throws(() => oldNode.commitOf([{ do: 'remove', kind: readable, before: doc }]), { code: 'DOCUMENT_NEWER' });
    assert.deepEqual(stored(), before);
  });

  it('lose nothing, never become unreadable for a node that counts, never go back, in any order of writes', async () => {
    const step = fc.oneof(
      fc.record({ by: fc.constant('old' as const), sizeMiB: fc.nat(1000) }),
      fc.record({ by: fc.constant('young' as const), bytes: fc.nat(10).map((n) => n * 1_048_576) }),
      fc.record({ by: fc.constant('note' as const), note: fc.string() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step), fc.array(step), async (beforeGate, afterGate) => {
        const { oldNode, youngNode, stored } = setUp();
        assert.equal(await write(oldNode, old, () => ({ sizeMiB: 1 })), 'ok');
        let bytes = 1_048_576;
        let note: string | undefined;
        const run = async (steps: typeof beforeGate, oldMay: boolean) => {
          for (const one of steps) {
            const level = (stored() as { v: number }).v;
            if (one.by === 'old') {
              const outcome = await write(oldNode, old, (spec) => ({ ...spec, sizeMiB: one.sizeMiB })).catch(
                (error: unknown) => (error as { code: string }).code,
              );
              if (level === 1) assert.equal(outcome, 'ok');
              else assert.match(outcome, /DOCUMENT_(NEWER|UNREADABLE)/);
              if (outcome === 'ok') bytes = one.sizeMiB * 1_048_576;
              assert.ok(oldMay || outcome !== 'ok' || level === 1);
            } else {
              const change = (spec: Young | undefined): Young =>
                one.by === 'young' ? { ...spec, bytes: one.bytes } : { bytes: 0, ...spec, note: one.note };
              assert.equal(await write(youngNode, young, change), 'ok');
              if (one.by === 'young') bytes = one.bytes;
              else note = one.note;
            }
            const { spec } = await youngNode.need(young, 'a');
            assert.deepEqual([spec.bytes, spec.note], [bytes, note]);
            assert.ok((stored() as { v: number }).v >= level);
            if (oldMay) assert.equal((await oldNode.need(old, 'a')).spec.note, note);
          }
        };
        await run(beforeGate, true);
        youngNode.shapes.agree({ thing: 2 });
        await run(afterGate, false);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the shapes that all nodes understand', () => {
  const kinds = [old, { ...young, name: 'other' }];
  for (const [what, nodes, levels] of [
    [
      'are those of the oldest node',
      [
        { thing: 1, other: 2 },
        { thing: 3, other: 1 },
      ],
      { thing: 1, other: 1 },
    ],
    ['are the first ones while a node has not told', [{ thing: 1, other: 2 }, undefined], { thing: 1, other: 1 }],
    ['do not depend on nodes that lack the kind', [{ thing: 1, other: 2 }, { thing: 1 }], { thing: 1, other: 2 }],
    ['are at most our own', [{ thing: 9, other: 9 }], { thing: 1, other: 2 }],
  ] as const)
    it(what, () => assert.deepEqual(commonShapes(kinds as never, nodes), levels));

  it('tell who is too old', () => {
    assert.deepEqual(tooNew(shapesOf(kinds as never), { thing: 1, other: 2 }), []);
    assert.deepEqual(tooNew(shapesOf(kinds as never), { thing: 2, strange: 5 }), ['thing (shape 2, known here: 1)']);
  });
});
