/**
 * How wide a text is on a terminal, cutting it to a width, and keeping what others wrote from steering
 * the terminal.
 * @module
 */

/** A colour or weight: "select graphic rendition", ECMA-48 section 8.3.117. The only sequence that output may hold. */
const sgr = '\\u001b\\[[0-9;]*m';
const sgrPattern = new RegExp(sgr, 'g');
const unsafePattern = new RegExp(
  `(${sgr})|[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]`,
  'g',
);

/** Characters that take two columns (East Asian wide and emoji, Unicode UAX #11, main blocks). */
const widePattern =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const zeroPattern = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** The text without colours. */
export const plainText = (text: string): string => text.replace(sgrPattern, '');

const charWidth = (char: string): number => (zeroPattern.test(char) ? 0 : widePattern.test(char) ? 2 : 1);

/** Columns that one line takes; colours take none. */
export function textWidth(text: string): number {
  const plain = plainText(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: printable ASCII is the common case and needs no counting
  if (/^[\u0000-\u007e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const char of plain) width += charWidth(char);
  return width;
}

/** Cuts a line to at most `width` columns, the last one an ellipsis; colours are closed again. */
export function cutText(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width <= 0) return '';
  let out = '';
  let used = 0;
  let coloured = false;
  for (const part of text.split(new RegExp(`(${sgr})`))) {
    if (part.startsWith('\u001b[')) {
      out += part;
      coloured = true;
      continue;
    }
    for (const char of part) {
      const next = charWidth(char);
      if (used + next > width - 1) return `${out}…${coloured ? '\u001b[0m' : ''}`;
      out += char;
      used += next;
    }
  }
  return out;
}

/** Fills up with spaces on the right, or on the left for numbers. */
export function padText(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const fill = ' '.repeat(Math.max(0, width - textWidth(text)));
  return side === 'right' ? text + fill : fill + text;
}

/**
 * Makes control characters visible (`\x1b`), except line feed, tab and colours: a guest's description or
 * its boot log must not move the cursor, retitle the window or reorder the line.
 */
export function safeText(text: string): string {
  return text.replace(unsafePattern, (char, colour: string | undefined) => {
    if (colour !== undefined) return colour;
    const code = char.charCodeAt(0);
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

/** Breaks at spaces so that no line is wider than `width`; longer words stay whole. Existing line breaks are kept. */
export function wrapText(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    if (textWidth(line) <= width) return [line];
    const lines: string[] = [];
    let current = '';
    for (const word of line.split(' ')) {
      const longer = current === '' ? word : `${current} ${word}`;
      if (current !== '' && textWidth(longer) > width) {
        lines.push(current);
        current = word;
      } else current = longer;
    }
    return [...lines, current];
  });
}
