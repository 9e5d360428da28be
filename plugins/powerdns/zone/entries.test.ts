/** `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Signing } from '../dnssec/signing.ts';
import { entriesOf } from './entries.ts';
import type { DhcpHost, Facts, ManualRecord, NamedNetwork } from './entry.ts';
import { withSoa, zonesOf } from './zones.ts';

const unsigned: Signing = { keys: new Map(), week: 0 };
const accept = process.env['PVC_ACCEPT'] === '1';

const office: NamedNetwork = {
  name: 'office',
  ipv4: { prefix: '10.20.0.0/24', gateway: '10.20.0.1' },
  ipv6: { prefix: 'fd20::/64', gateway: 'fd20::1' },
  domain: 'office.example',
};
const facts = (change: Partial<Facts> = {}): Facts => ({
  networks: [office],
  hosts: [],
  records: [],
  floating: '10.10.0.10',
  server: undefined,
  ...change,
});
const host = (address: string, hostname: string | null, type: DhcpHost['type'] = 'lease'): DhcpHost => ({
  network: 'office',
  type,
  address,
  hostname,
});
const manual = (
  name: string,
  type: ManualRecord['type'],
  content: string,
  more: Partial<ManualRecord> = {},
): ManualRecord => ({ network: 'office', name, type, content, ttl: 300, ...more });
const v4 = (name: string, prefix: string, domain: string | null = 'office.example'): NamedNetwork => ({
  name,
  ipv4: { prefix, gateway: null },
  ipv6: null,
  domain,
});

const cases: Readonly<Record<string, Facts>> = {
  'a-network': facts(),
  'a-network-without-gateway': facts({ networks: [v4('office', '10.20.0.0/24')] }),
  'no-domain': facts({
    networks: [v4('bare', '10.20.0.0/24', null)],
    hosts: [{ ...host('10.20.0.9', 'web'), network: 'bare' }],
  }),
  'one-node': facts({ floating: undefined }),
  'ipv6-cluster': facts({ floating: 'fd00:10::10' }),
  'a-name-server-of-its-own-name': facts({ server: 'dns.example.com' }),
  leases: facts({
    hosts: [host('10.20.0.9', 'web'), host('fd20::9', 'web'), host('10.20.0.10', null), host('10.20.0.11', 'Mail')],
  }),
  'names-that-are-none': facts({
    hosts: [
      host('10.20.0.9', '-x'),
      host('10.20.0.10', 'a b'),
      host('10.20.0.11', 'a.b'),
      host('10.20.0.12', 'x'.repeat(64)),
      host('10.20.0.13', '*'),
      host('10.20.0.14', 'ä'),
    ],
  }),
  'a-reservation-and-its-lease': facts({
    hosts: [host('10.20.0.9', 'web', 'reservation'), host('10.20.0.9', 'web'), host('fd20::9', 'web')],
  }),
  'a-lease-with-a-reserved-name': facts({
    hosts: [host('10.20.0.9', 'web', 'reservation'), host('10.20.0.66', 'web')],
  }),
  'a-guest-that-calls-itself-gateway': facts({
    hosts: [host('10.20.0.66', 'gateway'), host('10.20.0.67', 'ns'), host('fd20::66', 'ns')],
  }),
  'manual-comes-before-dhcp': facts({
    hosts: [host('10.20.0.9', 'web'), host('10.20.0.8', 'mail', 'reservation')],
    records: [manual('web', 'A', '10.20.0.100'), manual('mail', 'CNAME', 'web')],
  }),
  'text-beside-a-lease': facts({
    hosts: [host('10.20.0.9', 'web')],
    records: [manual('web', 'TXT', 'rack "7" \\ left')],
  }),
  'every-type': facts({
    records: [
      manual('@', 'A', '10.20.0.80'),
      manual('@', 'AAAA', 'fd20::80'),
      manual('www', 'CNAME', 'example.com', { ttl: 60 }),
      manual('@', 'TXT', 'x'.repeat(600)),
      manual('@', 'MX', '10 mail'),
      manual('@', 'MX', '20 mx.example.com'),
      manual('_sip._tcp', 'SRV', '10 20 5060 www'),
      manual('_imap._tcp', 'SRV', '0 0 0 .'),
      manual('*.apps', 'A', '10.20.0.81'),
    ],
  }),
  'several-names-of-an-address': facts({
    records: [manual('b', 'A', '10.20.0.5'), manual('a', 'A', '10.20.0.5')],
    hosts: [host('10.20.0.5', 'aaa')],
  }),
  'several-lives-in-a-set': facts({
    records: [manual('www', 'A', '10.20.0.5', { ttl: 600 }), manual('www', 'A', '10.20.0.6', { ttl: 60 })],
  }),
  'an-address-of-somebody-else': facts({ records: [manual('www', 'A', '192.0.2.1')] }),
  'two-networks-of-one-domain': facts({
    networks: [office, { ...v4('annex', '10.21.0.0/24'), ipv4: { prefix: '10.21.0.0/24', gateway: '10.21.0.1' } }],
    hosts: [host('10.20.0.9', 'web'), { ...host('10.21.0.9', 'print'), network: 'annex' }],
  }),
  'a-domain-below-another': facts({
    networks: [office, v4('lab', '10.22.0.0/24', 'lab.office.example')],
    hosts: [host('10.20.0.9', 'lab'), { ...host('10.22.0.9', 'web'), network: 'lab' }],
    records: [manual('www.lab', 'A', '10.20.0.7')],
  }),
  'an-alias-that-became-a-domain': facts({
    networks: [office, v4('lab', '10.22.0.0/24', 'lab.office.example')],
    records: [manual('lab', 'CNAME', 'www')],
  }),
  'an-alias-that-met-an-address': facts({
    networks: [office, v4('annex', '10.21.0.0/24')],
    records: [
      manual('www', 'CNAME', 'a'),
      manual('www', 'CNAME', 'b', { network: 'annex' }),
      manual('ftp', 'CNAME', 'a'),
      manual('ftp', 'A', '10.21.0.3', { network: 'annex' }),
    ],
  }),
  'small-prefixes-in-one-zone': facts({
    networks: [v4('a', '10.20.0.0/26', 'a.example'), v4('b', '10.20.0.64/26', 'b.example')],
    hosts: [
      { ...host('10.20.0.9', 'web'), network: 'a' },
      { ...host('10.20.0.70', 'web'), network: 'b' },
    ],
  }),
  'a-wide-prefix': facts({ networks: [v4('office', '10.20.0.0/22')], hosts: [host('10.20.3.9', 'web')] }),
};

const textOf = (input: Facts): string => {
  const entries = entriesOf(input);
  const zones = zonesOf(entries, unsigned).flatMap((zone) => [
    `; ${zone.name}`,
    ...withSoa(zone, 7).flatMap(({ name, type, ttl, contents }) =>
      contents.map((content) => `${name} ${ttl} ${type} ${content}`),
    ),
  ]);
  const hidden = entries
    .filter((entry) => entry.hidden !== undefined)
    .map((entry) => `; hidden by ${entry.hidden}: ${entry.name} ${entry.type} ${entry.content} (${entry.source})`)
    .toSorted();
  return `${[...zones, ...hidden].join('\n')}\n`;
};

describe('the zones', () => {
  for (const [name, input] of Object.entries(cases))
    it(`of ${name.replaceAll('-', ' ')}`, () => {
      const url = new URL(`golden/${name}.zone`, import.meta.url);
      const text = textOf(input);
      if (accept) writeFileSync(url, text);
      assert.equal(text, readFileSync(url, 'utf8'));
    });

  const some = fc.shuffledSubarray(Object.values(cases).flatMap(({ hosts }) => hosts));
  const others = fc.shuffledSubarray(Object.values(cases).flatMap(({ records }) => records));
  const networks = [office, v4('annex', '10.21.0.0/24'), v4('lab', '10.22.0.0/24', 'lab.office.example')];

  it('do not depend on the order in which anything is told', () => {
    fc.assert(
      fc.property(some, others, (hosts, records) => {
        const digests = (turn: <T>(list: readonly T[]) => T[]) =>
          zonesOf(
            entriesOf(facts({ networks: turn(networks), hosts: turn(hosts), records: turn(records) })),
            unsigned,
          ).map(({ name, digest }) => [name, digest]);
        // Of several aliases of one name, which only a change of a domain can make, the first stands.
        fc.pre(records.filter(({ type, name }) => type === 'CNAME' && name === 'www').length < 2);
        assert.deepEqual(
          digests((list) => [...list]),
          digests((list) => list.toReversed()),
        );
      }),
    );
  });

  it('have an alias beside nothing, one life in each set, and no record twice', () => {
    fc.assert(
      fc.property(some, others, (hosts, records) => {
        for (const { sets } of zonesOf(entriesOf(facts({ networks, hosts, records })), unsigned)) {
          const names = Map.groupBy(sets, ({ name }) => name);
          for (const { name, type, contents } of sets) {
            assert.equal(new Set(contents).size, contents.length);
            if (type === 'CNAME') assert.deepEqual([names.get(name)?.length, contents.length], [1, 1]);
          }
        }
      }),
    );
  });

  it('have other serials when they are signed otherwise, and each week when they are signed at all', () => {
    const [reverse, domain] = ['0.20.10.in-addr.arpa', 'office.example'];
    const digests = (keys: readonly string[], week: number) =>
      new Map(
        zonesOf(entriesOf(facts()), { keys: new Map([[domain, keys]]), week }).map(({ name, digest }) => [
          name,
          digest,
        ]),
      );
    const all = [digests([], 1), digests(['a'], 1), digests(['b'], 1), digests(['a', 'b'], 1), digests(['a'], 2)];
    assert.equal(new Set(all.map((one) => one.get(domain))).size, all.length);
    assert.equal(new Set(all.map((one) => one.get(reverse))).size, 1);
    assert.deepEqual(digests([], 2), digests([], 1), 'what is not signed does not age');
    assert.deepEqual(
      digests([], 1),
      new Map(zonesOf(entriesOf(facts()), unsigned).map(({ name, digest }) => [name, digest])),
    );
  });
});
