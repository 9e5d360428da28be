/** The plan against a kernel in memory: from whatever there is, cut off wherever, it comes to the same end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Observed, planLinks } from './link-plan.ts';
import { linkGroup } from './names.ts';
import type { Link } from './reading.ts';
import type { LinkStep } from './steps.ts';

const vni = '100';
const local = '10.10.0.11';

class Kernel {
  readonly devices = new Map<string, Link>();
  readonly deaf = new Set<string>();
  readonly routers = new Map<string, string>();
  readonly addresses = new Set<string>();
  readonly routes = new Set<string>();

  see(): Observed {
    const names = [...this.devices.keys()];
    return {
      vni,
      bridge: this.devices.get('pvcn100'),
      vxlan: this.devices.get('pvcx100'),
      vlan: this.devices.get('pvcv100'),
      vlanLink: this.devices.get('eno1'),
      deaf: new Set([...this.deaf].filter((name) => names.includes(name))),
      loose: names.filter((name) => name.startsWith('pvt') && this.devices.get(name)?.master === undefined),
      gateway: { addresses: [...this.addresses], routes: [...this.routes] },
      routers: [...this.routers].map(([mac, address]) => ({ mac, address })),
      address: local,
      underlayMtu: 1500,
    };
  }

  #need(name: string): Link {
    return this.devices.get(name) ?? assert.fail(`Cannot find device "${name}"`);
  }

  #remove(name: string): void {
    this.#need(name);
    this.devices.delete(name);
    this.deaf.delete(name);
    if (name === 'pvcx100') this.routers.clear();
    if (name === 'pvcn100') for (const had of [this.addresses, this.routes]) had.clear();
    for (const [other, { master, ...rest }] of this.devices) if (master === name) this.devices.set(other, rest);
  }

  #add(name: string, words: readonly string[]): void {
    assert.ok(!this.devices.has(name), 'RTNETLINK answers: File exists');
    const after = (word: string): string => words[words.lastIndexOf(word) + 1] ?? assert.fail(`no ${word}`);
    const type = after('type');
    this.devices.set(name, {
      ifname: name,
      flags: [],
      mtu: Number(after('mtu')),
      ...(type === 'bridge' ? { address: after('address') } : {}),
      ...(type === 'vlan' ? { link: after('link') } : {}),
      group: after('group'),
      linkinfo: {
        info_kind: type,
        ...(type === 'vxlan'
          ? {
              info_data: {
                id: Number(after('id')),
                local: after('local'),
                port: Number(after('dstport')),
                learning: !words.includes('nolearning'),
              },
            }
          : {}),
        ...(type === 'vlan' ? { info_data: { id: Number(after('id')), protocol: after('protocol') } } : {}),
      },
    });
  }

  #set(name: string, [word, value = '']: readonly string[]): void {
    const link = this.#need(name);
    if (word === 'up') this.devices.set(name, { ...link, flags: ['UP'] });
    else if (word === 'mtu') this.devices.set(name, { ...link, mtu: Number(value) });
    else if (word === 'address') this.devices.set(name, { ...link, address: value });
    else if (word === 'master') {
      this.#need(value);
      const info = { ...link.linkinfo, info_slave_data: { learning: true, neigh_suppress: false } };
      this.devices.set(name, { ...link, master: value, linkinfo: info });
    } else assert.fail(`ip link set ${word}`);
  }

  run(words: readonly string[]): void {
    const command = words.slice(0, 3).join(' ');
    if (command === 'ip link delete') this.#remove(words[4] ?? '');
    else if (command === 'ip link add') this.#add(words[4] ?? '', words);
    else if (command === 'ip link set') this.#set(words[4] ?? '', words.slice(5));
    else if (command === 'bridge link set') {
      const link = this.#need(words[4] ?? '');
      assert.ok(link.master !== undefined, 'Operation not supported');
      const info = {
        ...link.linkinfo,
        info_slave_data: { learning: false, neigh_suppress: words.at(-1) === 'on' },
      };
      this.devices.set(link.ifname, { ...link, linkinfo: info });
    } else if (command === 'bridge fdb replace' || command === 'bridge fdb del') {
      const [, , verb, mac = '', , device = '', , address = ''] = words;
      assert.ok(this.#need(device).master !== undefined, 'Operation not supported');
      if (verb === 'replace') this.routers.set(mac, address);
      else assert.ok(this.routers.delete(mac), 'No such file or directory');
    } else if (command.startsWith('ip address')) {
      this.#need('pvcn100');
      if (words[2] === 'replace') this.addresses.add(words[3] ?? '');
      else assert.ok(this.addresses.delete(words[3] ?? ''), 'Cannot assign requested address');
    } else if (words[1] === 'route') {
      this.#need('pvcn100');
      if (words[2] === 'replace') this.routes.add(words[3] ?? '');
      else assert.ok(this.routes.delete(words[3] ?? ''), 'No such process');
    } else assert.fail(command);
  }

  apply(step: LinkStep, cut: () => boolean): boolean {
    for (const act of [
      ...(step.devices ?? []).map((device) => () => void this.deaf.add(device)),
      ...(step.commands ?? []).map((command) => () => this.run(command)),
    ]) {
      if (cut()) return false;
      act();
    }
    return true;
  }
}

const link = (ifname: string, more: Partial<Link>): Link => ({
  ifname,
  flags: [],
  mtu: 1500,
  group: linkGroup,
  ...more,
});

const macs = fc.constantFrom('02:70:0a:0a:00:0c', '02:70:0a:0a:00:0d');

/** Devices that an earlier life of the daemon, an older network or somebody's hand has left. */
const leftovers = fc.record({
  bridge: fc.option(
    fc.record({ kind: fc.constantFrom('bridge', 'vxlan'), up: fc.boolean(), mtu: fc.constantFrom(1400, 1450) }),
  ),
  vxlan: fc.option(
    fc.record({
      id: fc.constantFrom(100, 101),
      local: fc.constantFrom(local, '10.10.0.12'),
      learning: fc.boolean(),
      plugged: fc.boolean(),
      suppress: fc.boolean(),
      up: fc.boolean(),
    }),
  ),
  vlan: fc.option(
    fc.record({
      id: fc.constantFrom(7, 8),
      on: fc.constantFrom('eno1', 'eno2'),
      plugged: fc.boolean(),
      up: fc.boolean(),
    }),
  ),
  deaf: fc.subarray(['pvcn100', 'pvcx100', 'pvcv100']),
  cards: fc.integer({ min: 0, max: 3 }),
  routers: fc.dictionary(macs, fc.constantFrom('10.10.0.12', '10.10.0.99')),
  wanted: fc.constantFrom(
    undefined,
    { mtu: 1450, routers: [] },
    { mtu: 1400, routers: [{ mac: '02:70:0a:0a:00:0c', address: '10.10.0.12' }] },
    { mtu: 1500, routers: [], vlan: { id: 7, link: 'eno1' } },
    { mtu: 1450, routers: [], anycast: { addresses: ['10.20.0.1/32'], routes: ['10.20.0.0/24'] } },
  ),
  addresses: fc.subarray(['10.20.0.1/32', '10.20.0.9/32', 'fe80::1/64']),
  routes: fc.subarray(['10.20.0.0/24', 'fd20::/64']),
});
type Leftovers = typeof leftovers extends fc.Arbitrary<infer T> ? T : never;

function kernelWith({ bridge, vxlan, vlan, deaf, routers, cards, addresses, routes }: Leftovers): Kernel {
  const kernel = new Kernel();
  kernel.devices.set('br0', link('br0', { group: 'default' }));
  kernel.devices.set('eno1', link('eno1', { group: 'default' }));
  if (bridge !== null)
    kernel.devices.set(
      'pvcn100',
      link('pvcn100', { mtu: bridge.mtu, flags: bridge.up ? ['UP'] : [], linkinfo: { info_kind: bridge.kind } }),
    );
  if (vxlan !== null)
    kernel.devices.set(
      'pvcx100',
      link('pvcx100', {
        flags: vxlan.up ? ['UP'] : [],
        ...(vxlan.plugged && bridge !== null ? { master: 'pvcn100' } : {}),
        linkinfo: {
          info_kind: 'vxlan',
          info_data: { id: vxlan.id, local: vxlan.local, port: 4789, learning: vxlan.learning },
          ...(vxlan.plugged ? { info_slave_data: { learning: vxlan.suppress, neigh_suppress: vxlan.suppress } } : {}),
        },
      }),
    );
  if (vlan !== null)
    kernel.devices.set(
      'pvcv100',
      link('pvcv100', {
        link: vlan.on,
        flags: vlan.up ? ['UP'] : [],
        ...(vlan.plugged && bridge !== null ? { master: 'pvcn100' } : {}),
        linkinfo: { info_kind: 'vlan', info_data: { id: vlan.id, protocol: '802.1Q' } },
      }),
    );
  if (vxlan?.plugged === true && bridge !== null)
    for (const [mac, address] of Object.entries(routers)) kernel.routers.set(mac, address);
  if (bridge?.kind === 'bridge') {
    for (const address of addresses) kernel.addresses.add(address);
    for (const route of routes) kernel.routes.add(route);
  }
  for (const name of deaf) if (kernel.devices.has(name)) kernel.deaf.add(name);
  for (let card = 0; card < cards; card += 1)
    kernel.devices.set(`pvt52540000000${card}`, link(`pvt52540000000${card}`, { group: 'default' }));
  return kernel;
}

describe('the devices of a network, from whatever there is', () => {
  it('come to what is wanted, whenever the daemon dies', () => {
    fc.assert(
      fc.property(leftovers, fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 4 }), (start, deaths) => {
        const kernel = kernelWith(start);
        // Each life but the last dies after so many commands.
        for (const death of [...deaths, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]) {
          let left = death;
          for (const step of planLinks(start.wanted, kernel.see()).steps)
            if (!kernel.apply(step, () => (left -= 1) < 0)) break;
        }
        const seen = kernel.see();
        assert.deepEqual(planLinks(start.wanted, seen).steps, []);
        assert.deepEqual(kernel.devices.get('br0'), link('br0', { group: 'default' }));
        const { wanted } = start;
        if (wanted === undefined) {
          assert.deepEqual([seen.bridge, seen.vxlan, seen.vlan], [undefined, undefined, undefined]);
          return;
        }
        const [way, other] = 'vlan' in wanted ? [seen.vlan, seen.vxlan] : [seen.vxlan, seen.vlan];
        assert.equal(other, undefined, 'it goes one way only');
        assert.deepEqual([seen.bridge?.mtu, way?.mtu], [wanted.mtu, wanted.mtu]);
        assert.equal(way?.master, 'pvcn100');
        assert.equal(seen.loose.length, 0);
        assert.equal(seen.deaf.size, 2);
        assert.deepEqual(seen.routers, wanted.routers);
        const anycast = 'anycast' in wanted ? wanted.anycast : undefined;
        assert.equal(seen.bridge?.address, anycast === undefined ? '02:70:0a:0a:00:0b' : '02:70:00:00:00:01');
        assert.deepEqual(seen.gateway, anycast ?? { addresses: [], routes: [] });
        if ('vlan' in wanted) assert.deepEqual([way?.link, way?.linkinfo?.info_data?.id], ['eno1', 7]);
      }),
      { numRuns: 2000 },
    );
  });
});
