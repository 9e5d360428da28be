/**
 * One request of a guest and its answer: tokens first, then the tree. What EC2 refuses is refused: no token, or a request that
 * somebody else passes on ("Use the Instance Metadata Service"). No socket is touched.
 * @module
 */
import { type Card, issueToken, isValidToken, mostTtlS, readTtl } from './token.ts';
import { type Asking, answerOf, takesToken } from './tree.ts';

export interface Request {
  readonly method: string;
  readonly path: string;
  /** By name in small letters, as node:http has them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const tokenPath = '/latest/api/token';
const tokenHeader = 'x-aws-ec2-metadata-token';
const ttlHeader = `${tokenHeader}-ttl-seconds`;

const no = (status: number, text: string): Answer => ({ status, body: `${text}\n` });

const headerOf = ({ headers }: Request, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
};

/** @param key of the cluster @param nowMs since the epoch */
export function answerTo(request: Request, card: Card, asking: Asking, key: Uint8Array, nowMs: number): Answer {
  const { method, path } = request;
  if (request.headers['x-forwarded-for'] !== undefined) return no(403, 'ask yourself, not through a proxy');
  if (path === tokenPath) {
    if (method !== 'PUT') return no(405, 'a token is asked for with PUT');
    const ttlS = readTtl(headerOf(request, ttlHeader));
    if (ttlS === undefined) return no(400, `say in ${ttlHeader} how long it shall hold: 1 to ${mostTtlS}`);
    return { status: 200, body: issueToken(key, card, nowMs, ttlS), headers: { [ttlHeader]: String(ttlS) } };
  }
  if (method !== 'GET' && method !== 'HEAD') return no(405, 'ask with GET');
  if (takesToken(path) && !isValidToken(key, card, nowMs, headerOf(request, tokenHeader) ?? ''))
    return no(401, `ask ${tokenPath} for a token with PUT, and give it in ${tokenHeader}`);
  const text = answerOf(asking, path);
  return text === undefined ? no(404, 'there is nothing here') : { status: 200, body: text };
}
