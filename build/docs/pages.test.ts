import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { inRepository } from '../paths.ts';
import { configurationPage } from './configuration-page.ts';
import { hooksPage, hookTexts, offeredHookTexts } from './hooks-page.ts';
import { markdownTable } from './markdown.ts';
import { referencePages } from './pages.ts';
import { schemaWord } from './schema-word.ts';

describe('docs/reference', async () => {
  for (const [path, text] of await referencePages()) {
    it(`${path} is current (else: npm run docs)`, () => assert.equal(readFileSync(inRepository(path), 'utf8'), text));
  }
});

describe('the page of hooks', () => {
  const source = `
    /** Before it
     * begins. */
    begin: new StrictHook<Runtime>('begin', context, seconds(7)),
    /** All kinds. */
    kinds: new ListHook<{ a: 1 }>('kinds', context, { problem }),
  `;

  it('takes comment, types and deadline of each declaration', () =>
    assert.deepEqual(hookTexts(source), [
      { name: 'begin', comment: 'Before it begins.', types: 'Runtime', deadlineS: 7 },
      { name: 'kinds', comment: 'All kinds.', types: '{ a: 1 }', deadlineS: undefined },
    ]));

  it('refuses a hook without a comment, and a comment without a hook', () => {
    const info = (name: string) => ({ name, policy: 'list', tappedBy: () => [] });
    const made = { begin: info('begin'), kinds: info('kinds') };
    assert.ok(hooksPage(hookTexts(source), made, [], '').includes('| `begin` | list | 7 s | Before it begins. |'));
    assert.throws(() => hooksPage(hookTexts(source), { ...made, event: info('event') }, [], ''), /do not fit: event/);
    assert.throws(() => hooksPage(hookTexts(source), { begin: made.begin }, [], ''), /do not fit: kinds/);
  });

  it('takes the hooks that a plugin offers', () => {
    const plugin = `declare module 'x' {
  interface PluginHooks {
    /** Changes it. */
    'box.change': (value: string) => string;
    /** On many lines. */
    'box.open': (
      value: string,
      about: About,
    ) => string | Promise<string>;
  }
}
pvc.offer('box.change', 2_500);
pvc.offer('box.open', 5_000, problem);`;
    assert.deepEqual(offeredHookTexts(plugin), [
      { name: 'box.change', comment: 'Changes it.', types: '(value: string) => string', deadlineS: 2.5 },
      {
        name: 'box.open',
        comment: 'On many lines.',
        types: '(value: string, about: About) => string | Promise<string>',
        deadlineS: 5,
      },
    ]);
    assert.throws(() => offeredHookTexts(plugin.replace('offer', 'other')), /nobody offers the hook box\.change/);
    assert.throws(() => offeredHookTexts(`${plugin}pvc.offer('box.close', 1);`), /box\.close is offered without/);
  });
});

describe('the words for a schema', () => {
  const word = (schema: z.ZodType): string => schemaWord(z.toJSONSchema(schema, { io: 'input' }));

  it('say what a value may be', () => {
    assert.equal(word(z.int().min(1).max(9)), 'whole number 1 to 9');
    assert.equal(word(z.int()), 'whole number');
    assert.equal(word(z.number().min(0)), 'number ≥ 0');
    assert.equal(word(z.enum(['a', 'b'])), '`a`, `b`');
    assert.equal(word(z.array(z.strictObject({ path: z.string() }))), 'list of object of path');
    assert.equal(word(z.union([z.ipv4(), z.ipv6()])), 'IPv4 or IPv6');
    assert.equal(word(z.string().nullable()), 'text or nothing');
  });
});

describe('the page of the configuration', () => {
  it('has a row for each field, with its default', () => {
    const schema = z.strictObject({
      inner: z.strictObject({ port: z.int().min(1).default(7).describe('a port') }).prefault({}),
    });
    assert.ok(
      configurationPage(schema, [{ plugin: 'box', schema: z.strictObject({ size: z.int().optional() }) }]).includes(
        '| `inner.port` | whole number ≥ 1 | `7` | a port |',
      ),
    );
  });
});

describe('a table', () => {
  it('keeps what would end a cell or a row', () =>
    assert.equal(markdownTable(['a'], [['x|y\nz']]), '| a |\n| --- |\n| x\\|y z |'));
});
