/** The text of tokens: `pvc_<id>_<secret>`, made, taken apart, compared. @module */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Role } from '../operation/operation.ts';
import type { TokenSpec } from './token-kind.ts';

const idAlphabet = '0123456789abcdefghijklmnopqrstuvwxyz';
const idLength = 12;
const secretBytes = 32;

export interface NewToken {
  readonly id: string;
  /** What its bearer gets, once. */
  readonly text: string;
  /** What the store keeps. */
  readonly spec: TokenSpec;
}

export interface TokenRequest {
  readonly name: string;
  readonly role: Role;
  readonly nowMs: number;
  readonly createdBy: string;
  /** Absent: never. */
  readonly expiresMs?: number;
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Makes a token from random bytes (`host.random.bytes`, or a plan's `context.bytes`). */
export function makeToken(bytes: (length: number) => Uint8Array, request: TokenRequest): NewToken {
  // The id only has to differ from others; that 256 is no multiple of 36 does no harm.
  const id = Array.from(bytes(idLength), (byte) => idAlphabet[byte % 36]).join('');
  const secret = Buffer.from(bytes(secretBytes)).toString('base64url');
  const { name, role, nowMs, createdBy, expiresMs } = request;
  return {
    id,
    text: `pvc_${id}_${secret}`,
    spec: {
      name,
      role,
      hash: hashOf(secret),
      createdMs: Math.round(nowMs),
      createdBy,
      ...(expiresMs === undefined ? {} : { expiresMs: Math.round(expiresMs) }),
    },
  };
}

const shape = /^pvc_([0-9a-z]{12})_([A-Za-z0-9_-]{43})$/;

/** Id and secret, undefined when the text is no token. */
export function parseToken(text: string): { id: string; secret: string } | undefined {
  const [, id, secret] = shape.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** Compares in the same time whatever differs; a token that does not exist (undefined) is compared as well. */
export function secretMatches(secret: string, hash: string | undefined): boolean {
  const given = Buffer.from(hashOf(secret), 'hex');
  const stored = hash === undefined ? Buffer.alloc(given.length) : Buffer.from(hash, 'hex');
  return timingSafeEqual(given, stored) && hash !== undefined;
}
