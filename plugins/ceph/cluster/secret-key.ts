/** A key in Ceph's own form. @module */

/** CEPH_CRYPTO_AES (include/ceph_fs.h of Ceph). */
const typeAes = 1;
export const keyBytes = 16;

/**
 * Base64 of: type (16 bits), seconds and nanoseconds of its making (32 bits each), length (16 bits), the key; all
 * little-endian. CryptoKey::encode in Ceph's auth/Crypto.h.
 * @param random 16 bytes
 */
export function cephKey(random: Uint8Array, nowMs: number): string {
  if (random.length !== keyBytes) throw new Error(`a key is made of ${keyBytes} bytes, not ${random.length}`);
  const head = Buffer.alloc(12);
  head.writeUInt16LE(typeAes, 0);
  head.writeUInt32LE(Math.floor(nowMs / 1000), 2);
  head.writeUInt32LE((nowMs % 1000) * 1_000_000, 6);
  head.writeUInt16LE(keyBytes, 10);
  return Buffer.concat([head, random]).toString('base64');
}
