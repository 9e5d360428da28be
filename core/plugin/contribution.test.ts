import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { problemOf } from './contribution.ts';

const kind = {
  name: 'thing',
  plural: 'things',
  version: 1,
  id: z.string(),
  spec: z.strictObject({}),
  status: z.null(),
};
const proper = {
  config: z.strictObject({}),
  kind,
  operation: {
    name: 'thing.list',
    type: 'query',
    summary: 'List things',
    http: { method: 'GET', path: '/things/{thing}/parts' },
    cli: { command: 'thing list' },
    role: 'viewer',
    input: z.strictObject({ thing: z.string() }),
    output: z.null(),
    run: async () => null,
  },
  controller: {
    name: 'things',
    kind,
    scope: 'node',
    observe: () => 1,
    plan: () => ({ steps: [] }),
    apply: () => undefined,
  },
  initPart: { field: 'thingNetwork', schema: z.string().optional(), plan: () => undefined },
  task: { action: 'thing.make', summary: 'make a thing', run: async () => undefined },
  health: { name: 'things', summary: 'things are well', intervalMs: 5000, timeoutMs: 1000, run: async () => undefined },
  metric: { name: 'thing_count', help: 'things', type: 'gauge', labels: ['colour'], collect: () => [] },
  facts: { colour: 'red', count: 2, ready: true },
  counts: { Things: 2 },
  reason: 'no more things today',
} as const;

/** What is wrong with the proper one when some of its fields are replaced; `undefined` takes a field away. */
const changed = (what: keyof typeof proper, change: Readonly<Record<string, unknown>>): string | undefined =>
  problemOf[what]({ ...(proper[what] as object), ...change });

describe('what plugins give', () => {
  for (const what of Object.keys(proper) as (keyof typeof proper)[]) {
    it(`is taken when it is a proper ${what}`, () => assert.equal(problemOf[what](proper[what]), undefined));
    for (const wrong of [undefined, null, 7, '', [], () => undefined] as const) {
      it(`is refused as ${what} when it is ${typeof wrong === 'function' ? 'a function' : JSON.stringify(wrong)}`, () =>
        assert.match(problemOf[what](wrong) ?? '', /^no proper /));
    }
  }

  for (const [what, change, reason] of [
    ['kind', { name: 'Thing' }, /no proper kind Thing \(name/],
    ['initPart', { field: 'store' }, /cluster init store \(field: is an option that cluster init has already/],
    ['initPart', { schema: z.string() }, /must be optional/],
    ['initPart', { plan: undefined }, /must be a function/],
    ['kind', { name: 'claim' }, /a word that PVC needs itself/],
    ['kind', { version: 0 }, /version/],
    ['kind', { spec: {} }, /spec: must be a zod schema/],
    ['operation', { type: 'magic' }, /type/],
    ['operation', { run: undefined }, /thing\.list \(run: must be a function/],
    ['operation', { type: 'mutation' }, /plan: must be a function/],
    ['operation', { type: 'upload' }, /receive: must be a function/],
    ['operation', { type: 'download' }, /send: must be a function/],
    ['operation', { input: z.string() }, /input: must be a z\.object/],
    ['operation', { http: undefined }, /http/],
    ['operation', { http: { method: 'GET', path: 'things' } }, /http\.path: must be like/],
    ['operation', { http: { method: 'GET', path: '/a/../b' } }, /http\.path/],
    ['operation', { http: { method: 'TRACE', path: '/a' } }, /http\.method/],
    ['operation', { role: 'root' }, /role/],
    ['operation', { cli: { command: '--help' } }, /cli\.command/],
    ['controller', { observe: undefined }, /observe/],
    ['controller', { scope: 'moon' }, /scope/],
    ['controller', { watch: 'no' }, /watch/],
    ['task', { action: 'make' }, /action/],
    ['task', { run: 1 }, /no proper task thing\.make \(run/],
    ['health', { intervalMs: undefined }, /intervalMs/],
    ['health', { intervalMs: 0 }, /intervalMs/],
    ['health', { intervalMs: Number.NaN }, /intervalMs/],
    ['health', { name: 'a b' }, /name/],
    ['metric', { name: 'thing-count' }, /Prometheus/],
    ['metric', { labels: ['a-b'] }, /labels\.0/],
    ['metric', { type: 'histogram' }, /type/],
    ['facts', { list: [] }, /list/],
    ['counts', { Things: true }, /Things/],
  ] as const) {
    it(`is refused as ${what} with ${Object.keys(change).join()} ${JSON.stringify(Object.values(change)[0]) ?? 'missing'}`, () =>
      assert.match(changed(what, change) ?? '', reason));
  }
});
