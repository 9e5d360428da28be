import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ManualRecord } from '../zone/entry.ts';
import { readContent, writtenContent } from './content.ts';
import { refuseClash } from './operations.ts';
import { dnsRecord, recordId, recordSpec } from './record-kind.ts';

describe('the content of a record', () => {
  for (const [type, given, kept, written] of [
    ['A', '10.20.0.10', '10.20.0.10', '10.20.0.10'],
    ['AAAA', 'FD20:0:0::0010', 'fd20::10', 'fd20::10'],
    ['AAAA', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['CNAME', 'WWW', 'www', 'www.office.example.'],
    ['CNAME', 'www.example.com.', 'www.example.com', 'www.example.com.'],
    ['CNAME', '_dmarc.example.com', '_dmarc.example.com', '_dmarc.example.com.'],
    ['MX', ' 10   mail ', '10 mail', '10 mail.office.example.'],
    ['MX', '0 .', '0 .', '0 .'],
    ['SRV', '10 020 5060 sip.example.com', '10 20 5060 sip.example.com', '10 20 5060 sip.example.com.'],
    ['TXT', 'a "b" \\ c', 'a "b" \\ c', '"a \\"b\\" \\\\ c"'],
  ] as const)
    it(`of type ${type}: ${given}`, () => {
      assert.equal(readContent(type, given), kept);
      assert.equal(writtenContent(type, kept, 'office.example'), written);
    });

  for (const [type, given, reason] of [
    ['A', '999.1.1.1', /IPv4/],
    ['A', '10.20.0', /IPv4/],
    ['A', '10.20.0.1/24', /IPv4/],
    ['A', 'fd20::1', /IPv4/],
    ['AAAA', '10.20.0.1', /IPv6/],
    ['AAAA', 'fd20:::1', /IPv6/],
    ['CNAME', '', /points to a name/],
    ['CNAME', '*.example.com', /points to a name/],
    ['CNAME', '@', /points to a name/],
    ['CNAME', 'a b', /points to a name/],
    ['CNAME', '-x', /points to a name/],
    ['MX', 'mail', /a preference and a name/],
    ['MX', '70000 mail', /a preference and a name/],
    ['MX', '-1 mail', /a preference and a name/],
    ['SRV', '1 2 3', /a priority/],
    ['SRV', '1 2 3 4 5', /a priority/],
    ['SRV', '1 2 x www', /a priority/],
    ['TXT', 'a\nb', /printable/],
    ['TXT', 'ä', /printable/],
  ] as const)
    it(`of type ${type} is refused: ${JSON.stringify(given)}`, () =>
      assert.throws(() => readContent(type, given), reason));

  it('is, as text, whole in strings of 255', () => {
    const printable = fc.string({
      unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 2_048,
    });
    fc.assert(
      fc.property(printable, (text) => {
        const strings = [...writtenContent('TXT', text, 'x').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, inner = '']) =>
          inner.replace(/\\(.)/g, '$1'),
        );
        assert.equal(strings.join(''), text);
        assert.ok(strings.every(({ length }) => length <= 255));
      }),
    );
  });

  it('is kept as it is read again', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const kept = readContent('AAAA', address);
        assert.equal(readContent('AAAA', kept), kept);
      }),
    );
  });
});

describe('the document of a record', () => {
  const spec: ManualRecord = { network: 'office', name: 'www', type: 'A', content: '10.20.0.10', ttl: 300 };

  it('is written and read back', () => assert.deepEqual(recordSpec.parse(spec), spec));

  for (const [what, change] of [
    ['a name with a blank', { name: 'a b' }],
    ['a name like an option', { name: '-x' }],
    ['a name with a dot at its end', { name: 'www.' }],
    ['a star in the middle', { name: 'a.*.b' }],
    ['upper case', { name: 'WWW' }],
    ['a label of 64', { name: 'x'.repeat(64) }],
    ['a type that there is not', { type: 'NS' }],
    ['no life', { ttl: 0 }],
    ['a life of more than a week', { ttl: 604_801 }],
    ['a field that there is not', { prio: 1 }],
  ] as const)
    it(`is refused with ${what}`, () => assert.equal(recordSpec.safeParse({ ...spec, ...change }).success, false));

  it('has an id that tells it from every other', () => {
    const ids = [spec, { ...spec, name: 'w' }, { ...spec, network: 'lab' }, { ...spec, content: '10.20.0.11' }].map(
      recordId,
    );
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.ok(dnsRecord.id.safeParse(id).success);
  });
});

describe('beside each other', () => {
  const of = (type: ManualRecord['type'], content: string): ManualRecord => ({
    network: 'office',
    name: 'www',
    type,
    content,
    ttl: 300,
  });
  const clash = (record: ManualRecord, others: readonly ManualRecord[], own = false) =>
    refuseClash(record, 'www.office.example', others, own);

  it('records of all types but aliases stand', () => {
    clash(of('A', '10.20.0.2'), [of('A', '10.20.0.1'), of('TXT', 'x')], true);
    clash(of('CNAME', 'a'), []);
  });

  for (const [what, record, others, own, code] of [
    ['the same twice', of('A', '10.20.0.1'), [of('A', '10.20.0.1')], false, 'DNS_RECORD_EXISTS'],
    ['an alias beside an address', of('CNAME', 'a'), [of('A', '10.20.0.1')], false, 'DNS_ALIAS_ALONE'],
    ['an address beside an alias', of('A', '10.20.0.1'), [of('CNAME', 'a')], false, 'DNS_ALIAS_ALONE'],
    ['two aliases', of('CNAME', 'a'), [of('CNAME', 'b')], false, 'DNS_ALIAS_ALONE'],
    ['an alias of PVC’s own name', of('CNAME', 'a'), [], true, 'DNS_ALIAS_ALONE'],
  ] as const)
    it(`${what} is refused`, () => assert.throws(() => clash(record, others, own), { code }));
});
