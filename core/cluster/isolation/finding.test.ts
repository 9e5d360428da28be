import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Finding, findingOf, type PeerWord, reachOf, wordOf } from './finding.ts';

const of = (...words: PeerWord[]): Finding => findingOf(new Map(words.map((word, index) => [`hv${index + 1}`, word])));

describe('what a node that has lost the store finds out', () => {
  for (const [what, words, finding] of [
    ['one coordinator reaches it', ['does not', 'does not', 'reaches'], 'isolated'],
    ['one reaches it although the others do not answer', ['silent', 'silent', 'reaches'], 'isolated'],
    ['nobody reaches it', ['does not', 'does not', 'does not'], 'outage'],
    ['one is silent, which is no quorum', ['does not', 'does not', 'silent'], 'outage'],
    ['two of three are silent, and may have a quorum', ['does not', 'silent', 'silent'], 'isolated'],
    ['nobody answers', ['silent', 'silent', 'silent'], 'isolated'],
    ['two of five hear each other only', ['does not', 'does not', 'silent', 'silent', 'silent'], 'isolated'],
    ['three of five hear each other only', ['does not', 'does not', 'does not', 'silent', 'silent'], 'outage'],
    ['the other one of two is silent', ['does not', 'silent'], 'outage'],
    ['the only one is silent', ['silent'], 'isolated'],
    ['the only one does not', ['does not'], 'outage'],
  ] as const)
    it(`is ${finding} when ${what}`, () => assert.equal(of(...words), finding));
});

describe('the word of a coordinator', () => {
  it('is that it reaches the store for as long as its lease holds', () => {
    assert.equal(wordOf(reachOf('hv1', 'live', 4_000)), 'reaches');
    assert.equal(wordOf(reachOf('hv1', 'suspended', 10)), 'reaches');
    assert.equal(wordOf(reachOf('hv1', 'suspended', -10)), 'does not');
    assert.equal(wordOf(reachOf('hv1', 'lost', 3_000)), 'does not');
    assert.equal(wordOf(undefined), 'silent');
  });
});
