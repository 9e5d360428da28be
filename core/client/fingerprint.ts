/** Fingerprints of certificates: the SHA-256 of the DER, upper case with colons, as `openssl x509 -fingerprint -sha256` prints it. @module */

/** The one form that is kept and compared; undefined when the text is no fingerprint. */
export function fingerprintOf(text: string): string | undefined {
  const digits = text
    .replace(/^sha-?256[:=]?/i, '')
    .replace(/[:\s]/g, '')
    .toUpperCase();
  return /^[0-9A-F]{64}$/.test(digits) ? digits.replace(/..(?=.)/g, '$&:') : undefined;
}
