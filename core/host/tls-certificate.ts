/** Looks at the certificate of a TLS server, before it is decided whether to trust it. @module */
import { connect } from 'node:tls';
import { hostError } from './errors.ts';

export interface ShownCertificate {
  /** SHA-256 of the certificate: `AB:CD:…`. */
  readonly fingerprint: string;
  readonly subject: string;
  /** As the certificate says it: `Mar  1 12:00:00 2030 GMT`. */
  readonly validUntil: string;
  /** Signed for that name by an authority that this machine trusts. */
  readonly trusted: boolean;
}

/**
 * Shakes hands and hangs up; nothing is sent.
 * @throws PvcError CONNECT_FAILED
 */
export function shownCertificate(url: URL, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<ShownCertificate> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || 443);
  return new Promise((resolve, reject) => {
    const failed = (reason: string, cause?: unknown): void => reject(hostError('CONNECT_FAILED', { target: `${url.hostname}:${port}`, reason }, { cause }));
    // Any certificate is let through here: the caller shows it to somebody who decides.
    const socket = connect({ host, port, rejectUnauthorized: false, ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }) });
    const hangUp = (): void => void socket.destroy(options.signal.reason as Error);
    options.signal.addEventListener('abort', hangUp, { once: true });
    socket.setTimeout(options.timeoutMs, () => socket.destroy(new Error('no answer in time')));
    socket.once('error', (error) => failed(error.message, error));
    socket.once('close', () => {
      options.signal.removeEventListener('abort', hangUp);
      failed('the connection was closed');
    });
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate();
      if (certificate.fingerprint256 === undefined) failed('it shows no certificate');
      else {
        const name = certificate.subject?.CN;
        resolve({
          fingerprint: certificate.fingerprint256,
          subject: Array.isArray(name) ? name.join(', ') : (name ?? '(no name)'),
          validUntil: certificate.valid_to,
          trusted: socket.authorized,
        });
      }
      socket.destroy();
    });
  });
}
