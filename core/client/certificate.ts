/** Asks a server for its certificate, so that a person can decide whether to trust it. @module */
import { openTls } from './connection.ts';
import { lostError } from './lost.ts';
import { addressOf } from './target.ts';

export interface SeenCertificate {
  /** SHA-256 of the certificate: `AB:CD:…`. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly validUntil: string;
  /** An authority that this machine trusts has signed it for that name. */
  readonly trusted: boolean;
}

/** Connects, looks and leaves; sends nothing. @throws PvcError API_UNREACHABLE, or the signal's reason */
export async function certificateOf(url: URL, signal: AbortSignal): Promise<SeenCertificate> {
  signal.throwIfAborted();
  const address = addressOf({ url: url.href });
  const aborted = Promise.withResolvers<never>();
  const stop = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const opening = openTls(address, signal).catch((error: unknown) => {
    throw lostError(error, { address, operation: 'a certificate', changes: false, connected: false });
  });
  try {
    const socket = await Promise.race([opening, aborted.promise]);
    const certificate = socket.getPeerCertificate();
    return {
      fingerprint: certificate.fingerprint256,
      subject: Object.entries(certificate.subject)
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(', '),
      validUntil: new Date(certificate.valid_to).toISOString(),
      trusted: socket.authorized,
    };
  } finally {
    signal.removeEventListener('abort', stop);
    opening.then(
      (socket) => socket.destroy(),
      () => undefined, // was thrown above, or nobody waits for it any more
    );
  }
}
