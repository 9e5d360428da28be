import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readSums } from './manifest.ts';

const sum = 'AB'.repeat(32);

it('a manifest lists a checksum for each file, of any of three kinds', () => {
  const text = `SHA256(web.ovf)= ${sum}\r\nSHA1 (disk (1).vmdk) = ${'0f'.repeat(20)}\n\nSHA512(b)=${'1'.repeat(128)}\n`;
  assert.deepEqual(
    readSums(text),
    new Map([
      ['web.ovf', { algorithm: 'sha256', sum: sum.toLowerCase() }],
      ['disk (1).vmdk', { algorithm: 'sha1', sum: '0f'.repeat(20) }],
      ['b', { algorithm: 'sha512', sum: '1'.repeat(128) }],
    ]),
  );
});

for (const line of ['MD5(a)= 00', 'SHA256(a)= abcd', `SHA1(a)= ${sum}`, 'web.ovf', `SHA256()= ${sum}`])
  it(`refuses a manifest with "${line.slice(0, 20)}"`, () => {
    assert.deepEqual(readSums(`\n${line}`), { problem: 'line 2 of its manifest is no checksum' });
  });
