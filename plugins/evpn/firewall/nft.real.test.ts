/** Rules of entries, tried by the real nft and kernel. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLinuxHost } from '../../../core/host/linux.ts';
import { Nft } from './nft.ts';
import { ruleText } from './rule.ts';

describe('rules, tried by the real nft', () => {
  const nft = new Nft({ host: createLinuxHost({ destination: () => {} }), node: 'hv1' });
  const refusal = (rule: string) => nft.refusal(ruleText.parse(rule));

  for (const rule of [
    'accept',
    'tcp dport 22 accept',
    'tcp dport ssh accept',
    'ip saddr 10.9.8.7/8 ip daddr { 10.20.0.5, 10.20.0.7-10.20.0.9 } accept',
    'ip6 saddr 2001:0db8:0::1 reject with icmpv6 no-route',
    'icmp type echo-request limit rate 10/second burst 20 packets accept',
    'tcp flags & (fin|syn|rst|ack) == syn drop',
    'ip saddr . tcp dport { 10.1.2.3 . 22, 10.1.2.4 . 80 } accept',
    'meta l4proto { tcp, udp } th dport 53 accept',
    'ct count over 20 reject with icmpx admin-prohibited',
    'ether saddr 52:54:00:12:34:56 drop',
    'iifname br* accept',
  ])
    it(`takes ${rule}`, async () => assert.equal(await refusal(rule), undefined));

  for (const [rule, reason] of [
    ['tcp dprt 22 accept', /^syntax error.*"dprt"$/],
    ['tcp sport saddr accept', /"saddr"$/],
    ['tcp dport 99999 accept', /out of range|99999/],
    ['ip saddr 10.0.0.300 accept', /resolve hostname/],
    ['ip saddr nobody.invalid accept', /resolve hostname/],
    ['ip saddr 10.0.0.1 ip6 saddr 2001:db8::1 accept', /conflicting/],
    ['socket transparent 1 accept', /Operation not supported/],
    ['tcp dport 22 counter accept', /"counter"/],
    ['log accept', /"log"/],
    ['meta mark set 1 accept', /"mangle"/],
    ['tcp dport vmap { 22 : accept } accept', /"vmap"/],
    ['masquerade accept', /^Statement after terminal statement/],
    ['drop accept', /^Statement after terminal statement/],
  ] as const)
    it(`refuses ${rule}`, async () => assert.match((await refusal(rule)) ?? '', reason));
});
