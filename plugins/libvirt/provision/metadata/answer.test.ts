import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, answerTo } from './answer.ts';
import { issueToken } from './token.ts';
import type { Asking } from './tree.ts';

const key = Buffer.alloc(32, 7);
const nowMs = 1_700_000_000_000;
const card = { vni: '100', mac: '52:54:00:00:00:01' };
const asking: Asking = {
  facts: { uuid: 'u', name: 'web', sshKeys: [], macs: [card.mac], fresh: [], userdata: '#!/bin/sh\n' },
  ...{ mac: card.mac, address: '10.20.0.5', noCloud: true },
};
const token = issueToken(key, card, nowMs, 60);
const tokenName = 'x-aws-ec2-metadata-token';
const ttlName = `${tokenName}-ttl-seconds`;
const ask = (method: string, path: string, headers: Record<string, string | string[]> = {}): Answer =>
  answerTo({ method, path, headers }, card, asking, key, nowMs);

describe('a request to the metadata service', () => {
  it('gets a token with PUT, and with it what it asks for', () => {
    const { status, body, headers } = ask('PUT', '/latest/api/token', { [ttlName]: '60' });
    assert.deepEqual([status, headers], [200, { [ttlName]: '60' }]);
    assert.deepEqual(ask('GET', '/latest/user-data', { [tokenName]: body }), { status: 200, body: '#!/bin/sh\n' });
    assert.deepEqual(ask('HEAD', '/latest/user-data', { [tokenName]: body }), { status: 200, body: '#!/bin/sh\n' });
  });

  for (const [what, method, path, headers, status] of [
    ['without a token', 'GET', '/latest/user-data', {}, 401],
    ['without a token for what is not there', 'GET', '/latest/none', {}, 401],
    ['without a token for the versions', 'GET', '/', {}, 401],
    ['with two tokens', 'GET', '/latest/user-data', { [tokenName]: [token, token] }, 401],
    [
      'with the token of another card',
      'GET',
      '/latest/user-data',
      {
        [tokenName]: issueToken(key, { ...card, vni: '200' }, nowMs, 60),
      },
      401,
    ],
    [
      'with a token whose time is over',
      'GET',
      '/latest/user-data',
      {
        [tokenName]: issueToken(key, card, nowMs - 60_000, 60),
      },
      401,
    ],
    ['for what is not there', 'GET', '/latest/none', { [tokenName]: token }, 404],
    ['for a token by GET', 'GET', '/latest/api/token', { [ttlName]: '60' }, 405],
    ['for a token without a time', 'PUT', '/latest/api/token', {}, 400],
    ['for a token for too long', 'PUT', '/latest/api/token', { [ttlName]: '21601' }, 400],
    [
      'for a token through a proxy',
      'PUT',
      '/latest/api/token',
      { [ttlName]: '60', 'x-forwarded-for': '10.0.0.1' },
      403,
    ],
    ['through a proxy', 'GET', '/latest/user-data', { [tokenName]: token, 'x-forwarded-for': '' }, 403],
    ['for NoCloud through a proxy', 'GET', '/nocloud/meta-data', { 'x-forwarded-for': '10.0.0.1' }, 403],
    ['to change something', 'POST', '/latest/user-data', { [tokenName]: token }, 405],
    ['to change something of NoCloud', 'PUT', '/nocloud/user-data', {}, 405],
    ['for NoCloud without a token', 'GET', '/nocloud/meta-data', {}, 200],
  ] as const)
    it(`${what} is answered with ${status}`, () => {
      const answer = ask(method, path, headers as Record<string, string | string[]>);
      assert.equal(answer.status, status, answer.body);
      assert.equal(answer.body.includes('#!/bin/sh'), false);
    });
});
