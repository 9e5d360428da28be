/**
 * What is remembered of a document to tell later what changed in it: its plain fields as short texts, the
 * others as a checksum.
 * @module
 */

/** Field by field. */
export type Outline = ReadonlyMap<string, Mark>;

interface Mark {
  /** Whole value for people; undefined where it is too long, has parts, or is nobody's business. */
  readonly text: string | undefined;
  readonly sum: number;
}

const maxText = 60;
const secret = /secret|password|passphrase|token|hash|salt|key|credential/i;

/** Times and measurements: they change all the time and say nothing that anybody waits for. */
const restless = /Ms$|^(?:progress|load|message)$/;

/** FNV-1a over UTF-16 units, 32 bits; http://www.isthe.com/chongo/tech/comp/fnv/ */
function checksum(text: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return sum >>> 0;
}

const isPlain = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/**
 * @param half of a spec every field counts; of a status, which is written again and again, only plain
 * fields and lists do, and neither times nor measurements
 */
export function outlineOf(value: unknown, half: 'spec' | 'status'): Outline {
  const outline = new Map<string, Mark>();
  if (value === null || typeof value !== 'object') return outline;
  for (const [field, content] of Object.entries(value)) {
    if (content === undefined) continue;
    if (half === 'status' && (restless.test(field) || !(isPlain(content) || Array.isArray(content)))) continue;
    const json = JSON.stringify(content);
    const shown = isPlain(content) && !secret.test(field) ? String(content) : undefined;
    outline.set(field, {
      text: shown !== undefined && shown.length <= maxText ? shown : undefined,
      sum: checksum(json),
    });
  }
  return outline;
}

/** `state running → stopped, memoryMiB 512 → 1024, disks`; empty when nothing that counts has changed. */
export function describeChange(before: Outline, after: Outline): string {
  const parts: string[] = [];
  for (const field of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(field);
    const now = after.get(field);
    if (old?.sum === now?.sum) continue;
    const known = (old === undefined || old.text !== undefined) && (now === undefined || now.text !== undefined);
    if (!known) parts.push(field);
    else if (old === undefined) parts.push(`${field} ${quoted(now?.text)}`);
    else parts.push(`${field} ${quoted(old.text)} → ${now === undefined ? 'none' : quoted(now.text)}`);
  }
  return parts.join(', ');
}

const quoted = (text: string | undefined): string => (text === undefined || text === '' ? '""' : text);
