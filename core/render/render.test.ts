import assert from 'node:assert/strict';
import { describe, it, snapshot } from 'node:test';
import { z } from 'zod';
import { renderError } from '../cli/render-error.ts';
import { renderPlan } from '../cli/render-plan.ts';
import { PvcError } from '../error/error.ts';
import type { PlanAnswer } from '../operation/execute.ts';
import { fields, page, type RenderContext, section, table } from './format.ts';
import { fieldTitle, renderAnswer, renderValue } from './render-value.ts';
import { textWidth } from './text-width.ts';

snapshot.setDefaultSnapshotSerializers([(text: unknown) => String(text).replaceAll('\u001b', '<ESC>')]);

const nowMs = Date.UTC(2030, 0, 1);
const contexts: [string, RenderContext][] = [
  ['80 columns', { width: 80, colour: false, nowMs }],
  ['120 columns', { width: 120, colour: false, nowMs }],
  ['80 columns in colour', { width: 80, colour: true, nowMs }],
  ['a pipe', { width: Number.POSITIVE_INFINITY, colour: false, nowMs }],
];

const guest = {
  name: 'web1',
  uuid: '6e2c1d5a-0d8e-4c7e-9b0e-3a5b1c2d3e4f',
  state: 'running',
  description:
    'The front door of the shop; it must never be moved to a node without the fast network, ask Ann before you do',
  memoryMiB: 4096,
  vcpus: 2,
  autostart: true,
  sinceMs: nowMs - 185_000,
  migration: { method: 'auto', maxDowntimeMs: 300 },
  tags: ['shop', 'prod'],
  limit: [],
  nics: [
    { mac: '52:54:00:00:00:01', source: { type: 'bridge', bridge: 'br0' }, receivedBytes: 1_234_567 },
    { mac: '52:54:00:00:00:02', source: { type: 'user' }, receivedBytes: 0 },
  ],
  load: 0.25,
};
const guests = [
  guest,
  {
    ...guest,
    name: 'a-guest-with-a-rather-long-name',
    state: 'failed',
    description: '',
    memoryMiB: 512,
    tags: [],
    sinceMs: nowMs - 3_600_000 * 5,
  },
];

const plan: PlanAnswer = {
  operation: 'vm.modify',
  writes: [
    {
      change: 'update',
      kind: 'vm',
      id: 'u-1',
      label: 'web1',
      before: {
        name: 'web1',
        vcpus: 2,
        tags: ['5'],
        nics: [{ mac: 'a' }],
        definition: '<domain>\n  <a/>\n  <b/>\n</domain>\n',
        gone: true,
      },
      after: {
        name: 'web1',
        vcpus: 4,
        tags: [5],
        nics: [{ mac: 'a' }, { mac: 'b' }],
        definition: '<domain>\n  <a/>\n  <c/>\n</domain>\n',
      },
    },
    { change: 'create', kind: 'nic', id: 'n-1', label: 'n-1', after: { name: 'x', list: [] } },
    { change: 'remove', kind: 'vm', id: 'u-2', label: 'db1', before: { name: 'db1' } },
    { change: 'check', kind: 'node', id: 'hv1', label: 'hv1' },
  ],
  actions: ['restart web1 on hv1'],
  warnings: ['The change takes effect at the next start.'],
  tasks: [{ id: 't', action: 'vm.restart', node: 'hv1' }],
  result: null,
};

describe('answers', () => {
  for (const [name, context] of contexts) {
    it(`as a page and as a table, ${name}`, async (test) => {
      const text = [renderValue(guests, context), renderValue(guest, context), await renderPlan(plan, context)].join(
        '\n\n---\n\n',
      );
      test.assert.snapshot(text);
      const table = renderValue(guests, context).split('\n');
      for (const line of table) assert.ok(textWidth(line) <= context.width, line);
    });
  }

  it('have their fields in the order of the schema', () => {
    const context: RenderContext = { width: 80, colour: false, nowMs };
    const schema = z.object({ name: z.string(), state: z.string(), extra: z.string().optional() });
    assert.equal(
      renderAnswer([{ zeta: 1, state: 'ok', name: 'a' }], z.array(schema), context),
      'NAME  STATE  ZETA\na     ok        1',
    );
    assert.equal(
      renderAnswer({ zeta: 1, state: 'ok', name: 'a' }, schema, context),
      'Name:   a\nState:  ok\nZeta:   1',
    );
  });

  it('that are small are small', () => {
    const context: RenderContext = { width: 80, colour: false, nowMs };
    assert.equal(renderValue([], context), '(none)');
    assert.equal(renderValue({}, context), '(empty)');
    assert.equal(renderValue(null, context), '(nothing)');
    assert.equal(renderValue('text\n', context), 'text\n');
    assert.equal(renderValue(['a', 'b'], context), 'a\nb');
    assert.equal(renderValue(7, context), '7');
  });

  it('name their fields for people', () => {
    const cases: [string, string][] = [
      ['memoryMiB', 'Memory'],
      ['requestedBy', 'Requested by'],
      ['createdMs', 'Created'],
      ['vncUrl', 'VNC URL'],
      ['uuid', 'UUID'],
      ['timeoutS', 'Timeout'],
      ['OS', 'OS'],
      ['vcpus', 'vCPUs'],
      ['nics', 'NICs'],
      ['receivedBytes', 'Received'],
      ['last-seen', 'Last seen'],
    ];
    for (const [name, title] of cases) assert.equal(fieldTitle(name), title);
  });
});

describe('building blocks', () => {
  const context: RenderContext = { width: 40, colour: false, nowMs };

  it('cut the widest column first and keep what must be kept', () => {
    const text = table(
      [{ title: 'ID', keep: true }, 'TEXT', 'N'],
      [['0123456789abcdef', 'a very long text that does not fit here', 7]],
      context,
    );
    assert.equal(text, 'ID                TEXT                 N\n0123456789abcdef  a very long text t…  7');
    for (const line of text.split('\n')) assert.ok(line.length <= 40);
  });

  it('overflow rather than hide everything', () => {
    const text = table(['A', 'B'], [['a'.repeat(30), 'b'.repeat(30)]], { ...context, width: 10 });
    assert.equal(text, 'A       B\naaaaa…  bbbbb…');
  });

  it('have words for nothing, yes and no', () => {
    assert.equal(table(['A', 'B', 'C', 'D'], [[undefined, true, false, '']], context), 'A  B    C   D\n-  yes  no  -');
    assert.equal(table(['A'], [], context), '(none)');
  });

  it('keep one record on one line', () => {
    assert.equal(table(['A'], [['one\n  two']], context), 'A\none two');
  });

  it('align fields and wrap long values', () => {
    assert.equal(
      fields(
        [
          ['A', 1],
          undefined,
          ['Longer', 'one two three four five six seven'],
          ['Skipped', undefined],
          ['Lines', 'x\ny\n'],
        ],
        context,
      ),
      'A:       1\nLonger:  one two three four five six\n         seven\nLines:   x\n         y',
    );
  });

  it('leave empty sections out', () => {
    assert.equal(
      page(
        'a',
        '',
        undefined,
        section('T', '', context),
        section('U', (inner) => String(inner.width), context),
      ),
      'a\n\nU\n  38',
    );
  });
});

describe('errors', () => {
  const error = new PvcError(
    'TEST_CODE',
    'It is not possible.',
    { hint: 'Do something else.', http: 409, exit: 'refused' },
    { details: ['first', 'second'], cause: new Error('deep') },
  );
  it('have colours where there are colours', () => {
    assert.equal(
      renderError(error, { width: 80, colour: true, nowMs }, false),
      '\u001b[31merror:\u001b[0m It is not possible.\n  - first\n  - second\n\u001b[36mhint:\u001b[0m Do something else.\n\u001b[2mcode: TEST_CODE\u001b[0m\n',
    );
  });
});
