import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { mostVni } from '../network/network-kind.ts';
import { anycastIn, anycastOf, readDevices } from './anycast-plan.ts';
import { type Observed, planLinks } from './link-plan.ts';
import { bridgeName, linkGroup, macOfTap, tapName, vlanName, vniOf, vxlanName } from './names.ts';
import { type Link, mtuOfAddress, readLinks } from './reading.ts';
import type { Router } from './router.ts';

const local = '10.10.0.11';
const nothing: Observed = {
  vni: '100',
  bridge: undefined,
  vxlan: undefined,
  vlan: undefined,
  vlanLink: undefined,
  deaf: new Set(),
  loose: [],
  gateway: { addresses: [], routes: [] },
  routers: [],
  address: local,
  underlayMtu: 1500,
};

const bridge: Link = {
  ifname: 'pvcn100',
  flags: ['UP', 'LOWER_UP'],
  mtu: 1450,
  address: '02:70:0a:0a:00:0b',
  group: linkGroup,
  linkinfo: { info_kind: 'bridge', info_data: { mcast_snooping: 0 } },
};
const vxlan: Link = {
  ifname: 'pvcx100',
  flags: ['UP', 'LOWER_UP'],
  mtu: 1450,
  master: 'pvcn100',
  group: linkGroup,
  linkinfo: {
    info_kind: 'vxlan',
    info_data: { id: 100, local, port: 4789, learning: false },
    info_slave_data: { learning: false, neigh_suppress: false },
  },
};
const whole: Observed = { ...nothing, bridge, vxlan, deaf: new Set(['pvcn100', 'pvcx100']) };

const words = (observed: Partial<Observed>, mtu = 1450, wanted = true, routers: Router[] = []): string[] =>
  planLinks(wanted ? { mtu, routers } : undefined, { ...whole, ...observed }).steps.flatMap(({ devices, commands }) => [
    ...(devices ?? []).map((device) => `deaf ${device}`),
    ...(commands ?? []).map((command) => command.join(' ')),
  ]);

const make = [
  'ip link add name pvcn100 group 7370 mtu 1450 address 02:70:0a:0a:00:0b type bridge stp_state 0 mcast_snooping 0',
  'deaf pvcn100',
  'ip link set dev pvcn100 up',
];
const makeVxlan = [
  'ip link add name pvcx100 group 7370 mtu 1450 type vxlan id 100 local 10.10.0.11 dstport 4789 nolearning',
  'deaf pvcx100',
  'ip link set dev pvcx100 master pvcn100',
  'bridge link set dev pvcx100 learning off neigh_suppress off',
  'ip link set dev pvcx100 up',
];

/** First what goes and comes, then what the node hears on it, then the rest. */
const inOrder = (...lines: readonly string[]): string[] => {
  const phase = (line: string): number => (/^ip link (?:add|delete)/.test(line) ? 0 : line.startsWith('deaf') ? 1 : 2);
  return lines.toSorted((one, other) => phase(one) - phase(other));
};

describe('the devices of a network', () => {
  it('are left alone when all is well', () => assert.deepEqual(words({}), []));
  it('are made', () => assert.deepEqual(words(nothing), inOrder(...make, ...makeVxlan)));
  it('are made in three steps', () => {
    const { steps } = planLinks({ mtu: 1450, routers: [] }, nothing);
    assert.deepEqual(
      steps.map(({ do: phase, text }) => [phase, text]),
      [
        ['make', 'make the bridge pvcn100, make pvcx100 from 10.10.0.11'],
        ['deaf', 'keep the node itself out of pvcn100 and pvcx100'],
        ['set', 'switch pvcn100 on, plug pvcx100 into pvcn100, switch pvcx100 on'],
      ],
    );
  });
  it('are a bridge alone on a node without an address', () =>
    assert.deepEqual(
      words({ ...nothing, address: undefined, underlayMtu: undefined }),
      make.map((line) => line.replace('0a:0a:00:0b', '00:00:00:00')),
    ));

  for (const [what, observed, expected] of [
    ['the bridge is gone', { bridge: undefined }, [...make, ...makeVxlan.slice(2, 4)]],
    ['the VXLAN device is gone', { vxlan: undefined }, makeVxlan],
    [
      'it has another local address',
      { address: '10.10.0.99' },
      [
        'ip link delete dev pvcx100',
        ...makeVxlan.slice(0, 2).map((line) => line.replace(local, '10.10.0.99')),
        'ip link set dev pvcn100 address 02:70:0a:0a:00:63',
        ...makeVxlan.slice(2),
      ],
    ],
    ['it hangs nowhere', { vxlan: { ...vxlan, master: undefined } }, makeVxlan.slice(2, 4)],
    ['it hangs elsewhere', { vxlan: { ...vxlan, master: 'br0' } }, makeVxlan.slice(2, 4)],
    ['it is off', { vxlan: { ...vxlan, flags: [] } }, ['ip link set dev pvcx100 up']],
    ['the bridge is off', { bridge: { ...bridge, flags: [] } }, ['ip link set dev pvcn100 up']],
    ['the node hears', { deaf: new Set(['pvcx100']) }, ['deaf pvcn100']],
    ['a card is loose', { loose: ['pvt525400123456'] }, ['ip link set dev pvt525400123456 master pvcn100']],
    [
      'a death came between its making and its place',
      { vxlan: { ...vxlan, master: undefined, flags: [] }, deaf: new Set(['pvcn100']) },
      makeVxlan.slice(1),
    ],
  ] as const satisfies readonly (readonly [string, Partial<Observed>, readonly string[]])[])
    it(`are mended when ${what}`, () => assert.deepEqual(words(observed), expected));

  for (const [what, part] of [
    ['learns', { learning: true, neigh_suppress: false }],
    ['answers for others', { learning: false, neigh_suppress: true }],
  ] as const)
    it(`are mended when the port ${what}`, () => {
      const linkinfo = { ...vxlan.linkinfo, info_slave_data: part };
      assert.deepEqual(words({ vxlan: { ...vxlan, linkinfo } }), [makeVxlan[3]]);
    });

  for (const [what, data] of [
    ['another number', { id: 101 }],
    ['another port', { port: 8472 }],
    ['learning on', { learning: true }],
  ] as const)
    it(`are made anew when the VXLAN device has ${what}`, () => {
      const linkinfo = { ...vxlan.linkinfo, info_data: { ...vxlan.linkinfo?.info_data, ...data } };
      assert.deepEqual(words({ vxlan: { ...vxlan, linkinfo } }), ['ip link delete dev pvcx100', ...makeVxlan]);
    });

  const second = { mac: '02:70:0a:0a:00:0c', address: '10.10.0.12' };
  const third = { mac: '02:70:0a:0a:00:0d', address: '10.10.0.13' };
  const fdb = (verb: string, { mac, address }: Router) =>
    `bridge fdb ${verb} ${mac} dev pvcx100 dst ${address} self master${verb === 'del' ? '' : ' static'}`;
  it('know the way to each node that can be the gateway', () => {
    const all = [second, third];
    assert.deepEqual(words({ routers: all }, 1450, true, all), []);
    assert.deepEqual(words({}, 1450, true, all), [fdb('replace', second), fdb('replace', third)]);
    assert.deepEqual(words({ routers: all }, 1450, true, [third]), [fdb('del', second)]);
    const moved = { ...second, address: '10.10.0.99' };
    assert.deepEqual(words({ routers: [moved] }, 1450, true, [second]), [fdb('replace', second)]);
    assert.deepEqual(words({ vxlan: undefined, routers: [] }, 1450, true, [second]), [
      ...makeVxlan.slice(0, -1),
      fdb('replace', second),
      ...makeVxlan.slice(-1),
    ]);
  });

  it('get another MTU in place', () =>
    assert.deepEqual(words({}, 1400), ['ip link set dev pvcn100 mtu 1400', 'ip link set dev pvcx100 mtu 1400']));

  it('go with the network, and only those that are PVC’s', () => {
    assert.deepEqual(words({}, 0, false), ['ip link delete dev pvcx100', 'ip link delete dev pvcn100']);
    assert.deepEqual(words({ vxlan: undefined }, 0, false), ['ip link delete dev pvcn100']);
    assert.deepEqual(words({ bridge: { ...bridge, group: 'default' } }, 0, false), ['ip link delete dev pvcx100']);
    assert.deepEqual(words(nothing, 0, false), []);
  });

  it('are refused where they cannot be', () => {
    for (const [observed, mtu, reason] of [
      [{ bridge: { ...bridge, group: 'default' } }, 1450, /pvcn100 is there that PVC did not make/],
      [{ vxlan: { ...vxlan, group: '7' } }, 1450, /pvcx100 is there that PVC did not make/],
      [{ address: 'fd00::11' }, 1450, /is not IPv4/],
      [{ underlayMtu: undefined }, 1450, /no device of this node has 10\.10\.0\.11/],
      [{}, 1451, /needs 1501 on the cluster network, where this node has 1500/],
    ] as const)
      assert.throws(() => words(observed, mtu), reason);
  });
});

describe('the gateway on every node', () => {
  const anycast = { addresses: ['10.20.0.1/32', 'fd20::1/128', 'fe80::1/64'], routes: ['10.20.0.0/24', 'fd20::/64'] };
  const linkinfo = { ...vxlan.linkinfo, info_slave_data: { learning: false, neigh_suppress: true } };
  const well: Observed = {
    ...whole,
    bridge: { ...bridge, address: '02:70:00:00:00:01' },
    vxlan: { ...vxlan, linkinfo },
    gateway: anycast,
  };
  const told = (observed: Partial<Observed>, wanted: typeof anycast | undefined = anycast): string[] =>
    planLinks({ mtu: 1450, routers: [], anycast: wanted }, { ...well, ...observed }).steps.flatMap(({ commands }) =>
      (commands ?? []).map((command) => command.join(' ')),
    );
  const take = [
    'ip address replace 10.20.0.1/32 dev pvcn100',
    'ip address replace fd20::1/128 dev pvcn100 nodad',
    'ip address replace fe80::1/64 dev pvcn100 nodad',
    'ip route replace 10.20.0.0/24 dev pvcn100 proto static metric 1024',
    'ip route replace fd20::/64 dev pvcn100 proto static metric 1024',
  ];
  const mac = (address: string) => `ip link set dev pvcn100 address ${address}`;
  const suppress = (word: string) => `bridge link set dev pvcx100 learning off neigh_suppress ${word}`;
  const none = { addresses: [], routes: [] };

  it('is left alone when all is well', () => assert.deepEqual(told({}), []));
  it('comes with its MAC address, its addresses, and answers to questions for others', () =>
    assert.deepEqual(told({ bridge, vxlan, gateway: none }), [mac('02:70:00:00:00:01'), ...take, suppress('on')]));
  it('goes before the node is deaf again', () =>
    assert.deepEqual(
      planLinks({ mtu: 1450, routers: [] }, { ...well, deaf: new Set(['pvcx100']) }).steps.flatMap(
        ({ devices, commands }) => [
          ...(devices ?? []).map((device) => `deaf ${device}`),
          ...(commands ?? []).map((command) => command.join(' ')),
        ],
      ),
      [
        'ip route del 10.20.0.0/24 dev pvcn100 proto static',
        'ip route del fd20::/64 dev pvcn100 proto static',
        'ip address del 10.20.0.1/32 dev pvcn100',
        'ip address del fd20::1/128 dev pvcn100',
        'ip address del fe80::1/64 dev pvcn100',
        'deaf pvcn100',
        mac('02:70:0a:0a:00:0b'),
        suppress('off'),
      ],
    ));
  it('has another address', () =>
    assert.deepEqual(told({ gateway: { ...anycast, addresses: ['10.20.0.9/32', ...anycast.addresses.slice(1)] } }), [
      'ip address del 10.20.0.9/32 dev pvcn100',
      take[0],
    ]));
  it('is there again with a bridge that is made again', () =>
    assert.deepEqual(
      told({ bridge: undefined }).filter((line) => line.includes('address replace') || line.includes('route')),
      take,
    ));

  it('is what the network’s addresses say', () => {
    const [ipv4, ipv6] = [
      { prefix: '10.20.0.0/24', gateway: '10.20.0.1' },
      { prefix: 'fd20::/64', gateway: 'fd20::1' },
    ];
    assert.deepEqual(anycastOf({ ipv4, ipv6 }), anycast);
    assert.deepEqual(anycastOf({ ipv4 }), { addresses: ['10.20.0.1/32'], routes: ['10.20.0.0/24'] });
    assert.deepEqual(anycastOf({ ipv4: { prefix: '10.20.0.0/24' } }), none);
  });

  it('is read from what the node has, without what it has as primary', () => {
    const addresses = JSON.stringify([
      {},
      {
        ifname: 'pvcn100',
        addr_info: [
          { local: '10.20.0.1', prefixlen: 32 },
          { local: '10.20.0.1', prefixlen: 24 },
          { local: 'fd20::', prefixlen: 64 },
        ],
      },
    ]);
    const there = readDevices(addresses).get('pvcn100');
    assert.deepEqual(anycastIn(there, ['10.20.0.0/24'], new Set(['10.20.0.1/24', 'fd20::/64'])), {
      addresses: ['10.20.0.1/32'],
      routes: ['10.20.0.0/24'],
    });
    assert.deepEqual(anycastIn(undefined, undefined, new Set()), { addresses: [], routes: [] });
    assert.throws(() => readDevices('[{"addr_info":'));
  });
});

describe('the devices of a bridged network', () => {
  const vlan: Link = {
    ifname: 'pvcv100',
    link: 'eno1',
    flags: ['UP', 'LOWER_UP'],
    mtu: 1500,
    master: 'pvcn100',
    group: linkGroup,
    linkinfo: { info_kind: 'vlan', info_data: { id: 7, protocol: '802.1Q' } },
  };
  const eno1: Link = { ifname: 'eno1', flags: ['UP'], mtu: 9000, group: 'default' };
  const wanted = { mtu: 1500, routers: [], vlan: { id: 7, link: 'eno1' as string | undefined } };
  const well: Observed = {
    ...whole,
    bridge: { ...bridge, mtu: 1500 },
    vxlan: undefined,
    vlan,
    vlanLink: eno1,
    deaf: new Set(['pvcn100', 'pvcv100']),
  };
  const told = (observed: Partial<Observed>, link: string | undefined = 'eno1'): string[] =>
    planLinks({ ...wanted, vlan: { id: 7, link } }, { ...well, ...observed }).steps.flatMap(({ devices, commands }) => [
      ...(devices ?? []).map((device) => `deaf ${device}`),
      ...(commands ?? []).map((command) => command.join(' ')),
    ]);
  const makeVlan = [
    'ip link add name pvcv100 group 7370 link eno1 mtu 1500 type vlan protocol 802.1Q id 7',
    'deaf pvcv100',
    'ip link set dev pvcv100 master pvcn100',
    'ip link set dev pvcv100 up',
  ];
  const again = ['ip link delete dev pvcv100', ...makeVlan];

  for (const [what, observed, expected] of [
    ['all is well', {}, []],
    [
      'they are not there',
      { bridge: undefined, vlan: undefined },
      inOrder(...make.map((line) => line.replace('1450', '1500')), ...makeVlan),
    ],
    [
      'this node has no address',
      { address: undefined, bridge: { ...well.bridge, address: '02:70:00:00:00:00' } as Link },
      [],
    ],
    [
      'it is another VLAN',
      { vlan: { ...vlan, linkinfo: { info_kind: 'vlan', info_data: { id: 8, protocol: '802.1Q' } } } },
      again,
    ],
    ['it stands on another link', { vlan: { ...vlan, link: 'eno2' } }, again],
    ['it is off', { vlan: { ...vlan, flags: [] } }, makeVlan.slice(3)],
    ['its link is off', { vlanLink: { ...eno1, flags: [] } }, ['ip link set dev eno1 up']],
    ['it hangs elsewhere', { vlan: { ...vlan, master: 'br0' } }, [makeVlan[2]]],
    ['it has another MTU', { vlan: { ...vlan, mtu: 1400 } }, ['ip link set dev pvcv100 mtu 1500']],
    ['an older network of that number went by VXLAN', { vxlan }, ['ip link delete dev pvcx100']],
  ] as readonly (readonly [string, Partial<Observed>, readonly (string | undefined)[]])[])
    it(`are as they must be when ${what}`, () => assert.deepEqual(told(observed), expected));

  it('go with the network', () =>
    assert.deepEqual(
      planLinks(undefined, well).steps.flatMap(({ commands }) => (commands ?? []).map((command) => command.join(' '))),
      ['ip link delete dev pvcv100', 'ip link delete dev pvcn100'],
    ));

  it('are refused where they cannot be', () => {
    assert.throws(
      () => planLinks({ ...wanted, vlan: { id: 7, link: undefined } }, well),
      /name it in plugins\.evpn\.vlanLink/,
    );
    assert.throws(() => told({ vlanLink: undefined }), /this node has no link eno1/);
    assert.throws(
      () => told({ vlanLink: { ...eno1, mtu: 1492 } }),
      /an MTU of 1500 is more than the link eno1 has, 1492/,
    );
    assert.throws(() => told({ vlan: { ...vlan, group: '0' } }), /pvcv100 is there that PVC did not make/);
  });
});

describe('names of devices', () => {
  it('fit, and tell what they belong to', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: mostVni }), (number) => {
        const vni = String(number);
        for (const name of [bridgeName(vni), vxlanName(vni), vlanName(vni)]) {
          assert.ok(name.length <= 15);
          assert.equal(vniOf(name), vni);
        }
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const mac = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
        assert.ok(tapName(mac).length <= 15);
        assert.equal(macOfTap(tapName(mac)), mac);
      }),
    );
  });

  it('are not seen in others', () => {
    for (const name of ['pvcn', 'pvcn0', 'pvcn01', 'xpvcn1', 'pvcn1a', 'br0', 'vnet0'])
      assert.equal(vniOf(name), undefined);
    for (const name of ['pvt52540012345', 'pvt5254001234567', 'vnet0', 'pvtzz5400123456'])
      assert.equal(macOfTap(name), undefined);
  });
});

describe('what ip tells', () => {
  it('is read, also when it was asked for a few devices only', () => {
    const printed = [{}, { ifname: 'lo', flags: ['UP'], mtu: 65_536, group: 'default', operstate: 'UNKNOWN' }, {}];
    assert.deepEqual(
      readLinks(JSON.stringify(printed)).map(({ ifname }) => ifname),
      ['lo'],
    );
    assert.deepEqual(readLinks('\n'), []);
    assert.throws(() => readLinks('[{"ifname":"lo"'));
    assert.throws(() => readLinks('[{"ifname":"lo"}]'));
  });

  it('gives the MTU behind an address', () => {
    const printed = JSON.stringify([{}, { ifname: 'cluster', mtu: 9000, addr_info: [{ local, prefixlen: 24 }] }]);
    assert.equal(mtuOfAddress(printed, local), 9000);
    assert.equal(mtuOfAddress(printed, '10.10.0.1'), undefined);
    assert.equal(mtuOfAddress('', local), undefined);
  });
});
