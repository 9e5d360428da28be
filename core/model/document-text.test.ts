import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { PvcError } from '../error/error.ts';
import { decodeDocument, encodeDocument } from './document-text.ts';
import { defineKind } from './kind.ts';

const spec = z.strictObject({
  name: z.string().min(1),
  size: z.int().default(1),
  parts: z
    .array(z.strictObject({ id: z.string(), inner: z.strictObject({ deep: z.boolean() }).optional() }))
    .default([]),
});

const kind = defineKind<z.infer<typeof spec>, null>({
  name: 'thing',
  plural: 'things',
  version: 3,
  id: z.string(),
  spec,
  status: z.null(),
  migrateSpec: {
    1: (old) => ({ name: (old as { title: string }).title }),
    2: (old) => ({ ...(old as object), size: ((old as { size?: number }).size ?? 0) + 10 }),
  },
  revertSpec: {
    2: (young) => ({ ...(young as object), size: (young as { size: number }).size - 10 }),
    1: (young) => {
      const { name, parts } = young as { name: string; parts: unknown[] };
      if (parts.length > 0) throw new Error('it has parts');
      return { title: name };
    },
  },
});

const decode = (text: string) => decodeDocument<z.infer<typeof spec>>(kind, 'spec', '1', text);
const rejects = (run: () => unknown, code: string, message: RegExp): void =>
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof PvcError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });

describe('documents as text', () => {
  it('come back as they were', () =>
    fc.assert(
      fc.property(
        fc.record(
          {
            name: fc.string({ minLength: 1 }),
            size: fc.maxSafeInteger(),
            parts: fc.array(fc.record({ id: fc.string() }, { noNullPrototype: true })),
          },
          { noNullPrototype: true },
        ),
        (value) =>
          assert.deepEqual(decode(encodeDocument(kind, 'spec', '1', value, 3)), {
            value,
            foreign: [],
            shape: 3,
            life: undefined,
          }),
      ),
    ));

  it('are written with their version and defaults', () => {
    assert.equal(encodeDocument(kind, 'spec', '1', { name: 'a' }, 3), '{"v":3,"d":{"name":"a","size":1,"parts":[]}}');
  });

  it('of older versions are migrated step by step', () => {
    assert.deepEqual(decode('{"v":1,"d":{"title":"old"}}').value, { name: 'old', size: 10, parts: [] });
    assert.deepEqual(decode('{"v":2,"d":{"name":"old","size":5}}').value, { name: 'old', size: 15, parts: [] });
  });

  it('are written in an older shape when that is asked, and refused when it cannot express them', () => {
    const value = { name: 'a', size: 12, parts: [] };
    assert.equal(encodeDocument(kind, 'spec', '1', value, 2), '{"v":2,"d":{"name":"a","size":2,"parts":[]}}');
    assert.equal(encodeDocument(kind, 'spec', '1', value, 1), '{"v":1,"d":{"title":"a"}}');
    const more = { ...value, parts: [{ id: 'x' }] };
    rejects(() => encodeDocument(kind, 'spec', '1', more, 1), 'DOCUMENT_HELD_BACK', /it has parts/);
  });

  it('keep fields that a newer version wrote, at any depth, and give them back', () => {
    const newer = {
      v: 4,
      d: {
        name: 'a',
        size: 2,
        colour: 'red',
        parts: [
          { id: 'x', inner: { deep: true, deeper: [1, { two: 2 }] } },
          { id: 'y', extra: null },
        ],
      },
    };
    const { value, foreign } = decode(JSON.stringify(newer));
    assert.deepEqual(value, { name: 'a', size: 2, parts: [{ id: 'x', inner: { deep: true } }, { id: 'y' }] });
    assert.deepEqual(JSON.parse(encodeDocument(kind, 'spec', '1', value, 3, { foreign })), { ...newer, v: 3 });
    // What this version changes wins; the part whose holder is gone goes with it.
    const changed = { ...value, size: 9, parts: [{ id: 'z' }] };
    assert.deepEqual(JSON.parse(encodeDocument(kind, 'spec', '1', changed, 3, { foreign })).d, {
      name: 'a',
      size: 9,
      parts: [{ id: 'z' }],
      colour: 'red',
    });
  });

  for (const [what, text, reason] of [
    ['no JSON', '{"v":3,', /not JSON/],
    ['null', 'null', /no version/],
    ['a number', '7', /no version/],
    ['a document without a version', '{"d":{"name":"a"}}', /no version/],
    ['a missing field', '{"v":3,"d":{}}', /name: /],
    ['a wrong type beside an unknown field', '{"v":4,"d":{"name":"a","size":"big","more":1}}', /size: /],
    ['a life that is no word', '{"v":3,"life":"../a","d":{"name":"a"}}', /life/],
    ['no data', '{"v":3}', /thing 1 cannot be understood/],
  ] as const) {
    it(`${what} is unreadable`, () => rejects(() => decode(text), 'DOCUMENT_UNREADABLE', reason));
  }

  for (const [what, value, reason] of [
    ['an unknown field', { name: 'a', colour: 'red' }, /colour/],
    ['a wrong type', { name: 'a', size: 1.5 }, /size/],
    ['a missing field', {}, /name/],
  ] as const) {
    it(`${what} is refused on write`, () =>
      rejects(() => encodeDocument(kind, 'spec', '1', value, 3), 'DOCUMENT_INVALID', reason));
  }

  it('keeps a status of null', () => {
    assert.deepEqual(decodeDocument(kind, 'status', '1', encodeDocument(kind, 'status', '1', null, 2)), {
      value: null,
      foreign: [],
      shape: 2,
      life: undefined,
    });
  });
});
