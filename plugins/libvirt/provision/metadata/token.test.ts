import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Card, issueToken, isValidToken, mostTtlS, readTtl } from './token.ts';

const key = Buffer.alloc(32, 7);
const card: Card = { vni: '100', mac: '52:54:00:00:00:01' };
const nowMs = 1_700_000_000_000;

const cards = fc.record({
  vni: fc.integer({ min: 1, max: 2 ** 24 }).map(String),
  mac: fc
    .array(fc.integer({ min: 0, max: 255 }), { minLength: 6, maxLength: 6 })
    .map((bytes) => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')),
});

describe('a token', () => {
  it('holds for its card until its time is over', () => {
    fc.assert(
      fc.property(cards, fc.integer({ min: 1, max: mostTtlS }), fc.nat(1_999), (whose, ttlS, wait) => {
        const token = issueToken(key, whose, nowMs, ttlS);
        assert.ok(isValidToken(key, whose, nowMs + ttlS * 1000 - 1, token));
        assert.equal(isValidToken(key, whose, nowMs + ttlS * 1000 + wait, token), false);
      }),
    );
  });

  it('holds for no other card, and by no other key', () => {
    fc.assert(
      fc.property(cards, cards, (one, other) => {
        fc.pre(one.vni !== other.vni || one.mac !== other.mac);
        const token = issueToken(key, one, nowMs, 60);
        assert.equal(isValidToken(key, other, nowMs, token), false);
        assert.equal(isValidToken(Buffer.alloc(32, 8), one, nowMs, token), false);
      }),
    );
  });

  it('is none once a character is another', () => {
    const token = issueToken(key, card, nowMs, 60);
    for (let at = 0; at < token.length; at += 1)
      for (const character of ['', '0', 'A', '.', '-', ' ']) {
        // The last character has two bits that mean nothing.
        const changed = token.slice(0, at) + character + token.slice(at + 1);
        if (changed !== token && at < token.length - 1)
          assert.equal(isValidToken(key, card, nowMs, changed), false, changed);
      }
  });

  it('is nothing else', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !isValidToken(key, card, nowMs, text)));
  });
});

describe('the life time of a token', () => {
  for (const [text, seconds] of [
    ['1', 1],
    ['21600', 21_600],
    ['21601', undefined],
    ['0', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['060', undefined],
    [' 60', undefined],
    ['', undefined],
    ['999999999', undefined],
    [undefined, undefined],
  ] as const)
    it(`of ${JSON.stringify(text)} is ${seconds ?? 'refused'}`, () => assert.equal(readTtl(text), seconds));
});
