/** Fetches the certificate of a cluster's authority from a server that is not trusted yet. @module */
import { createHash, X509Certificate } from 'node:crypto';
import { clientError } from './client-errors.ts';
import { agentOf } from './connection.ts';
import { AskFailed, ask, textOf } from './exchange.ts';
import { lostError } from './lost.ts';
import { addressOf } from './target.ts';

/**
 * The certificate (PEM), provided that it has the fingerprint: whoever answers can then prove himself by it. Nothing
 * but the question is sent. @throws PvcError API_UNREACHABLE, CERTIFICATE_MISMATCH
 */
export async function fetchAuthority(url: string, sha256: string, signal: AbortSignal): Promise<string> {
  const address = { ...addressOf({ url }), untrusted: true };
  const agent = agentOf(address, false);
  try {
    const head = await ask({ address, agent, method: 'GET', path: '/ca.pem', headers: {}, signal });
    const pem = await textOf(head);
    const found = fingerprintOfPem(pem);
    if (head.statusCode !== 200 || found !== sha256)
      throw clientError('CERTIFICATE_MISMATCH', { server: address.server, found: found ?? 'none', expected: sha256 });
    return pem;
  } catch (error) {
    if (!(error instanceof AskFailed)) throw error;
    throw lostError(error.cause, {
      address,
      operation: 'the certificate of its authority',
      changes: false,
      connected: error.connected,
    });
  } finally {
    agent.destroy();
  }
}

function fingerprintOfPem(pem: string): string | undefined {
  try {
    return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
  } catch {
    // Some other page: its fingerprint is none.
    return undefined;
  }
}
