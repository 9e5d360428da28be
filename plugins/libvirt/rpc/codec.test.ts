import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  array,
  bool,
  type Codec,
  charVector,
  decode,
  double,
  encode,
  hyper,
  int,
  opaque,
  opaqueFixed,
  optional,
  string,
  struct,
  uhyper,
  uhyperNumber,
  uint,
  union,
} from './codec.ts';
import { type TypedParam, typedParams, uuid } from './wire.ts';
import { XdrError } from './xdr.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

const roundTrip = <T>(codec: Codec<T>, arbitrary: fc.Arbitrary<T>): void => {
  fc.assert(
    fc.property(arbitrary, (value) => {
      const encoded = encode(codec, value);
      assert.equal(encoded.length % 4, 0, 'XDR is made of whole words');
      assert.deepEqual(decode(codec, encoded), value);
    }),
  );
};

const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !value.includes('\0'));

describe('XDR layouts (RFC 4506)', () => {
  it('writes what the RFC says', () => {
    assert.equal(hex(encode(int, -2)), 'fffffffe');
    assert.equal(hex(encode(uint, 0xffff_fffe)), 'fffffffe');
    assert.equal(hex(encode(hyper, -2n)), 'fffffffffffffffe');
    assert.equal(hex(encode(uhyper, 2n ** 64n - 1n)), 'ffffffffffffffff');
    assert.equal(hex(encode(double, -1.5)), 'bff8000000000000');
    assert.equal(hex(encode(bool, true)), '00000001');
    assert.equal(hex(encode(string(9), 'sillyprog')), '0000000973696c6c7970726f67000000');
    assert.equal(hex(encode(opaqueFixed(5), bytes('0102030405'))), '0102030405000000');
    assert.equal(hex(encode(array(uint, 2), [1, 2])), '000000020000000100000002');
    assert.equal(hex(encode(optional(int), undefined)), '00000000');
    assert.equal(hex(encode(optional(int), 7)), '0000000100000007');
    assert.equal(hex(encode(struct({ b: int, a: int }), { a: 1, b: 2 })), '0000000200000001');
    assert.equal(hex(encode(charVector(3), 'ab')), '000000610000006200000000');
  });

  it('reads back whatever it writes', () => {
    roundTrip(int, fc.integer());
    roundTrip(uint, fc.integer({ min: 0, max: 0xffff_ffff }));
    roundTrip(hyper, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    roundTrip(uhyper, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    roundTrip(uhyperNumber, fc.maxSafeNat());
    roundTrip(double, fc.double());
    roundTrip(string(1000), text);
    roundTrip(opaque(100), fc.uint8Array({ maxLength: 100 }));
    roundTrip(array(optional(string(200)), 10), fc.array(fc.option(text, { nil: undefined }), { maxLength: 10 }));
    roundTrip(uuid, fc.uuid());
  });

  it('reads back typed parameters of all seven types', () => {
    const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
      fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
    const value = fc.oneof(
      record({ type: fc.constant('int' as const), value: fc.integer() }),
      record({ type: fc.constant('uint' as const), value: fc.integer({ min: 0, max: 0xffff_ffff }) }),
      record({ type: fc.constant('llong' as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
      record({ type: fc.constant('ullong' as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
      record({ type: fc.constant('double' as const), value: fc.double() }),
      record({ type: fc.constant('boolean' as const), value: fc.boolean() }),
      record({ type: fc.constant('string' as const), value: text }),
    );
    const param: fc.Arbitrary<TypedParam> = record({ field: text, value });
    roundTrip(typedParams(20), fc.array(param, { maxLength: 20 }));
  });

  it('writes messages larger than its first buffer, with every kind of value at the edge', () => {
    const codec = struct({ pad: opaque(1000), i: int, u: uint, h: hyper, uh: uhyper, d: double, s: string(10) });
    for (let length = 200; length < 300; length++) {
      const value = { pad: new Uint8Array(length), i: -1, u: 1, h: -1n, uh: 1n, d: 0.5, s: 'x' };
      assert.deepEqual(decode(codec, encode(codec, value)), value);
    }
  });
});

describe('values that XDR cannot carry', () => {
  const refused: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
    ['int above 2^31-1', () => encode(int, 2 ** 31), /not a 32-bit integer/],
    ['int with a fraction', () => encode(int, 1.5), /not a 32-bit integer/],
    ['int NaN', () => encode(int, Number.NaN), /not a 32-bit integer/],
    ['uint below 0', () => encode(uint, -1), /not an unsigned 32-bit/],
    ['hyper too large', () => encode(hyper, 2n ** 63n), /not a 64-bit/],
    ['uhyper below 0', () => encode(uhyper, -1n), /not an unsigned 64-bit/],
    ['number that is not exact', () => encode(uhyperNumber, 2 ** 53), /cannot|exactly/],
    ['string over its maximum in bytes', () => encode(string(3), 'ää'), /4 bytes where at most 3/],
    ['string with NUL', () => encode(string(9), 'a\0b'), /NUL/],
    ['array over its maximum', () => encode(array(int, 1), [1, 2]), /2 elements where at most 1/],
    ['opaque of the wrong length', () => encode(opaqueFixed(2), bytes('01')), /exactly 2/],
    ['not a UUID', () => encode(uuid, '12345'), /not a UUID/],
  ];
  for (const [what, attempt, message] of refused) {
    it(what, () =>
      assert.throws(attempt, (error: unknown) => error instanceof XdrError && message.test(error.message)),
    );
  }
});

describe('bytes that are not what the layout says', () => {
  const number = union({ one: [1, int] });
  const refused: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['truncated int', () => decode(int, bytes('0000')), /4 bytes expected but only 2 follow/],
    ['truncated string', () => decode(string(100), bytes('00000008 6162')), /8 bytes announced but only 2/],
    ['string without its padding', () => decode(string(100), bytes('00000002 6162')), /4 bytes expected but only 2/],
    [
      'string over its maximum',
      () => decode(string(3), bytes('00000004 61626364')),
      /4 bytes announced where at most 3/,
    ],
    ['giant string', () => decode(string(4_194_304), bytes('7fffffff')), /2147483647 bytes announced where at most/],
    [
      'giant array',
      () => decode(array(int, 0xffff_ffff), bytes('ffffffff 00000001')),
      /4294967295 elements announced but only 4 bytes follow/,
    ],
    [
      'array with fewer elements than announced',
      () => decode(array(hyper, 9), bytes('00000002 0000000000000001')),
      /8 bytes expected but only 0/,
    ],
    ['boolean 2', () => decode(bool, bytes('00000002')), /2 is not a boolean/],
    ['optional 7', () => decode(optional(int), bytes('00000007')), /7 is not a boolean/],
    ['unknown discriminant', () => decode(number, bytes('00000002 00000001')), /unknown union discriminant 2/],
    ['number above 2^53', () => decode(uhyperNumber, bytes('0020000000000000')), /above 2\^53/],
    [
      'bytes left over',
      () => decode(int, bytes('0000000100000002')),
      /4 bytes left after the last field \(at byte 4\)/,
    ],
  ];
  for (const [what, attempt, message] of refused) {
    it(what, () =>
      assert.throws(attempt, (error: unknown) => error instanceof XdrError && message.test(error.message)),
    );
  }

  it('any bytes at all give a value or an XdrError', () => {
    const codec = array(struct({ s: string(50), o: optional(uuid), p: typedParams(5) }), 5);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
        try {
          decode(codec, input);
        } catch (error) {
          assert.ok(error instanceof XdrError, String(error));
        }
      }),
    );
  });
});
