/** `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Network } from '../network.ts';
import type { DhcpSpec } from '../settings/dhcp-kind.ts';
import { type SettingsInput, settingsAsAsked, usualSettings } from '../settings/settings-input.ts';
import { type ServerInput, serverConf, serverHosts } from './conf.ts';
import { leaseScript } from './lease-script.ts';

const accept = process.env['PVC_ACCEPT'] === '1';
const instance = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed010';
const directory = '/run/pvc/dnsmasq/10000';

const office: Network = {
  name: 'office',
  vni: 10_000,
  mtu: 1450,
  ipv4: { prefix: '10.20.0.0/24', gateway: '10.20.0.1' },
  ipv6: null,
  domain: 'office.example',
};
const ipv6 = { prefix: 'fd20::/64', gateway: 'fd20::1' };
const both: Network = { ...office, ipv6 };
const onlyIpv6: Network = { ...office, ipv4: null, ipv6 };

const settingsOf = (network: Network, input: SettingsInput = {}): DhcpSpec =>
  settingsAsAsked(network, usualSettings(network, instance), input);

const inputOf = (network: Network, input: SettingsInput = {}, more: Partial<ServerInput> = {}): ServerInput => ({
  network,
  settings: settingsOf(network, input),
  reservations: [],
  guests: [],
  directory,
  ...more,
});

const lab: Network = {
  ...office,
  name: 'lab',
  vni: 4711,
  ipv4: { prefix: '172.16.0.0/20', gateway: '172.16.15.254' },
  domain: 'lab.example',
};
const cases: Readonly<Record<string, ServerInput>> = {
  usual: inputOf(office),
  'without-domain': inputOf({ ...office, domain: null }),
  'one-range': inputOf(office, { range: ['10.20.0.100-10.20.0.199'] }),
  'several-ranges': inputOf(office, { range: ['10.20.0.10-10.20.0.19', '10.20.0.100-10.20.0.199'] }),
  'reservations-only': inputOf(office, { range: [] }),
  'short-leases': inputOf(office, { leaseTimeS: 120 }),
  'name-servers': inputOf(office, { dns: ['10.20.0.2', '10.20.0.3'] }),
  'time-servers': inputOf(office, { ntp: ['10.20.0.1', '192.0.2.1'] }),
  routes: inputOf(office, { route: ['10.30.0.0/16=10.20.0.254', '192.0.2.0/24=10.20.0.253'] }),
  boot: inputOf(office, { bootFile: 'debian/pxelinux.0', nextServer: '10.20.0.5' }),
  'jumbo-frames': inputOf({ ...office, mtu: 8950 }),
  'wide-network-gateway-last': inputOf(lab),
  'two-addresses': inputOf({ ...office, ipv4: { prefix: '10.20.0.4/30', gateway: '10.20.0.5' } }),
  'both-stateless': inputOf(both),
  'both-stateful': inputOf(both, { ipv6: 'stateful' }),
  'both-without-ipv6': inputOf(both, { ipv6: 'none' }),
  'both-servers': inputOf(both, {
    dns: ['10.20.0.2', 'fd20::2', '2001:db8::53'],
    ntp: ['10.20.0.1', 'fd20::1'],
  }),
  'ipv6-stateless': inputOf(onlyIpv6),
  'ipv6-stateful-range': inputOf(
    { ...onlyIpv6, domain: null },
    { ipv6: 'stateful', ipv6Range: 'fd20::1000-fd20::1fff' },
  ),
};

const golden = (name: string): URL => new URL(`golden/${name}`, import.meta.url);

function assertGolden(name: string, text: string): void {
  if (accept) writeFileSync(golden(name), text);
  assert.equal(text, readFileSync(golden(name), 'utf8'));
}

describe('dnsmasq.conf', () => {
  for (const [name, input] of Object.entries(cases))
    it(`of ${name.replaceAll('-', ' ')}, as dnsmasq itself takes it`, () => {
      assertGolden(`${name}.conf`, serverConf(input));
      const tested = spawnSync('dnsmasq', ['--test', `--conf-file=${fileURLToPath(golden(`${name}.conf`))}`], {
        encoding: 'utf8',
      });
      assert.equal(tested.status, 0, tested.stderr || String(tested.error));
    });

  it('serves one bridge and nothing else', () => {
    for (const input of Object.values(cases)) {
      const lines = serverConf(input).split('\n');
      assert.deepEqual(
        lines.filter((line) => line.startsWith('interface=')),
        [`interface=pvcn${input.network.vni}`],
      );
      for (const line of ['except-interface=lo', 'bind-dynamic', 'no-resolv', 'no-hosts', 'leasefile-ro'])
        assert.ok(lines.includes(line), line);
      assert.ok(!lines.some((line) => line.startsWith('listen-address')));
    }
  });
});

describe('the file of reservations', () => {
  it('has a line for each, by MAC address', () => {
    const reservations = [
      { mac: '52:54:00:00:00:02', address: '10.20.0.11', hostname: null },
      { mac: '52:54:00:00:00:01', address: '10.20.0.10', hostname: 'web1' },
    ];
    assert.equal(
      serverHosts({ reservations, guests: [] }),
      '# Written by pvc: changes are overwritten.\n52:54:00:00:00:01,10.20.0.10,web1\n52:54:00:00:00:02,10.20.0.11\n',
    );
    assert.equal(serverHosts({ reservations: [], guests: [] }), '# Written by pvc: changes are overwritten.\n');
  });

  it('gives cards the names of their guests, unless a reservation has another or the same', () => {
    const guests = ['db', 'web1', 'mail', 'new'].map((hostname, index) => ({
      mac: `52:54:00:00:00:0${index}`,
      hostname,
    }));
    const reservations = [
      { mac: '52:54:00:00:00:00', address: '10.20.0.10', hostname: 'web1' },
      { mac: '52:54:00:00:00:02', address: '10.20.0.11', hostname: null },
    ];
    assert.deepEqual(serverHosts({ reservations, guests }).split('\n').slice(1), [
      '52:54:00:00:00:00,10.20.0.10,web1',
      '52:54:00:00:00:02,10.20.0.11,mail',
      '52:54:00:00:00:03,new',
      '',
    ]);
  });
});

describe('the lease script', () => {
  it('is what the shell takes', () => {
    const text = leaseScript({ vni: '10000', directory, reported: '/run/pvc/dnsmasq-leases/reported' });
    assertGolden('lease-script.sh', text);
    const tested = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' });
    assert.equal(tested.status, 0, tested.stderr);
  });
});
