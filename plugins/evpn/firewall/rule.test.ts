import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { reasonOf, refusalOf, ruleParts, ruleText } from './rule.ts';

describe('the text of a rule', () => {
  for (const [text, matches, verdict] of [
    ['tcp dport 22 accept', 'tcp dport 22', 'accept'],
    ['  tcp  dport   22 accept ', 'tcp dport 22', 'accept'],
    ['drop', '', 'drop'],
    ['tcp dport { 80, 443 } reject with tcp reset', 'tcp dport { 80, 443 }', 'reject with tcp reset'],
    ['ip saddr != 10.0.0.0/8 reject with icmp type host-prohibited', 'ip saddr != 10.0.0.0/8', undefined],
    ['udp dport 53 reject with icmpx admin-prohibited', 'udp dport 53', 'reject with icmpx admin-prohibited'],
    ['ip saddr { 10.1.0.0/16 } tcp dport { 22 } accept', 'ip saddr { 10.1.0.0/16 } tcp dport { 22 }', 'accept'],
  ] as const)
    it(`is taken apart: ${text}`, () => {
      const parts = ruleParts(ruleText.parse(text));
      assert.equal(parts.matches, matches);
      if (verdict !== undefined) assert.equal(parts.verdict, verdict);
    });

  for (const text of [
    '',
    ' ',
    'tcp dport 22',
    'accept tcp dport 22',
    'tcp dport 22 accept; drop',
    'tcp dport 22 accept\ndrop',
    'tcp dport 22 accept\r',
    'tcp dport 22 accept # all',
    'iifname "eth0" accept',
    "iifname 'eth0' accept",
    'tcp dport 22 comment "a" accept',
    'ip saddr @friends accept',
    'ip saddr $friends accept',
    'tcp dport 22 \\ accept',
    'tcp dport 22 jump other',
    'tcp dport 22 goto other',
    'tcp dport 22 continue',
    'tcp dport 22 queue',
    'accept } chain x { accept',
    '} accept',
    'tcp dport { 22 accept',
    'tcp dport { { 22 } } accept',
    'tcp dport 22 acceptable',
    'tcp dport 22 reject with something else',
    `${'ip saddr 10.0.0.1 '.repeat(40)}accept`,
    'tcp dport ２２ accept',
  ])
    it(`is refused: ${JSON.stringify(text).slice(0, 60)}`, () => assert.equal(ruleText.safeParse(text).success, false));

  it('never ends its own line or block, whatever is taken', () => {
    const word = fc.constantFrom(
      'tcp',
      'dport',
      '22',
      '{',
      '}',
      ';',
      '#',
      '"',
      '\n',
      'accept',
      'drop',
      'chain',
      'x',
      '@',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        const read = ruleText.safeParse(`${words.join(' ')} accept`);
        if (!read.success) return;
        assert.doesNotMatch(read.data, /[\n;#"'@$\\]/);
        let depth = 0;
        for (const char of read.data) {
          depth += char === '{' ? 1 : char === '}' ? -1 : 0;
          assert.ok(depth === 0 || depth === 1);
        }
        assert.equal(depth, 0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what nft made of a rule', () => {
  const printed = (...rules: unknown[][]): string =>
    JSON.stringify({
      nftables: [
        { add: { table: { family: 'inet', name: 'pvc_check' } } },
        ...rules.map((expr) => ({ add: { rule: { family: 'inet', expr } } })),
      ],
    });
  const match = (right: unknown) => ({
    match: { op: '==', left: { payload: { protocol: 'ip', field: 'saddr' } }, right },
  });

  it('may be an entry', () => {
    assert.equal(refusalOf('ip saddr 10.0.0.1 accept', printed([match('10.0.0.1'), { accept: null }])), undefined);
    assert.equal(refusalOf('drop', printed([{ drop: null }])), undefined);
  });

  it('may be an entry in whatever way an address of its text is written', () => {
    for (const [rule, right] of [
      ['ip saddr 10.9.8.7/8 accept', { prefix: { addr: '10.0.0.0', len: 8 } }],
      ['ip6 saddr 2001:0db8:0::1 accept', '2001:db8::1'],
      ['ip6 saddr 2001:db8::ff/64 accept', { prefix: { addr: '2001:db8::', len: 64 } }],
      ['ip saddr { 10.0.0.1-10.0.0.9,10.1.0.1 } accept', { set: [{ range: ['10.0.0.1', '10.0.0.9'] }, '10.1.0.1'] }],
      ['ether saddr 52:54:00:12:34:56 accept', '52:54:00:12:34:56'],
    ] as const)
      assert.equal(refusalOf(rule, printed([match(right), { accept: null }])), undefined, rule);
  });

  it('is refused when it does something else than deciding', () => {
    for (const statement of ['counter', 'log', 'jump', 'mangle', 'vmap', 'snat', 'queue', 'notrack', 'xt', 'set'])
      assert.match(
        refusalOf('accept', printed([{ [statement]: {} }, { accept: null }])) ?? '',
        new RegExp(`"${statement}"`),
      );
  });

  it('is refused when it is more or less than one rule', () => {
    assert.match(refusalOf('accept', printed()) ?? '', /not one rule/);
    assert.match(refusalOf('accept', printed([{ accept: null }], [{ accept: null }])) ?? '', /not one rule/);
  });

  it('is refused when an address came from a name', () => {
    assert.match(
      refusalOf('ip saddr gw accept', printed([match('10.0.0.1'), { accept: null }])) ?? '',
      /10\.0\.0\.1 is not in/,
    );
    assert.match(refusalOf('ip6 saddr gw accept', printed([match('::1'), { accept: null }])) ?? '', /::1 is not in/);
  });

  it('is no answer when half of it is missing', () => {
    for (const text of ['', '{"nftables"', '{}']) assert.throws(() => refusalOf('accept', text));
  });
});

describe('nft’s reason', () => {
  it('is told with the words that it points at', () => {
    const source = 'tcp sport saddr accept\n          ^^^^^\n';
    assert.equal(reasonOf(`Error: no service\n${source}`), 'no service, at "saddr"');
    assert.equal(reasonOf(`/dev/stdin:4:11-15: Error: no service\n${source}`), 'no service, at "saddr"');
    assert.equal(
      reasonOf('x: Error: Could not process rule: Operation not supported\n'),
      'Could not process rule: Operation not supported',
    );
    assert.equal(reasonOf('netlink: permission denied\n'), 'netlink: permission denied');
    assert.equal(reasonOf(''), 'no reason given');
  });
});
