import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cutText, padText, plainText, safeText, textWidth, wrapText } from './text-width.ts';

describe('text width', () => {
  it('counts columns, not characters', () => {
    assert.equal(textWidth('abc'), 3);
    assert.equal(textWidth('日本'), 4);
    assert.equal(textWidth('e\u0301'), 1);
    assert.equal(textWidth('\u001b[32mok\u001b[0m'), 2);
    assert.equal(textWidth('🚀'), 2);
  });

  it('cuts with an ellipsis and closes the colour', () => {
    assert.equal(cutText('abcdef', 4), 'abc…');
    assert.equal(cutText('abc', 3), 'abc');
    assert.equal(cutText('\u001b[31mfailed\u001b[0m', 4), '\u001b[31mfai…\u001b[0m');
    assert.equal(cutText('日本語', 4), '日…');
    assert.equal(cutText('abc', 0), '');
  });

  it('never gives more than the width', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 30 }),
        (text, width) => textWidth(cutText(text, width)) <= Math.max(width, 0),
      ),
    );
  });

  it('pads on either side', () => {
    assert.equal(padText('日', 4), '日  ');
    assert.equal(padText('7', 3, 'left'), '  7');
  });

  it('wraps at spaces and leaves long words whole', () => {
    assert.deepEqual(wrapText('one two three', 7), ['one two', 'three']);
    assert.deepEqual(wrapText('abcdefghij k', 4), ['abcdefghij', 'k']);
    assert.deepEqual(wrapText('a\nb', 4), ['a', 'b']);
  });

  it('shows control characters instead of sending them', () => {
    assert.equal(safeText('a\u001b]0;title\u0007b'), 'a\\x1b]0;title\\x07b');
    assert.equal(safeText('a\u001b[2Jb'), 'a\\x1b[2Jb');
    assert.equal(safeText('\u001b[31mred\u001b[0m\n\tx'), '\u001b[31mred\u001b[0m\n\tx');
    assert.equal(safeText('abc\u202edef'), 'abc\\u202edef');
    assert.equal(safeText('\r\u009b2J'), '\\x0d\\x9b2J');
  });

  it('lets no control character through but line feed, tab and colours', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
        assert.doesNotMatch(plainText(safeText(text)), /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 50 },
    );
  });
});
