/**
 * Codecs: one value that says how a piece of a message is written and read, and from which the
 * TypeScript type follows. The procedure table is built of them, so that a layout is stated once.
 * @module
 */
import { XdrReader, XdrWriter } from './xdr.ts';

export interface Codec<T> {
  encode(writer: XdrWriter, value: T): void;
  decode(reader: XdrReader): T;
}

/** The type that a codec reads and writes. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never;

type Fields = Readonly<Record<string, Codec<unknown>>>;
type StructOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };
type Arms = Readonly<Record<string, readonly [discriminant: number, codec: Codec<unknown>]>>;
type UnionOf<A extends Arms> = {
  [K in keyof A & string]: { readonly type: K; readonly value: ValueOf<A[K]> };
}[keyof A & string] extends infer U
  ? U extends { type: infer K extends keyof A & string }
    ? { readonly type: K; readonly value: ValueOf<A[K][1]> }
    : never
  : never;

/** The whole payload of one value. @throws XdrError */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new XdrWriter();
  codec.encode(writer, value);
  return writer.finish();
}

/** Reads a whole payload; bytes left over are an error. @throws XdrError */
export function decode<T>(codec: Codec<T>, payload: Uint8Array): T {
  const reader = new XdrReader(payload);
  const value = codec.decode(reader);
  reader.end();
  return value;
}

export const int: Codec<number> = { encode: (w, v) => w.int(v), decode: (r) => r.int() };
export const uint: Codec<number> = { encode: (w, v) => w.uint(v), decode: (r) => r.uint() };
export const hyper: Codec<bigint> = { encode: (w, v) => w.hyper(v), decode: (r) => r.hyper() };
export const uhyper: Codec<bigint> = { encode: (w, v) => w.uhyper(v), decode: (r) => r.uhyper() };
export const double: Codec<number> = { encode: (w, v) => w.double(v), decode: (r) => r.double() };
export const bool: Codec<boolean> = { encode: (w, v) => w.bool(v), decode: (r) => r.bool() };

/** libvirt's habit of sending a truth value as a plain `int`: any value but 0 is true. */
export const intBool: Codec<boolean> = { encode: (w, v) => w.int(v ? 1 : 0), decode: (r) => r.int() !== 0 };

/** An unsigned 64-bit quantity that is a `number` here (sizes, counts): above 2^53-1 it is an error, not a rounded value. */
export const uhyperNumber: Codec<number> = {
  encode: (w, v) => {
    if (!Number.isSafeInteger(v)) throw w.refuse(`${v} is not a whole number that can be sent exactly`);
    w.uhyper(BigInt(v));
  },
  decode: (r) => {
    const value = r.uhyper();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw r.refuse(`${value} is above 2^53-1`);
    return Number(value);
  },
};

/** No fields: the argument or the result of many procedures. */
export const nothing: Codec<Readonly<Record<string, never>>> = { encode: () => undefined, decode: () => ({}) };

export const string = (maxBytes: number): Codec<string> => ({
  encode: (w, v) => w.string(v, maxBytes),
  decode: (r) => r.string(maxBytes),
});

export const opaque = (maxLength: number): Codec<Uint8Array> => ({
  encode: (w, v) => w.opaque(v, maxLength),
  decode: (r) => r.opaque(maxLength),
});

export const opaqueFixed = (length: number): Codec<Uint8Array> => ({
  encode: (w, v) => w.opaqueFixed(v, length),
  decode: (r) => r.opaqueFixed(length),
});

/** A C `char name[length]` that rpcgen sends with one 32-bit word for each character; read up to the first NUL. */
export const charVector = (length: number): Codec<string> => ({
  encode: (w, v) => {
    const bytes = Buffer.from(v, 'utf8');
    for (let at = 0; at < length; at++) w.int(bytes[at] ?? 0);
  },
  decode: (r) => {
    const bytes = Array.from({ length }, () => r.int() & 0xff);
    const end = bytes.indexOf(0);
    return Buffer.from(end < 0 ? bytes : bytes.slice(0, end)).toString('utf8');
  },
});

/** A variable-length array. Every element that libvirt's protocol has takes at least one word. RFC 4506 section 4.13. */
export const array = <T>(element: Codec<T>, max: number): Codec<readonly T[]> => ({
  encode: (w, values) => {
    w.count(values.length, max, 'elements');
    for (const value of values) element.encode(w, value);
  },
  decode: (r) => {
    const length = r.count(max, 'elements', 4);
    const values: T[] = [];
    for (let at = 0; at < length; at++) values.push(element.decode(r));
    return values;
  },
});

/** Optional data (a C pointer that may be NULL): `undefined` when absent. Section 4.19. */
export const optional = <T>(codec: Codec<T>): Codec<T | undefined> => ({
  encode: (w, v) => {
    w.bool(v !== undefined);
    if (v !== undefined) codec.encode(w, v);
  },
  decode: (r) => (r.bool() ? codec.decode(r) : undefined),
});

/** Fields one after the other, in the order of the object literal. Section 4.14. */
export const struct = <F extends Fields>(fields: F): Codec<StructOf<F>> => {
  const entries = Object.entries(fields);
  return {
    encode: (w, value) => {
      const record = value as Readonly<Record<string, unknown>>;
      for (const [name, codec] of entries) codec.encode(w, record[name]);
    },
    decode: (r) => {
      const record: Record<string, unknown> = {};
      for (const [name, codec] of entries) record[name] = codec.decode(r);
      return record as StructOf<F>;
    },
  };
};

/** A discriminated union with an `int` in front; an unknown discriminant is an error. Section 4.15. */
export const union = <const A extends Arms>(arms: A): Codec<UnionOf<A>> => {
  const byNumber = new Map(Object.entries(arms).map(([type, [number, codec]]) => [number, { type, codec }] as const));
  return {
    encode: (w, v) => {
      const { type, value } = v as { type: string; value: unknown };
      const arm = arms[type];
      if (arm === undefined) throw w.refuse(`there is no union arm called ${type}`);
      w.int(arm[0]);
      arm[1].encode(w, value);
    },
    decode: (r) => {
      const number = r.int();
      const arm = byNumber.get(number);
      if (arm === undefined) throw r.refuse(`unknown union discriminant ${number}`);
      return { type: arm.type, value: arm.codec.decode(r) } as UnionOf<A>;
    },
  };
};
