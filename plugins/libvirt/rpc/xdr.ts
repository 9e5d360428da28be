/**
 * The XDR data language of RFC 4506, as a writer and a reader of single values. Everything on the
 * wire is a multiple of four bytes, big-endian. Every length is checked against its maximum and
 * against what is left of the message before anything is allocated.
 * @module
 */

/** A value that XDR cannot carry, or bytes that are not what the layout says. `offset` counts from the start of the payload. */
export class XdrError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.name = 'XdrError';
    this.offset = offset;
  }
}

const padding = (length: number): number => (4 - (length & 3)) & 3;

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const uint64Max = 2n ** 64n - 1n;

/** Builds one payload. Values out of range throw `XdrError`; nothing is truncated silently. */
export class XdrWriter {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  /** What was written so far, without copying; do not write after taking it. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** Signed 32-bit integer. RFC 4506 section 4.1. */
  int(value: number): void {
    if (!Number.isInteger(value) || value < -0x8000_0000 || value > 0x7fff_ffff)
      throw this.refuse(`${value} is not a 32-bit integer`);
    const at = this.reserve(4);
    this.view.setInt32(at, value);
  }

  /** Unsigned 32-bit integer. Section 4.2. */
  uint(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
      throw this.refuse(`${value} is not an unsigned 32-bit integer`);
    const at = this.reserve(4);
    this.view.setUint32(at, value);
  }

  /** Signed 64-bit integer. Section 4.5. */
  hyper(value: bigint): void {
    if (value < int64.min || value > int64.max) throw this.refuse(`${value} is not a 64-bit integer`);
    const at = this.reserve(8);
    this.view.setBigInt64(at, value);
  }

  /** Unsigned 64-bit integer. Section 4.5. */
  uhyper(value: bigint): void {
    if (value < 0n || value > uint64Max) throw this.refuse(`${value} is not an unsigned 64-bit integer`);
    const at = this.reserve(8);
    this.view.setBigUint64(at, value);
  }

  /** Double-precision floating point. Section 4.7. */
  double(value: number): void {
    const at = this.reserve(8);
    this.view.setFloat64(at, value);
  }

  /** Section 4.4: an enum of false (0) and true (1). */
  bool(value: boolean): void {
    this.uint(value ? 1 : 0);
  }

  /** Fixed-length opaque data, without a length. Section 4.9. */
  opaqueFixed(value: Uint8Array, length: number): void {
    if (value.length !== length) throw this.refuse(`${value.length} bytes where exactly ${length} belong`);
    const at = this.reserve(length + padding(length));
    this.bytes.set(value, at);
    this.bytes.fill(0, at + length, this.length);
  }

  /** Variable-length opaque data. Section 4.10. */
  opaque(value: Uint8Array, maxLength: number): void {
    this.count(value.length, maxLength, 'bytes');
    this.opaqueFixed(value, value.length);
  }

  /** A string in UTF-8. Section 4.11. A NUL is refused: the other side is C and would stop reading there. */
  string(value: string, maxBytes: number): void {
    if (value.includes('\0')) throw this.refuse('a string holds a NUL character');
    this.opaque(Buffer.from(value, 'utf8'), maxBytes);
  }

  /** The length word of an array or of opaque data. */
  count(length: number, max: number, unit: string): void {
    if (length > max) throw this.refuse(`${length} ${unit} where at most ${max} are allowed`);
    this.uint(length);
  }

  private reserve(length: number): number {
    const at = this.length;
    this.length += length;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  /** Makes the error for a value that the caller finds wrong. */
  refuse(message: string): XdrError {
    return new XdrError(message, this.length);
  }
}

/** Reads one payload from its start to its end. Bytes that do not fit throw `XdrError`. */
export class XdrReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.bytes.length - this.at;
  }

  int(): number {
    return this.view.getInt32(this.take(4));
  }

  uint(): number {
    return this.view.getUint32(this.take(4));
  }

  hyper(): bigint {
    return this.view.getBigInt64(this.take(8));
  }

  uhyper(): bigint {
    return this.view.getBigUint64(this.take(8));
  }

  double(): number {
    return this.view.getFloat64(this.take(8));
  }

  bool(): boolean {
    const value = this.uint();
    if (value > 1) throw this.refuse(`${value} is not a boolean`);
    return value === 1;
  }

  /** A copy, so that a short field does not keep a whole message in memory. */
  opaqueFixed(length: number): Uint8Array {
    const at = this.take(length + padding(length));
    return Uint8Array.from(this.bytes.subarray(at, at + length));
  }

  opaque(maxLength: number): Uint8Array {
    return this.opaqueFixed(this.count(maxLength, 'bytes', 1));
  }

  /** Bytes that are not UTF-8 (a log line inside an error message, say) become U+FFFD. */
  string(maxBytes: number): string {
    const length = this.count(maxBytes, 'bytes', 1);
    const at = this.take(length + padding(length));
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + at, length).toString('utf8');
  }

  /**
   * The length word of an array whose elements take at least `minElementBytes` each: a count that
   * cannot fit into what is left of the message is refused before anything is allocated for it.
   */
  count(max: number, unit: string, minElementBytes: number): number {
    const length = this.uint();
    if (length > max) throw this.refuse(`${length} ${unit} announced where at most ${max} are allowed`);
    if (length * minElementBytes > this.remaining)
      throw this.refuse(`${length} ${unit} announced but only ${this.remaining} bytes follow`);
    return length;
  }

  /** Call after the last field: bytes left over mean that the layout is not the one we believe in. */
  end(): void {
    if (this.remaining > 0) throw this.refuse(`${this.remaining} bytes left after the last field`);
  }

  /** Makes the error for a value that the caller finds wrong at the present place. */
  refuse(message: string): XdrError {
    return new XdrError(message, this.at);
  }

  private take(length: number): number {
    if (length > this.remaining) throw this.refuse(`${length} bytes expected but only ${this.remaining} follow`);
    const at = this.at;
    this.at += length;
    return at;
  }
}
