/** Certificates for the HTTPS API: a CA of the cluster's own, and one certificate a node, signed by it. @module */
import { createHash, createPrivateKey, createPublicKey, webcrypto, X509Certificate } from 'node:crypto';
import { provideReflectMetadata } from './reflect-metadata.ts';

/** PEM texts. */
export interface CertificatePair {
  readonly cert: string;
  /** PKCS #8; a secret. */
  readonly key: string;
}

export interface NodeCertificateRequest {
  /** Name of the node: the subject, and the first DNS name. */
  readonly name: string;
  /** IP addresses that it is reached at. */
  readonly addresses: readonly string[];
  readonly dnsNames: readonly string[];
  readonly nowMs: number;
}

const dayMs = 86_400_000;
/** Valid from a day ago: clocks of machines that meet for the first time differ. */
const startsBeforeMs = dayMs;
const caYears = 10;
const nodeYears = 2;

/** ECDSA on P-256: what every TLS library takes. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Loaded when a certificate is made, which is about once in the life of a node. */
async function loadX509() {
  provideReflectMetadata();
  return import('@peculiar/x509');
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

const validity = (nowMs: number, years: number) => ({
  notBefore: new Date(nowMs - startsBeforeMs),
  notAfter: new Date(nowMs + years * 365 * dayMs),
});

/** A self-signed CA, valid for ten years, that may sign end certificates only. */
export async function makeCa({
  name,
  nowMs,
}: {
  readonly name: string;
  readonly nowMs: number;
}): Promise<CertificatePair> {
  const x509 = await loadX509();
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`PVC ${name} CA`] }],
    ...validity(nowMs, caYears),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${certificate.toString('pem')}\n`, key: await keyPem(keys.privateKey) };
}

/** A certificate for servers and clients, valid for two years, with all names and addresses as SAN (RFC 5280 section 4.2.1.6). */
export async function makeNodeCertificate(
  ca: CertificatePair,
  { name, addresses, dnsNames, nowMs }: NodeCertificateRequest,
): Promise<CertificatePair> {
  const keys = await newKeys();
  return {
    cert: await sign(ca, { name, addresses, dnsNames, nowMs }, keys.publicKey),
    key: await keyPem(keys.privateKey),
  };
}

/** A key of this machine and the request to certify it (PKCS #10, RFC 2986): the key itself never leaves. */
export async function makeRequest(
  name: string,
  keyText?: string,
): Promise<{ readonly request: string; readonly key: string }> {
  const x509 = await loadX509();
  const keys = keyText === undefined ? await newKeys() : await keysOf(keyText);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: algorithm,
  });
  return { request: request.toString('pem'), key: keyText ?? (await keyPem(keys.privateKey)) };
}

async function keysOf(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = createPrivateKey(pem);
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', der, algorithm, true, ['verify']),
  };
}

/** SHA-256 of the public key in a request, hexadecimal; undefined when it is none or its signature is wrong. */
export async function requestKey(request: string): Promise<string | undefined> {
  const x509 = await loadX509();
  try {
    const parsed = new x509.Pkcs10CertificateRequest(request);
    if (!(await parsed.verify())) return undefined;
    return createHash('sha256').update(Buffer.from(parsed.publicKey.rawData)).digest('hex');
  } catch {
    // Whatever it is, it is no request.
    return undefined;
  }
}

/** Certifies the public key of a request, whose names are not looked at: what is certified is said here. */
export async function signRequest(
  ca: CertificatePair,
  request: string,
  about: NodeCertificateRequest,
): Promise<string> {
  const x509 = await loadX509();
  const { publicKey } = new x509.Pkcs10CertificateRequest(request);
  return sign(ca, about, await publicKey.export());
}

async function sign(
  ca: CertificatePair,
  { name, addresses, dnsNames, nowMs }: NodeCertificateRequest,
  publicKey: webcrypto.CryptoKey,
): Promise<string> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(ca.cert);
  const caKeyBytes = Buffer.from(ca.key.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  const signingKey = await webcrypto.subtle.importKey('pkcs8', caKeyBytes, algorithm, false, ['sign']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: issuer.subjectName,
    ...validity(nowMs, nodeYears),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      // libvirt wants keyEncipherment too, whatever the kind of the key.
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...[...new Set([name, ...dnsNames])].map((value) => ({ type: 'dns' as const, value })),
        ...[...new Set(addresses)].map((value) => ({ type: 'ip' as const, value })),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** SHA-256 of a certificate in lower-case hexadecimal: what connections pin. */
export function fingerprint(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}
