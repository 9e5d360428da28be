/**
 * Tokens of the metadata service, as EC2 has them since IMDSv2 ("Use the Instance Metadata Service"): whoever can only make a
 * program in the guest fetch a URL cannot get one, for that takes a PUT. A token holds for one card, and any node
 * knows those of all: it is its own end and an HMAC (RFC 2104) over card and end, by a key of the cluster. Pure.
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Whose token it is. */
export interface Card {
  /** The number of its network. */
  readonly vni: string;
  readonly mac: string;
}

/** Seconds, as EC2 has it: six hours. */
export const mostTtlS = 21_600;

const shape = /^([0-9a-z]{1,11})\.([A-Za-z0-9_-]{43})$/;

const seal = (key: Uint8Array, { vni, mac }: Card, end: string): Buffer =>
  createHmac('sha256', key).update(`pvc metadata\n${vni}\n${mac}\n${end}`).digest();

/** @param nowMs since the epoch @param ttlS 1 to `mostTtlS` */
export function issueToken(key: Uint8Array, card: Card, nowMs: number, ttlS: number): string {
  const end = (Math.floor(nowMs / 1000) + ttlS).toString(36);
  return `${end}.${seal(key, card, end).toString('base64url')}`;
}

/** Whether it is a token of that card whose time is not over. @param nowMs since the epoch */
export function isValidToken(key: Uint8Array, card: Card, nowMs: number, token: string): boolean {
  const [, end, sum] = shape.exec(token) ?? [];
  if (end === undefined || sum === undefined) return false;
  const given = Buffer.from(sum, 'base64url');
  const own = seal(key, card, end);
  return given.length === own.length && timingSafeEqual(given, own) && Number.parseInt(end, 36) * 1000 > nowMs;
}

/** The life time that a request asks for, in seconds; undefined: it is none. */
export function readTtl(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,4}$/.test(text)) return undefined;
  const seconds = Number(text);
  return seconds <= mostTtlS ? seconds : undefined;
}
