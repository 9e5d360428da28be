/**
 * What is looked for in the text before it is parsed, because the parser would let it pass: document
 * types, unknown entities, characters that XML forbids. Each is reported with its place.
 * @module
 */
import { domainError } from './errors.ts';

/** A guest's XML is some kilobytes; this bounds the work on hostile input. */
export const maxXmlChars = 1024 * 1024;

/** Line and column, both from 1. */
export function placeOf(text: string, index: number): { line: number; column: number } {
  const before = text.slice(0, Math.max(0, index));
  const lastBreak = before.lastIndexOf('\n');
  return { line: before.split('\n').length, column: before.length - lastBreak };
}

/** Quoting what was found may quote the whole file. */
const maxReasonChars = 200;

export const malformed = (text: string, index: number, reason: string): Error =>
  domainError('VM_XML_MALFORMED', {
    ...placeOf(text, index),
    reason: reason.length > maxReasonChars ? `${reason.slice(0, maxReasonChars)} …` : reason,
  });

const blank = (part: string): string => part.replace(/[^\n]/g, ' ');

/** What holds text that is no markup: how it begins, how it ends, what it is called. */
const opaque = [
  ['<!--', '-->', 'a comment'],
  ['<![CDATA[', ']]>', 'a CDATA section'],
  ['<?', '?>', 'a processing instruction'],
] as const;

function checkComment(text: string, at: number, comment: string): void {
  const bad = comment.includes('--') || comment.endsWith('-') || comment.startsWith('>') || comment.startsWith('->');
  if (bad) throw malformed(text, at, 'a comment may not hold "--"; it ends with "-->"');
}

/**
 * Comments, CDATA sections and processing instructions are blanked, so that what remains is markup and
 * text. One pass from left to right, so that hostile input costs no more than its length.
 */
function maskOpaque(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    const kind = opaque.find(([opening]) => text.startsWith(opening, at));
    if (kind === undefined) {
      at += 1;
      continue;
    }
    const [opening, closing, what] = kind;
    const end = text.indexOf(closing, at + opening.length);
    if (end === -1) throw malformed(text, at, `${what} that does not end`);
    if (opening === '<!--') checkComment(text, at, text.slice(at + opening.length, end));
    const after = end + closing.length;
    parts.push(text.slice(from, at), blank(text.slice(at, after)));
    from = after;
    at = after;
  }
  parts.push(text.slice(from));
  return parts.join('');
}

const isXmlChar = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff);

const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const reference = /&(?:#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));/g;

/** Replaces the five entities of XML and character references; `scan` has refused everything else. */
export const decodeReferences = (text: string): string =>
  text.replace(reference, (_whole, decimal: string | undefined, hex: string | undefined, name: string | undefined) => {
    if (name !== undefined) return named[name] as string;
    return String.fromCodePoint(
      decimal === undefined ? Number.parseInt(hex as string, 16) : Number.parseInt(decimal, 10),
    );
  });

/** @throws PvcError VM_XML_MALFORMED for what no domain XML may hold. */
export function scan(text: string): void {
  if (text.length > maxXmlChars) throw malformed(text, 0, `the text is longer than ${maxXmlChars} characters`);
  const control = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.exec(text);
  if (control !== null)
    throw malformed(
      text,
      control.index,
      `the character U+${(control[0].codePointAt(0) ?? 0).toString(16).padStart(4, '0')} is not allowed`,
    );
  const rest = maskOpaque(text);
  const declaration = rest.indexOf('<!');
  if (declaration !== -1) throw malformed(text, declaration, 'a document type or an entity definition is refused');
  for (const found of rest.matchAll(/&[^;&<\s]{0,32};?/g)) {
    const [whole] = found;
    const parts = new RegExp(`^${reference.source}$`).exec(whole);
    if (parts === null)
      throw malformed(text, found.index, `"${whole}" is no known entity; write "&amp;" for a plain "&"`);
    const code =
      parts[3] === undefined ? Number.parseInt(parts[1] ?? (parts[2] as string), parts[1] === undefined ? 16 : 10) : 32;
    if (!isXmlChar(code)) throw malformed(text, found.index, `"${whole}" is a character that XML forbids`);
  }
}
