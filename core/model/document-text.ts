/**
 * Documents as the store keeps them: JSON with a shape version. Older shapes are migrated as they are
 * read; fields that this version does not know (a newer node wrote them) are set aside and put back
 * when the document is written again, so that a mixed-version cluster loses nothing.
 * @module
 */
import type { z } from 'zod';
import { copyPlain } from './copy-plain.ts';
import { frozen } from './frozen.ts';
import { type AnyKind, modelError } from './kind.ts';
import { TextMemo } from './text-memo.ts';

/** A field that this version does not know, and where it stood. */
export interface ForeignField {
  readonly path: readonly PropertyKey[];
  readonly key: string;
  readonly value: unknown;
}

export interface Decoded<T> {
  readonly value: T;
  readonly foreign: readonly ForeignField[];
  /** The shape that it was written in; above the kind's own version it must not be written back. */
  readonly shape: number;
  /** @see Doc.life */
  readonly life: string | undefined;
}

/** What is written beside the value. */
export interface Carried {
  readonly foreign?: readonly ForeignField[];
  readonly life?: string;
}

interface Envelope {
  readonly v: number;
  readonly life?: string;
  readonly d: unknown;
}

type Half = 'spec' | 'status';

const at = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (node, step) =>
      node === null || typeof node !== 'object' ? undefined : (node as Record<PropertyKey, unknown>)[step],
    root,
  );

/** Problems of a value in one line each: `disks.0.target: …`. */
export function issueLines(error: z.ZodError): string[] {
  return error.issues.map((issue) =>
    issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`,
  );
}

/** In characters of each half of a kind: five thousand guests. */
const mostRemembered = 2 ** 22;
const remembered = new WeakMap<AnyKind, Readonly<Record<Half, TextMemo<Decoded<unknown>>>>>();

/**
 * The same text gives the same objects, to whoever asks; they are frozen.
 * @throws PvcError DOCUMENT_UNREADABLE when the text is no such document or of a newer shape.
 */
export function decodeDocument<T>(kind: AnyKind, half: Half, id: string, text: string): Decoded<T> {
  let memos = remembered.get(kind);
  if (memos === undefined) {
    memos = { spec: new TextMemo(mostRemembered), status: new TextMemo(mostRemembered) };
    remembered.set(kind, memos);
  }
  return memos[half].get(text, () => understand<T>(kind, half, id, text)) as Decoded<T>;
}

function understand<T>(kind: AnyKind, half: Half, id: string, text: string): Decoded<T> {
  const bad = (reason: string, cause?: unknown) =>
    modelError('DOCUMENT_UNREADABLE', { kind: kind.name, id, reason }, { cause });
  let envelope: Envelope;
  try {
    envelope = JSON.parse(text) as Envelope;
  } catch (cause) {
    throw bad('not JSON', cause);
  }
  if (envelope === null || typeof envelope !== 'object' || typeof envelope.v !== 'number')
    throw bad('no version in it');
  if (envelope.life !== undefined && !/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(envelope.life))
    throw bad('its life is no word');
  let data = envelope.d;
  const migrations = (half === 'spec' ? kind.migrateSpec : kind.migrateStatus) ?? {};
  for (let version = envelope.v; version < kind.version; version += 1) data = migrations[version]?.(data) ?? data;

  const schema = (half === 'spec' ? kind.spec : kind.status) as z.ZodType<T>;
  const foreign: ForeignField[] = [];
  // Each round takes away the unknown fields that the schema named; nested ones appear in the next.
  for (let round = 0; round < 8; round += 1) {
    const parsed = schema.safeParse(data);
    if (parsed.success)
      return { value: frozen(parsed.data), foreign: frozen(foreign), shape: envelope.v, life: envelope.life };
    const unknown = parsed.error.issues.filter((issue) => issue.code === 'unrecognized_keys');
    if (unknown.length !== parsed.error.issues.length) throw bad(issueLines(parsed.error).join('; '));
    for (const issue of unknown) {
      const holder = at(data, issue.path) as Record<string, unknown>;
      for (const key of issue.keys) {
        foreign.push({ path: issue.path, key, value: holder[key] });
        delete holder[key];
      }
    }
  }
  throw bad('too many unknown fields');
}

/**
 * @param shape the version to write it in, at most the kind's own
 * @throws PvcError DOCUMENT_INVALID when the value is not what the kind allows; DOCUMENT_HELD_BACK when the shape cannot express it
 */
export function encodeDocument(
  kind: AnyKind,
  half: Half,
  id: string,
  value: unknown,
  shape: number,
  { foreign = [], life }: Carried = {},
): string {
  const schema = (half === 'spec' ? kind.spec : kind.status) as z.ZodType<unknown>;
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const lines = issueLines(parsed.error);
    throw modelError('DOCUMENT_INVALID', { kind: kind.name, id, reason: lines.join('; ') }, { details: lines });
  }
  const data = copyPlain(parsed.data);
  for (const field of foreign) {
    const holder = at(data, field.path);
    if (holder !== null && typeof holder === 'object' && !(field.key in holder)) {
      (holder as Record<string, unknown>)[field.key] = field.value;
    }
  }
  const mark = life === undefined ? {} : { life };
  return JSON.stringify({ v: shape, ...mark, d: older(kind, half, id, data, shape) } satisfies Envelope);
}

function older(kind: AnyKind, half: Half, id: string, newest: unknown, shape: number): unknown {
  const reverts = (half === 'spec' ? kind.revertSpec : kind.revertStatus) ?? {};
  let data = newest;
  try {
    for (let version = kind.version - 1; version >= shape; version -= 1) data = reverts[version]?.(data) ?? data;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw modelError('DOCUMENT_HELD_BACK', { kind: kind.name, id, reason }, { cause });
  }
  return data;
}
