/** The text of a join token: where the cluster is, by what it is known, and the secret that lets one machine in. @module */
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';

const joinTokenError = defineErrors({
  JOIN_TOKEN_INVALID: {
    message: 'This is not a join token, or not the whole of it.',
    hint: 'Make one on a node of the cluster with `pvc node token --role ROLE`, and copy all of it.',
    http: 422,
    exit: 'usage',
  },
});

const content = z.strictObject({
  /** Of coordinators: `https://10.0.0.11:7370`. */
  urls: z.array(z.url()).min(1),
  /** SHA-256 of the certificate of the cluster's authority. */
  ca: z.string().regex(/^[0-9a-f]{64}$/),
  token: z.string(),
});
export type JoinToken = z.infer<typeof content>;

const prefix = 'pvcjoin_';

export const joinTokenText = (value: JoinToken): string =>
  `${prefix}${Buffer.from(JSON.stringify(content.parse(value))).toString('base64url')}`;

/** @throws PvcError JOIN_TOKEN_INVALID; the text is not repeated, it is a secret */
export function parseJoinToken(text: string): JoinToken {
  try {
    if (!text.startsWith(prefix)) throw new Error('no prefix');
    return content.parse(JSON.parse(Buffer.from(text.slice(prefix.length), 'base64url').toString('utf8')));
  } catch (error) {
    throw joinTokenError('JOIN_TOKEN_INVALID', {}, { cause: error });
  }
}
