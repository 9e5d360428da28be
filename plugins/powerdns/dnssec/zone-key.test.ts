import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  digestOfRdata,
  dnskeyText,
  dsText,
  keyIdOf,
  keyTag,
  newKey,
  privateKeyFile,
  privateKeyText,
  publicKeyOf,
  publicKeyText,
  tagOfRdata,
  wireName,
} from './zone-key.ts';

/** RFC 6605, section 6.1. */
const example = {
  zone: 'example.net',
  privateKey: 'GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=',
  publicKey: 'GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
  ds: '55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17',
};
/** RFC 4034, section 5.4: a key of RSA; its digest by SHA-256 is in RFC 4509, section 2.3. */
const rsa = Buffer.concat([
  Buffer.from([1, 0, 3, 5]),
  Buffer.from(
    'AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==',
    'base64',
  ),
]);

describe('the key of a zone', () => {
  it('is the one of RFC 6605, section 6.1', () => {
    assert.equal(publicKeyOf(example.privateKey), example.publicKey);
    assert.equal(keyTag(example.publicKey), 55_648);
    assert.equal(dsText(example.zone, example.publicKey), example.ds);
    assert.equal(dsText('Example.NET', example.publicKey), example.ds, 'case does not count');
    assert.equal(dnskeyText(example.publicKey), `257 3 13 ${example.publicKey}`);
    assert.equal(
      privateKeyFile(example.privateKey),
      `Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: ${example.privateKey}\n`,
    );
  });

  it('has the tag and the digest of RFC 4034, appendix B and section 5.4, and RFC 4509, section 2.3', () => {
    assert.equal(tagOfRdata(rsa), 60_485);
    assert.equal(
      digestOfRdata('dskey.example.com', rsa).toUpperCase(),
      'D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A',
    );
    assert.deepEqual(wireName('a.Example'), Buffer.from('\x01a\x07example\0', 'latin1'));
    // An odd number of octets: the last one is the higher half.
    assert.equal(tagOfRdata(Buffer.from([1, 2, 3])), 0x0402);
    // What does not fit is added again.
    assert.equal(tagOfRdata(Buffer.from([0xff, 0xff, 0, 2])), 2);
  });

  it('is made from random octets, and is one of the curve whatever these are', () => {
    for (const octets of [Buffer.alloc(40), Buffer.alloc(40, 255), Buffer.alloc(40, 1)]) {
      const { publicKey, privateKey } = newKey(() => octets);
      assert.ok(publicKeyText.safeParse(publicKey).success);
      assert.ok(privateKeyText.safeParse(privateKey).success);
      assert.equal(publicKeyOf(privateKey), publicKey);
    }
    // Zero, and what is zero by the order less one, is the first point.
    assert.equal(Buffer.from(newKey(() => Buffer.alloc(40)).privateKey, 'base64').at(-1), 1);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), (octets) => {
        const one = newKey(() => octets);
        assert.deepEqual(
          newKey(() => octets),
          one,
        );
        assert.match(keyIdOf(one.publicKey), /^[0-9a-f]{32}$/);
      }),
      { numRuns: 50 },
    );
    assert.notEqual(newKey(randomBytes).privateKey, newKey(randomBytes).privateKey);
  });

  it('has the public half that OpenSSL finds', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { d, x, y } = privateKey.export({ format: 'jwk' });
    const whole = Buffer.concat([x, y].map((part) => Buffer.from(String(part), 'base64url'))).toString('base64');
    assert.equal(publicKeyOf(Buffer.from(String(d), 'base64url').toString('base64')), whole);
  });

  it('is no text of another length', () => {
    for (const text of ['', 'AAAA', example.privateKey, `${example.publicKey.slice(0, -4)}`, 'no base64!'])
      assert.equal(publicKeyText.safeParse(text).success, false, text);
    for (const text of ['', 'AAAA', example.publicKey])
      assert.equal(privateKeyText.safeParse(text).success, false, text);
  });
});
