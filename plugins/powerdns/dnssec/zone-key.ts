/**
 * Keys that sign zones: ECDSA on the curve P-256 with SHA-256, algorithm 13 of DNSSEC (RFC 6605). One key signs both the
 * records and the other keys of its zone (CSK). Pure.
 * @module
 */
import { createECDH, createHash } from 'node:crypto';
import { z } from '../../../core/plugin/api.ts';

/** Algorithm, as in DNSKEY, DS and RRSIG records. */
export const algorithm = 13;
export const algorithmName = 'ECDSAP256SHA256';
/** A zone's key (bit 7) that its parent points to (bit 15): RFC 4034, section 2.1.1. */
const flags = 257;
const protocol = 3;
/** Of a DS record: SHA-256 (RFC 4509). */
const digestType = 2;

const privateBytes = 32;
const publicBytes = 64;
/** The order of P-256 (SEC 2, section 2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** Of randomness for a private key: 64 bits more than it has, so that none is likelier than another. */
const drawnBytes = privateBytes + 8;

/** Octets as Base64, as keys stand in DNSKEY records. */
const base64 = (octets: number) =>
  z.base64().refine((text) => Buffer.from(text, 'base64').length === octets, `it has ${octets} octets`);
export const publicKeyText = base64(publicBytes);
export const privateKeyText = base64(privateBytes);

export interface KeyPair {
  /** Base64. */
  readonly publicKey: string;
  /** Base64; told to PowerDNS and kept in the store, and shown nowhere. */
  readonly privateKey: string;
}

/**
 * A new key: a random number below the order of the curve (FIPS 186-5, A.2.1).
 * @param bytes that many random octets
 */
export function newKey(bytes: (length: number) => Uint8Array): KeyPair {
  const drawn = BigInt(`0x${Buffer.from(bytes(drawnBytes)).toString('hex')}`);
  const number = (drawn % (order - 1n)) + 1n;
  const privateKey = Buffer.from(number.toString(16).padStart(privateBytes * 2, '0'), 'hex').toString('base64');
  return { publicKey: publicKeyOf(privateKey), privateKey };
}

export function publicKeyOf(privateKey: string): string {
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(Buffer.from(privateKey, 'base64'));
  // An uncompressed point is marked by an octet (SEC 1, section 2.3.3), which a DNSKEY record leaves out (RFC 6605, section 4).
  return curve.getPublicKey().subarray(1).toString('base64');
}

/** The name of a key in the store. */
export const keyIdOf = (publicKey: string): string => createHash('sha256').update(publicKey).digest('hex').slice(0, 32);

/** What a DNSKEY record holds, as octets: RFC 4034, section 2.1. */
const rdataOf = (publicKey: string): Buffer =>
  Buffer.concat([Buffer.from([flags >> 8, flags & 255, protocol, algorithm]), Buffer.from(publicKey, 'base64')]);

/** What a DNSKEY record holds, as text. */
export const dnskeyText = (publicKey: string): string => `${flags} ${protocol} ${algorithm} ${publicKey}`;

/** The number by which signatures and DS records name a key: RFC 4034, appendix B. */
export function tagOfRdata(rdata: Uint8Array): number {
  let sum = 0;
  for (const [index, octet] of rdata.entries()) sum += index % 2 === 0 ? octet << 8 : octet;
  sum += (sum >> 16) & 0xffff;
  return sum & 0xffff;
}

export const keyTag = (publicKey: string): number => tagOfRdata(rdataOf(publicKey));

/** A name as octets, in the form that is signed: RFC 4034, section 6.2. @param name without the last dot */
export const wireName = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .toLowerCase()
      .split('.')
      .flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    Buffer.from([0]),
  ]);

/** The digest of a DS record, in hexadecimal: RFC 4034, section 5.1.4, with SHA-256. */
export const digestOfRdata = (zone: string, rdata: Uint8Array): string =>
  createHash('sha256').update(wireName(zone)).update(rdata).digest('hex');

/** What the DS record of a key holds, which the parent of its zone is given. */
export const dsText = (zone: string, publicKey: string): string =>
  `${keyTag(publicKey)} ${algorithm} ${digestType} ${digestOfRdata(zone, rdataOf(publicKey))}`;

/** The private key as PowerDNS and BIND take it ("Private-key-format", as in the examples of RFC 6605). */
export const privateKeyFile = (privateKey: string): string =>
  `Private-key-format: v1.2\nAlgorithm: ${algorithm} (${algorithmName})\nPrivateKey: ${privateKey}\n`;
