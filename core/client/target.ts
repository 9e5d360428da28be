/** What a client talks to, checked before anything is sent. @module */
import type { Executor } from '../operation/execute.ts';
import type { Actor, Operation } from '../operation/operation.ts';
import { clientError } from './client-errors.ts';
import { fingerprintOf } from './fingerprint.ts';

/** The daemon of this machine. */
export interface SocketTarget {
  readonly socket: string;
}

/** The API of a cluster. */
export interface UrlTarget {
  /** `https://HOST:PORT`; a missing port is 443. */
  readonly url: string;
  readonly token?: string;
  /** SHA-256 of the only certificate that is accepted, in hexadecimal, with or without `:`. */
  readonly fingerprint?: string;
  /** Certificates (PEM) that are trusted in the place of the system's authorities. */
  readonly caPem?: string;
  /** Another node asks, for an actor: its own certificate and key (PEM) are its credentials. */
  readonly peer?: { readonly cert: string; readonly key: string; readonly actor: Actor };
}

/** No API at all: operations are done in this process, on the store. */
export interface DirectTarget {
  readonly executor: Pick<Executor, 'plan' | 'mutate' | 'query' | 'feed' | 'channel' | 'upload' | 'download'>;
  readonly actor: Actor;
}

export type ClientTarget = SocketTarget | UrlTarget | DirectTarget;

/** Finds declared operations, as `OperationRegistry` does. */
export interface OperationLookup {
  /** @throws PvcError OPERATION_UNKNOWN */
  get(name: string): Operation;
}

/** A checked address: what a connection and a request need of it. */
export interface Address {
  /** For messages. */
  readonly server: string;
  readonly local: boolean;
  readonly socketPath: string | undefined;
  readonly host: string;
  readonly port: number;
  /** What stands before `/api/v1`; mostly nothing. */
  readonly basePath: string;
  readonly fingerprint: string | undefined;
  readonly caPem: string | undefined;
  /** Whoever answers is taken as he is: only for what he says to be checked by itself. */
  readonly untrusted?: boolean;
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
}

const invalid = (reason: string) => clientError('TARGET_INVALID', { reason });

/** @throws PvcError TARGET_INVALID */
export function addressOf(target: SocketTarget | UrlTarget): Address {
  if ('socket' in target) {
    if (target.socket === '') throw invalid('the path of the socket is empty');
    return {
      server: target.socket,
      local: true,
      socketPath: target.socket,
      host: 'localhost',
      port: 80,
      basePath: '',
      fingerprint: undefined,
      caPem: undefined,
      certificate: undefined,
    };
  }
  // The address is not repeated in the message: people put secrets in front of the host.
  const url = URL.canParse(target.url) ? new URL(target.url) : undefined;
  if (url === undefined || url.protocol !== 'https:') throw invalid('the address does not begin with https://');
  if (url.username !== '' || url.password !== '')
    throw invalid('the address holds a user or a password; a token is given beside it');
  if (url.search !== '' || url.hash !== '') throw invalid('the address has something after "?" or "#"');
  const fingerprint = target.fingerprint === undefined ? undefined : fingerprintOf(target.fingerprint);
  if (target.fingerprint !== undefined && fingerprint === undefined)
    throw invalid('the fingerprint is not the SHA-256 of a certificate, 64 hexadecimal digits');
  return {
    server: url.origin,
    local: false,
    socketPath: undefined,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 443 : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
    fingerprint,
    caPem: target.caPem,
    certificate: target.peer,
  };
}

/** The headers that say who asks (RFC 6750 section 2.1). @throws PvcError TARGET_INVALID */
export function credentials(target: SocketTarget | UrlTarget): Readonly<Record<string, string>> {
  if ('socket' in target) return {};
  if (target.peer !== undefined) return { 'pvc-actor': JSON.stringify(target.peer.actor) };
  if (target.token === undefined) return {};
  if (!/^[\u0021-\u007e]+$/.test(target.token)) throw invalid('the token is not one word of printable ASCII');
  return { authorization: `Bearer ${target.token}` };
}
