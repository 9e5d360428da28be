/**
 * One request to a BMC over HTTPS, by curl. What it is told, user and password among it, comes by standard input as a
 * configuration (curl(1), `--config -`): arguments are public.
 * @module
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { BmcAccess, Host } from '../../core/plugin/api.ts';
import { curlTrouble, Refused } from './redfish-answers.ts';

export interface BmcRequest {
  readonly path: string;
  /** What is told; without it the path is read. */
  readonly tell?: Tell;
}

/** POST carries out an action, PATCH changes settings (DSP0266, "HTTP methods"). */
export interface Tell {
  readonly method: 'POST' | 'PATCH';
  readonly body: Readonly<Record<string, unknown>>;
}

/** Core ends an attempt earlier, and another attempt is made of several requests: this only bounds one. */
const requestS = 8;
const runMs = 15_000;
/** A system's description is some ten KiB. */
const maxBytes = 1024 * 1024;

/** `-q` first: root's own .curlrc is not read. */
const argv = ['curl', '-q', '--config', '-'] as const;

/** A value in curl's configuration: in quotes, with what is special in them escaped. */
const quoted = (text: string): string =>
  `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}"`;

const urlOf = ({ address, port }: BmcAccess, path: string): string =>
  `https://${address.includes(':') ? `[${address}]` : address}${port === undefined ? '' : `:${port}`}${path}`;

/** Lines without a value are switches. */
const configuration = (lines: readonly (string | readonly [string, string])[]): string =>
  lines.map((line) => (typeof line === 'string' ? `${line}\n` : `${line[0]} = ${quoted(line[1])}\n`)).join('');

const common = (bmc: BmcAccess, path: string) =>
  [
    ['url', urlOf(bmc, path)],
    ['proto', '=https'],
    ['noproxy', '*'],
    ['max-time', String(requestS)],
    ...['silent', 'show-error', 'globoff', 'path-as-is', 'tlsv1.2', 'http1.1'],
  ] as const;

/** What curl is told. Without a pin the certificate has to be vouched for by an authority that the system trusts. */
export function configFor(bmc: BmcAccess, { path, tell }: BmcRequest): string {
  return configuration([
    ...common(bmc, path),
    ...(bmc.pin === undefined ? [] : (['insecure', ['pinnedpubkey', bmc.pin]] as const)),
    'basic',
    ['user', `${bmc.user}:${bmc.password}`],
    ['header', 'Accept: application/json'],
    ['header', 'OData-Version: 4.0'],
    ...(tell === undefined
      ? []
      : ([
          // With data curl posts by itself.
          ...(tell.method === 'POST' ? [] : ([['request', tell.method]] as const)),
          ['header', 'Content-Type: application/json'],
          ['data-raw', JSON.stringify(tell.body)],
        ] as const)),
    ['write-out', '\n%{http_code}'],
  ]);
}

/**
 * @returns status and body of the answer, whatever the status is; redirects are not followed
 * @throws Refused when there is no answer, or more than 1 MiB of it
 */
export async function requestOf(
  { processes }: Pick<Host, 'processes'>,
  bmc: BmcAccess,
  request: BmcRequest,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const { code, stderr } = await processes.exec([...argv], {
    timeoutMs: runMs,
    input: configFor(bmc, request),
    signal,
    takeOutput: async (piece) => {
      bytes += piece.length;
      if (bytes > maxBytes) throw new Refused('BMC_FAILED', `it answers more than ${maxBytes / 1024 / 1024} MiB`);
      pieces.push(piece);
    },
  });
  if (code !== 0) throw curlTrouble(code, stderr);
  const output = Buffer.concat(pieces).toString('utf8');
  const end = output.lastIndexOf('\n');
  return { status: Number(output.slice(end + 1)), text: output.slice(0, end) };
}

/**
 * The pin (`sha256//…`, of the public key: RFC 7469, 2.4) of who answers there, for a person to compare. Neither user nor
 * password is sent.
 * @returns undefined when nobody shows a certificate
 */
export async function shownPin(
  { processes }: Pick<Host, 'processes'>,
  bmc: BmcAccess,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { code, stdout } = await processes.exec([...argv], {
    timeoutMs: runMs,
    input: configuration([
      ...common(bmc, '/redfish/v1/'),
      'insecure',
      ['output', '/dev/null'],
      ['write-out', '%{certs}'],
    ]),
    signal,
  });
  // The first is the one of the server itself.
  const [pem] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(stdout) ?? [];
  return code !== 0 || pem === undefined ? undefined : pinOf(pem);
}

/** @param pem a certificate */
export function pinOf(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256//${createHash('sha256').update(key).digest('base64')}`;
}
