import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { readUserdata } from './userdata-check.ts';

describe('userdata', () => {
  for (const [what, text, form] of [
    ['a cloud-config', '#cloud-config\npackages: [nginx]\n', 'cloud-config'],
    ['a cloud-config with CR LF', '#cloud-config\r\nhostname: a\r\n', 'cloud-config'],
    ['a cloud-config with blanks after its mark', '#cloud-config  \nhostname: a\n', 'cloud-config'],
    ['a shell script', '#!/bin/sh\necho hello\n', 'script'],
    ['a script with a blank before its program', '#! /usr/bin/env python3\n', 'script'],
  ] as const)
    it(`is ${what}`, () => assert.deepEqual(readUserdata(text), { form }));

  for (const [what, text, problem] of [
    ['nothing', '', /first line is empty/],
    ['YAML without its mark', 'packages: [nginx]\n', /first line is "packages/],
    ['a byte order mark', '\ufeff#cloud-config\na: 1\n', /first line is/],
    ['an include', '#include\nhttp://example.org/x\n', /neither #cloud-config nor/],
    ['a template', '## template: jinja\n#cloud-config\na: 1\n', /neither #cloud-config nor/],
    ['a cloud-config of nothing', '#cloud-config\n', /nothing in it/],
    ['a list', '#cloud-config\n- a\n', /no mapping/],
    ['a word', '#cloud-config\nhello\n', /no mapping/],
    ['a tab', '#cloud-config\nusers:\n\t- a\n', /^line 3, column 1: .*[Tt]abs/],
    ['a bracket that is not closed', '#cloud-config\npackages: [a, b\nx: 1\n', /^line \d+, column \d+: /],
    ['a key twice', '#cloud-config\na: 1\na: 2\n', /^line 3, column 1: Map keys must be unique/],
    ['an alias of nothing', '#cloud-config\na: *b\n', /b/],
    [
      'a bomb of aliases',
      `#cloud-config\na0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 8 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(',')}]`).join('\n')}\n`,
      /alias/i,
    ],
    ['a script of no absolute program', '#!python3\n', /line 1 names no program/],
    ['a script with CR LF', '#!/bin/sh\r\necho\r\n', /CR LF/],
    ['no text', '#cloud-config\na: \u0000\n', /no text/],
  ] as const)
    it(`is not ${what}`, () => {
      const read = readUserdata(text);
      assert.match('problem' in read ? read.problem : `taken as ${read.form}`, problem);
    });

  it('is every mapping that YAML can write', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), { minKeys: 1 }), (value) => {
        fc.pre(!JSON.stringify(value).includes('\\u0000'));
        assert.deepEqual(readUserdata(`#cloud-config\n${stringify(value)}`), { form: 'cloud-config' });
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', '#cloud-config\n', '#!'), (text, head) => {
        readUserdata(head + text);
      }),
    );
  });
});
