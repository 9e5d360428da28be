import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PvcError } from '../error/error.ts';
import { parseJson } from './json-text.ts';

const mistake = (text: string): string => {
  try {
    parseJson(text);
  } catch (error) {
    assert.ok(error instanceof PvcError && error.code === 'JSON_MALFORMED');
    return error.message;
  }
  throw new Error(`${text} was taken`);
};

describe('parseJson', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) =>
        assert.deepEqual(parseJson(JSON.stringify(value, undefined, 1)), JSON.parse(JSON.stringify(value))),
      ),
    );
  });

  it('refuses exactly what JSON.parse refuses', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u00e9"',
      '"\\x"',
      '1',
      '-0',
      '01',
      '1.',
      '1e5',
      'true',
      'nul',
      'null',
      ' ',
      '\n',
      '\t',
      "'",
      '"',
      'é',
      '\u00a0',
    );
    const text = fc.array(pieces, { maxLength: 10 }).map((parts) => parts.join(''));
    const takes = (parse: (text: string) => unknown, input: string): boolean => {
      try {
        parse(input);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          fc.json().chain((json) => fc.nat(json.length).map((at) => json.slice(0, at) + json.slice(at + 1))),
        ),
        (input) => {
          assert.equal(takes(parseJson, input), takes(JSON.parse, input), input);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('names the place', () => {
    assert.match(mistake('{"a":1,}'), /expected name at line 1, column 8 \(byte 7\)/);
    assert.match(mistake('{\n  "é": tru\n}'), /expected value at line 2, column 8 \(byte 10\)/);
    assert.match(mistake('[1 2]'), /expected , or \] at line 1, column 4/);
    assert.match(mistake('{"a":1'), /it ends where , or } is expected at line 1, column 7/);
    assert.match(mistake('{} {}'), /expected the end at line 1, column 4/);
    assert.match(mistake(''), /it ends where value is expected/);
  });

  it('refuses what is nested too deep, whatever its size', () => {
    assert.match(mistake('['.repeat(500_000)), /more than 64 levels/);
    assert.doesNotThrow(() => parseJson('['.repeat(64) + ']'.repeat(64)));
  });

  it('keeps a field named __proto__ a field', () => {
    assert.deepEqual(Object.keys(parseJson('{"__proto__": 1}') as object), ['__proto__']);
  });
});
