/** What of signing is part of a zone. Pure. @module */
import type { Doc } from '../../../core/plugin/api.ts';
import type { SigningSpec } from './signing-kind.ts';

/** How the zones are signed now. */
export interface Signing {
  /** The public keys of each signed zone, Base64, the oldest first. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  readonly week: number;
}

const weekMs = 7 * 86_400_000;

/**
 * PowerDNS signs for three weeks, from the one before the present one on, and anew each Thursday, 0:00 UTC. A secondary
 * has to fetch the new signatures then, so the week is part of what a serial stands for.
 */
export const weekOf = (nowMs: number): number => Math.floor(nowMs / weekMs);

export const signingOf = (docs: readonly Doc<SigningSpec, null>[], week: number): Signing => ({
  keys: new Map(docs.map(({ id, spec }) => [id, spec.keys.map(({ publicKey }) => publicKey)])),
  week,
});
