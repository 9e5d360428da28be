/** Broken and refused connections as errors for people: what is certain, and what is not. @module */
import { errorText, PvcError } from '../error/error.ts';
import { clientError } from './client-errors.ts';
import type { Address } from './target.ts';

export interface LostCall {
  readonly address: Pick<Address, 'server' | 'local'>;
  readonly operation: string;
  /** It is a mutation, so that a lost answer leaves open whether it was done. */
  readonly changes: boolean;
  /** There was a connection, so that the request may have arrived. */
  readonly connected: boolean;
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOENT: 'there is no such socket',
  ENOTSOCK: 'that is no socket',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'it cannot be reached in time',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to its network',
  ENOTFOUND: 'no such host is known',
  EAI_AGAIN: 'the name server does not answer',
};

const codeOf = (error: unknown): string | undefined => {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (code !== undefined && !(at instanceof PvcError)) return code;
  }
  return undefined;
};

/** Refused or cut: worth another try where nothing can have been changed. */
export const passing = (error: unknown): boolean =>
  ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(codeOf(error) ?? '');

/** The system's own words may be long; the code in plain words where it is a common one. */
export const lostReason = (error: unknown): string => words[codeOf(error) ?? ''] ?? errorText(error);

/** The error to throw for a connection that could not be made or broke. */
export function lostError(error: unknown, { address, operation, changes, connected }: LostCall): PvcError {
  if (error instanceof PvcError) return error;
  const { server, local } = address;
  const cause = { cause: error };
  if (connected && changes) return clientError('ANSWER_LOST', { server, operation }, cause);
  if (local && ['EACCES', 'EPERM'].includes(codeOf(error) ?? ''))
    return clientError('DAEMON_DENIED', { server }, cause);
  return clientError(local ? 'DAEMON_DOWN' : 'API_UNREACHABLE', { server, reason: lostReason(error) }, cause);
}
