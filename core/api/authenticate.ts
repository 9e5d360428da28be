/** Tells who asks: root on the unix socket, the bearer of a token over HTTPS. @module */

import { z } from 'zod';
import { parseToken, secretMatches } from '../cluster/token.ts';
import { token } from '../cluster/token-kind.ts';
import { defineErrors } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import type { Logger } from '../host/log.ts';
import { node } from '../model/node-kind.ts';
import { roles } from '../operation/operation.ts';
import type { Documents } from '../store/documents.ts';
import type { Authenticate } from './caller.ts';
import { FailureLimit, type FailureLimitOptions } from './failure-limit.ts';
import { withHeaders } from './problem.ts';

export const tokenError = defineErrors({
  TOKEN_NEEDED: {
    message: 'This needs a token.',
    hint: 'Send it as "Authorization: Bearer pvc_…". An administrator makes one with `pvc token create NAME --role ROLE`.',
    http: 401,
    exit: 'denied',
  },
  TOKEN_REFUSED: {
    message: 'This token is not valid.',
    hint: 'It may be mistyped, removed or expired: see `pvc token list` as an administrator.',
    http: 401,
    exit: 'denied',
  },
  PEER_UNKNOWN: {
    message: 'Only a node of this cluster may ask for somebody else.',
    hint: 'The caller has shown no certificate of this cluster, or its node was removed.',
    http: 403,
    exit: 'denied',
  },
  TOO_MANY_FAILURES: {
    message: 'Too many wrong tokens came from this address; it may try again in {seconds} s.',
    hint: 'Look for the program there that uses an old token.',
    http: 429,
    exit: 'denied',
  },
});

/** What `Pvc-Actor` holds: the caller as the node that passes the request on has found. */
const onBehalfActor = z.strictObject({
  name: z.string().min(1).max(200),
  role: z.enum(roles),
  via: z.enum(['socket', 'https', 'store', 'internal']),
});

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface AuthenticateParts {
  readonly documents: Pick<Documents, 'get'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limit?: FailureLimitOptions;
}

const challenge = { 'www-authenticate': 'Bearer realm="pvc"' };

/**
 * Unknown, wrong and expired tokens get one and the same answer. A store that does not answer is an
 * error of its own (STORE_UNAVAILABLE), not a refusal.
 */
export function createAuthenticate(parts: AuthenticateParts): Authenticate {
  const { documents, clock, log } = parts;
  const limit = new FailureLimit(clock, parts.limit);
  return async ({ door, remote, authorization, peer, onBehalf }) => {
    if (door === 'socket') return { name: 'root', role: 'admin', via: 'socket' };
    if (onBehalf !== undefined) {
      // A node that was removed keeps its certificate, and is a stranger all the same.
      if (peer === undefined || (await documents.get(node, peer)) === undefined) throw tokenError('PEER_UNKNOWN');
      const actor = onBehalfActor.safeParse(parsedJson(onBehalf));
      if (!actor.success) throw tokenError('PEER_UNKNOWN');
      log.debug('asked by another node', { node: peer, for: actor.data.name });
      return actor.data;
    }
    if (authorization === undefined) throw withHeaders(tokenError('TOKEN_NEEDED'), challenge);
    const blockedMs = limit.blockedMs(remote);
    if (blockedMs > 0) {
      const seconds = Math.ceil(blockedMs / 1000);
      throw withHeaders(tokenError('TOO_MANY_FAILURES', { seconds }), { 'retry-after': String(seconds) });
    }
    // RFC 9110 section 11.1: the scheme's case does not matter.
    const given = parseToken(/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '');
    const doc = given === undefined ? undefined : await documents.get(token, given.id);
    const matches = secretMatches(given?.secret ?? '', doc?.spec.hash);
    const expired = doc?.spec.expiresMs !== undefined && doc.spec.expiresMs <= clock.wallMs();
    if (doc !== undefined && matches && !expired) return { name: doc.spec.name, role: doc.spec.role, via: 'https' };
    limit.failed(remote);
    log.warn('a token was refused', { remote, reason: doc === undefined ? 'unknown' : expired ? 'expired' : 'wrong' });
    throw withHeaders(tokenError('TOKEN_REFUSED'), { 'www-authenticate': 'Bearer realm="pvc", error="invalid_token"' });
  };
}
