import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { audit } from '../../../core/operation/audit.ts';
import { Executor } from '../../../core/operation/execute.ts';
import type { Actor, Mutation, Query } from '../../../core/operation/operation.ts';
import { PvcError } from '../../../core/plugin/api.ts';
import { Documents } from '../../../core/store/documents.ts';
import { createMemoryStore } from '../../../core/store/memory.ts';
import { entriesOf } from '../zone/entries.ts';
import type { Facts, NamedNetwork } from '../zone/entry.ts';
import type { DnsSources } from '../zone/sources.ts';
import { dnsZone } from '../zone/zone-kind.ts';
import { zonesOf } from '../zone/zones.ts';
import { type KeyRow, signingOperations } from './operations.ts';
import { renderKeys } from './render.ts';
import { signingOf, weekOf } from './signing.ts';
import { dnsKey, dnsSigning } from './signing-kind.ts';
import { keyIdOf, publicKeyOf } from './zone-key.ts';

const actor: Actor = { name: 'root', role: 'admin', via: 'socket' };
const { signal } = new AbortController();
const network = (name: string, prefix: string, domain: string | null): NamedNetwork => ({
  ...{ name, domain, ipv6: null },
  ipv4: { prefix, gateway: null },
});
const networks = [
  network('office', '10.20.0.0/23', 'office.example'),
  network('annex', '10.21.0.0/24', 'office.example'),
  network('bare', '10.22.0.0/24', null),
];

function setUp() {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const facts: Facts = { networks, hosts: [], records: [], floating: '10.10.0.10', server: undefined };
  const dns = { networks: async () => networks, facts: async () => facts } as unknown as DnsSources;
  const operations = signingOperations(() => ({ dns }));
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined });
  const named = (verb: string) => operations.find(({ name }) => name === `network.dns-${verb}`) as unknown;
  return {
    ...{ host, documents, facts },
    plan: (verb: string, input: object) => executor.plan(named(verb) as Mutation, input, actor),
    mutate: (verb: string, input: object) => executor.mutate(named(verb) as Mutation, input, actor),
    keys: async (input: object = {}) =>
      (await executor.query(named('keys') as Query, input, actor, signal)) as KeyRow[],
  };
}

const refused = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PvcError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

describe('signing of zones', () => {
  it('makes a key, shows the public half, and nothing shows the private one', async () => {
    const { documents, plan, mutate, keys } = setUp();
    const planned = await plan('sign', { network: 'office' });
    assert.deepEqual(await documents.list(dnsSigning), [], 'a plan changes nothing');
    const done = await mutate('sign', { network: 'office' });
    const secrets = await documents.list(dnsKey);
    const [row] = await keys({ network: 'office' });
    assert.equal(secrets.length, 1);
    const { privateKey } = secrets[0]?.spec ?? { privateKey: '' };
    const publicKey = publicKeyOf(privateKey);
    assert.equal(secrets[0]?.id, keyIdOf(publicKey));
    assert.ok(row?.dnskey === `office.example. IN DNSKEY 257 3 13 ${publicKey}`);
    assert.match(row.ds, new RegExp(`^office\\.example\\. IN DS ${row.keyTag} 13 2 [0-9a-f]{64}$`));
    const told = JSON.stringify([
      planned,
      done,
      await keys(),
      await documents.list(audit),
      await documents.list(dnsSigning),
    ]);
    assert.ok(told.includes(publicKey));
    for (const text of [privateKey, privateKey.slice(0, 20), Buffer.from(privateKey, 'base64').toString('hex')])
      assert.equal(told.includes(text), false);
  });

  it('has each zone of the network when asked, and none twice', async () => {
    const { documents, mutate, keys } = setUp();
    await mutate('sign', { network: 'office' });
    await assert.rejects(
      mutate('sign', { network: 'office' }),
      refused('DNS_SIGNED', /office\.example is signed already, by the network office/),
    );
    await assert.rejects(mutate('sign', { network: 'annex' }), refused('DNS_SIGNED', /by the network office/));
    await mutate('sign', { network: 'office', reverse: true });
    assert.deepEqual(
      (await keys({ network: 'office' })).map(({ zone }) => zone),
      ['0.20.10.in-addr.arpa', '1.20.10.in-addr.arpa', 'office.example'],
    );
    await mutate('sign', { network: 'annex', reverse: true });
    assert.deepEqual(
      (await keys({ network: 'annex' })).map((row) => [row.zone, row.network]),
      [
        ['0.21.10.in-addr.arpa', 'annex'],
        ['office.example', 'office'],
      ],
    );
    assert.equal((await documents.list(dnsKey)).length, 4);
    assert.equal(new Set((await keys()).map(({ keyTag }) => keyTag)).size, 4);
    await mutate('unsign', { network: 'office' });
    assert.deepEqual(
      (await keys()).map(({ zone }) => zone),
      ['0.21.10.in-addr.arpa'],
      'what another network signed stays',
    );
    await mutate('unsign', { network: 'annex' });
    assert.deepEqual([...(await documents.list(dnsKey)), ...(await documents.list(dnsSigning))], []);
  });

  it('goes over to another key in two steps', async () => {
    const { documents, mutate, keys } = setUp();
    await assert.rejects(
      mutate('sign', { network: 'office', newKey: true }),
      refused('DNS_NOT_SIGNED', /office has not signed office\.example/),
    );
    await mutate('sign', { network: 'office' });
    const old = (await keys())[0]?.keyTag ?? 0;
    await assert.rejects(mutate('unsign', { network: 'office', key: old }), refused('DNS_LAST_KEY', /the only key/));
    await assert.rejects(
      mutate('sign', { network: 'annex', newKey: true }),
      refused('DNS_NOT_SIGNED', /annex has not signed/),
    );
    await mutate('sign', { network: 'office', newKey: true });
    const tags = (await keys()).map(({ keyTag }) => keyTag);
    assert.deepEqual([tags.length, tags[0]], [2, old]);
    await assert.rejects(
      mutate('sign', { network: 'office', newKey: true }),
      refused('DNS_TWO_KEYS', new RegExp(`two keys already: ${tags.join(' and ')}`)),
    );
    const none = Array.from({ length: 3 }, (_, tag) => tag).find((tag) => !tags.includes(tag));
    await assert.rejects(mutate('unsign', { network: 'office', key: none }), refused('DNS_KEY_NOT_FOUND', /has a key/));
    await mutate('unsign', { network: 'office', key: old });
    assert.deepEqual(
      (await keys()).map(({ keyTag }) => keyTag),
      tags.slice(1),
    );
    assert.equal((await documents.list(dnsKey)).length, 1);
  });

  it('is refused where there is nothing to sign', async () => {
    const { documents, mutate, keys } = setUp();
    for (const [verb, input, code, message] of [
      ['sign', { network: 'nope' }, 'DNS_NO_NETWORK', /no network nope/],
      ['sign', { network: 'bare' }, 'DNS_NO_DOMAIN', /bare has no domain/],
      ['sign', { network: 'bare', reverse: true }, 'DNS_NO_DOMAIN', /bare has no domain/],
      ['unsign', { network: 'nope' }, 'DNS_NO_NETWORK', /no network nope/],
      ['unsign', { network: 'office' }, 'DNS_NOT_SIGNED', /office has not signed any zone/],
      ['unsign', { network: 'office', key: 7 }, 'DNS_NOT_SIGNED', /has not signed any zone/],
    ] as const)
      await assert.rejects(mutate(verb, input), refused(code, message), JSON.stringify([verb, input]));
    await assert.rejects(keys({ network: 'nope' }), refused('DNS_NO_NETWORK', /nope/));
    assert.deepEqual(await keys(), []);
    assert.deepEqual(await documents.list(dnsSigning), []);
  });

  it('tells whether it has come to pass', async () => {
    const { host, documents, facts, mutate, keys } = setUp();
    await mutate('sign', { network: 'office' });
    const state = async () => (await keys()).map((row) => row.state);
    assert.deepEqual(await state(), ['waiting']);
    const signing = signingOf(await documents.list(dnsSigning), weekOf(host.clock.wallMs()));
    const digest = zonesOf(entriesOf(facts), signing).find(({ name }) => name === 'office.example')?.digest ?? '';
    const { ops, topics } = documents.commitOf([
      { do: 'create', kind: dnsZone, id: 'office.example', spec: { serial: 7, digest } },
    ]);
    await documents.store.commit(ops, topics);
    assert.deepEqual(await state(), ['signing']);
    (facts.networks as NamedNetwork[])[0] = network('office', '10.20.0.0/23', 'else.example');
    (facts.networks as NamedNetwork[])[1] = network('annex', '10.21.0.0/24', null);
    assert.deepEqual(await state(), ['unused']);
    await mutate('unsign', { network: 'office' });
    assert.deepEqual(await keys(), []);
  });

  it('is shown with whole records, however narrow the terminal', async () => {
    const { mutate, keys } = setUp();
    assert.equal(renderKeys([], { width: 40, colour: false, nowMs: 0 }), 'Nothing is signed.');
    await mutate('sign', { network: 'office' });
    const rows = await keys();
    const text = renderKeys(rows, { width: 40, colour: false, nowMs: rows[0]?.sinceMs ?? 0 });
    for (const record of [rows[0]?.ds, rows[0]?.dnskey])
      assert.ok(text.split('\n').some((line) => line.endsWith(String(record))));
  });
});

describe('the week of signatures', () => {
  it('begins when that of PowerDNS does, on Thursday', () => {
    const thursday = Date.UTC(2026, 11, 3);
    assert.equal(new Date(thursday).getUTCDay(), 4);
    assert.equal(weekOf(thursday) - weekOf(thursday - 1), 1);
    assert.equal(weekOf(thursday), weekOf(thursday + 7 * 86_400_000 - 1));
  });
});
