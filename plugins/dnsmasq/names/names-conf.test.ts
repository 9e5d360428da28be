/** `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type NamesInput, namesConf, namesServers } from './names-conf.ts';

const accept = process.env['PVC_ACCEPT'] === '1';
const office = { domain: 'office.example', ipv4: { prefix: '10.20.0.0/24', gateway: '10.20.0.1' }, ipv6: null };
const both = { ...office, ipv6: { prefix: 'fd20::/64', gateway: 'fd20::1' } };
const lab = { domain: 'lab.example', ipv4: { prefix: '172.16.0.0/20', gateway: '172.16.15.254' }, ipv6: null };
const silent = { domain: null, ipv4: { prefix: '10.99.0.0/19', gateway: null }, ipv6: null };
const odd = { domain: 'odd.example', ipv4: null, ipv6: { prefix: 'fd21:0:0:8::/61', gateway: 'fd21:0:0:8::1' } };
const resolver = '127.0.0.1#5300';

const cases: Readonly<Record<string, NamesInput>> = {
  'one-network': { networks: [office], resolver, forwarders: [] },
  'without-resolver': { networks: [lab, silent, both, office], resolver: undefined, forwarders: ['192.0.2.53'] },
  'many-networks': { networks: [lab, silent, odd, both], resolver, forwarders: ['192.0.2.53', '2001:db8::53'] },
  'no-domains': { networks: [silent], resolver, forwarders: [] },
};

function assertGolden(name: string, text: string): void {
  const file = new URL(`golden/${name}`, import.meta.url);
  if (accept) writeFileSync(file, text);
  assert.equal(text, readFileSync(file, 'utf8'));
  // A file of servers has lines of a configuration, and only some of them.
  const tested = spawnSync('dnsmasq', ['--test', `--conf-file=${fileURLToPath(file)}`], { encoding: 'utf8' });
  assert.equal(tested.status, 0, tested.stderr || String(tested.error));
}

describe('who answers what', () => {
  for (const [name, input] of Object.entries(cases))
    it(`with ${name.replaceAll('-', ' ')}, as dnsmasq itself takes it`, () =>
      assertGolden(`${name}.servers`, namesServers(input)));

  it('is the same in whatever order networks are told', () => {
    const input = cases['many-networks'] ?? assert.fail();
    const turned = { ...input, networks: input.networks.toReversed() };
    assert.equal(namesServers(turned), namesServers(input));
  });
});

describe('dnsmasq.conf of the names', () => {
  it('is as dnsmasq itself takes it', () => assertGolden('names.conf', namesConf('/run/pvc/dnsmasq/names')));

  it('answers this node alone, and gives out no addresses', () => {
    const lines = namesConf('/run').split('\n');
    for (const line of ['listen-address=127.0.0.1', 'bind-interfaces', 'no-resolv', 'no-hosts'])
      assert.ok(lines.includes(line), line);
    assert.ok(!lines.some((line) => line.startsWith('dhcp-')));
  });
});
