/** `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Upstream } from '../upstream/upstream-conf.ts';
import { upstreamConfig } from '../upstream/upstream-config.ts';
import {
  confMark,
  daemonsFor,
  type FabricInput,
  type FabricNode,
  frrConf,
  isForeign,
  neighboursOf,
  readSessions,
  routerId,
  withDaemons,
} from './frr-conf.ts';

const accept = process.env['PVC_ACCEPT'] === '1';

/** hv1 to hvN, the first of them coordinators. */
const nodesOf = (count: number, coordinators: number, prefix = '10.10.0.'): FabricNode[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `hv${index + 1}`,
    role: index < coordinators ? 'coordinator' : 'hypervisor',
    address: `${prefix}${11 + index}`,
  }));

const noRouters: Upstream = { routers: [], receive: 'nothing', prefixes: [] };
const office = { vni: '10000', prefix: '10.20.0.0/24' };
const office6 = { vni: '10000', prefix: 'fd20::/64' };
const lab = { vni: '4711', prefix: '172.16.4.0/22' };

/** As pvc.yaml has it. */
const upstreamOf = (routers: readonly object[], prefixes: Upstream['prefixes'], receive = 'nothing'): Upstream => ({
  ...upstreamConfig.parse({ routers, receive }),
  prefixes,
});
const outside = { address: '10.10.2.1', asn: 64_512 };
const outside6 = { address: 'fd00:2::1', asn: 64_512 };

const inputOf = (nodes: readonly FabricNode[], self: string, more: Partial<FabricInput> = {}): FabricInput => ({
  asn: 65_500,
  bfd: false,
  cidr: '10.10.0.0/24',
  self: nodes.find(({ name }) => name === self) ?? assert.fail(`no ${self}`),
  nodes,
  upstream: noRouters,
  ...more,
});

const three = nodesOf(3, 3);
const five = nodesOf(5, 3);
const hundred = nodesOf(100, 5);
const v6 = nodesOf(4, 3, 'fd00:10::');
const v6Network = { cidr: 'fd00:10::/64' };
const joined: FabricNode = { name: 'hv6', role: 'coordinator', address: '10.10.0.16' };

const cases: Readonly<Record<string, FabricInput>> = {
  'one-node': inputOf(nodesOf(1, 1), 'hv1'),
  'two-nodes-coordinator': inputOf(nodesOf(2, 1), 'hv1'),
  'two-nodes-hypervisor': inputOf(nodesOf(2, 1), 'hv2'),
  'three-nodes-first': inputOf(three, 'hv1'),
  'three-nodes-second': inputOf(three, 'hv2'),
  'three-nodes-other-asn': inputOf(three, 'hv1', { asn: 4_200_000_001 }),
  'five-nodes-coordinator': inputOf(five, 'hv2'),
  'five-nodes-hypervisor': inputOf(five, 'hv5'),
  'five-nodes-coordinator-gone': inputOf(
    five.filter(({ name }) => name !== 'hv1'),
    'hv2',
  ),
  'five-nodes-coordinator-gone-hypervisor': inputOf(
    five.filter(({ name }) => name !== 'hv1'),
    'hv5',
  ),
  'coordinator-joined-old': inputOf([...five, joined], 'hv2'),
  'coordinator-joined-new': inputOf([...five, joined], 'hv6'),
  'coordinator-joined-hypervisor': inputOf([...five, joined], 'hv4'),
  'hundred-nodes-coordinator': inputOf(hundred, 'hv3'),
  'hundred-nodes-hypervisor': inputOf(hundred, 'hv77'),
  'ipv6-coordinator': inputOf(v6, 'hv1', v6Network),
  'ipv6-hypervisor': inputOf(v6, 'hv4', v6Network),
  'bfd-coordinator': inputOf(five, 'hv2', { bfd: true }),
  'bfd-hypervisor': inputOf(five, 'hv5', { bfd: true }),
  'bfd-ipv6': inputOf(v6, 'hv1', { ...v6Network, bfd: true }),
  'wide-network': inputOf(nodesOf(4, 3, '172.16.7.'), 'hv1', { cidr: '172.16.0.0/12' }),
};

const routed = (upstream: Upstream, self = 'hv1'): FabricInput => inputOf(three, self, { upstream });
const upstreamCases: Readonly<Record<string, FabricInput>> = {
  'router-one': routed(upstreamOf([outside], [office])),
  'router-one-on-second': routed(upstreamOf([outside], [office]), 'hv2'),
  'router-no-networks': routed(upstreamOf([outside], [])),
  'router-both-families': routed(upstreamOf([outside, outside6], [lab, office, office6])),
  'router-ipv6-only': routed(upstreamOf([outside6], [office, office6])),
  'router-two-systems': routed(upstreamOf([outside, { address: '10.10.2.2', asn: 4_200_000_000 }], [office])),
  'router-same-system': routed(upstreamOf([{ address: '10.10.2.1', asn: 65_500 }], [office])),
  'router-bfd': routed(upstreamOf([{ ...outside, bfd: true }, outside6], [office])),
  'router-beside-bfd': inputOf(three, 'hv1', { bfd: true, upstream: upstreamOf([outside], [office]) }),
  'router-password': routed({
    ...upstreamOf([outside], [office]),
    routers: [
      { ...outside, bfd: true, password: 'p|!#?"\'$x' },
      { ...outside6, bfd: false },
    ],
  }),
  'router-receives-default': routed(upstreamOf([outside, outside6], [office], 'default')),
  'router-receives-all': routed(upstreamOf([outside], [office], 'all')),
  'router-one-node': inputOf(nodesOf(1, 1), 'hv1', { upstream: upstreamOf([outside], [office]) }),
  'router-hypervisor': inputOf(five, 'hv5', { upstream: upstreamOf([outside], [office]) }),
  'router-two-hundred-networks': routed(
    upstreamOf(
      [outside],
      Array.from({ length: 200 }, (_, index) => ({ vni: `${10_000 + index}`, prefix: `10.20.${index}.0/24` })),
    ),
  ),
};

describe('frr.conf', () => {
  for (const [name, input] of Object.entries({ ...cases, ...upstreamCases }))
    it(`of ${name.replaceAll('-', ' ')}`, () => {
      const url = new URL(`golden/${name}.conf`, import.meta.url);
      const text = frrConf(input);
      if (accept) writeFileSync(url, text);
      assert.equal(text, readFileSync(url, 'utf8'));
      assert.equal(isForeign(text), false);
    });

  it('does not change when hypervisors come and go, on anybody', () => {
    for (const self of ['hv1', 'hv3', 'hv4'])
      assert.equal(frrConf(inputOf(five, self)), frrConf(inputOf(nodesOf(60, 3), self)));
  });

  it('is the same in whatever order nodes are told', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(five, { minLength: 5 }), (nodes) => {
        assert.equal(frrConf(inputOf(nodes, 'hv2')), frrConf(inputOf(five, 'hv2')));
      }),
    );
  });

  it('joins every two nodes, directly or by a coordinator that both have', () => {
    const cluster = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(cluster, ([coordinators, hypervisors]) => {
        const nodes = nodesOf(coordinators + hypervisors, coordinators);
        const reflectors = new Set(nodes.slice(0, coordinators).map(({ address }) => address));
        for (const self of nodes) {
          const named = neighboursOf({ self, nodes });
          assert.deepEqual(new Set(named), new Set([...reflectors].filter((address) => address !== self.address)));
          const text = frrConf(inputOf(nodes, self.name));
          assert.equal(text.includes('bgp listen range'), reflectors.has(self.address));
        }
      }),
    );
  });
});

describe('the number by which BGP knows a node', () => {
  it('is the address, or its last 32 bits', () => {
    for (const [address, id] of [
      ['10.10.0.11', '10.10.0.11'],
      ['fd00::11', '0.0.0.17'],
      ['fd00:10::a00:1', '10.0.0.1'],
      ['2001:db8:0:1:5054:ff:fe12:3456', '254.18.52.86'],
      ['2001:DB8::', '0.0.0.0'],
    ] as const)
      assert.equal(routerId(address), id);
  });

  it('differs when the end of the address does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), (end) => {
        const address = `fd00:1:2:3:4:5:${(end >>> 16).toString(16)}:${(end & 0xffff).toString(16)}`;
        const octets = routerId(address).split('.').map(Number);
        assert.equal(
          octets.reduce((sum, octet) => sum * 256 + octet, 0),
          end,
        );
      }),
    );
  });
});

describe('files of FRR that are there', () => {
  it('are taken over when nobody has written anything of his own', () => {
    assert.equal(isForeign(''), false);
    assert.equal(isForeign('# default\nlog syslog informational\nservice integrated-vtysh-config\n'), false);
    assert.equal(isForeign(`${confMark}\nrouter bgp 1\n`), false);
    assert.equal(isForeign('log syslog\nrouter ospf\n network 10.0.0.0/8 area 0\n'), true);
    assert.equal(isForeign('ip route 0.0.0.0/0 10.0.0.1\n'), true);
  });

  it('get the daemons that are needed and keep all else', () => {
    const bgp = ['zebra', 'bgpd'];
    assert.equal(withDaemons('bgpd=no\nospfd=yes\n', bgp), 'bgpd=yes\nospfd=yes\n');
    assert.equal(withDaemons('ospfd=no\nbgpd=yes\n', bgp), 'ospfd=no\nbgpd=yes\n');
    assert.equal(withDaemons('zebra_options="-A 127.0.0.1"', bgp), 'zebra_options="-A 127.0.0.1"\nbgpd=yes\n');
    assert.equal(
      withDaemons('# bgpd=no\nbgpd_options=" -A ::1"\n', bgp),
      '# bgpd=no\nbgpd_options=" -A ::1"\nbgpd=yes\n',
    );
    assert.equal(withDaemons('bgpd=no\nbfdd=no\n', [...bgp, 'bfdd']), 'bgpd=yes\nbfdd=yes\n');
  });

  it('have BFD only where nodes or a router want it', () => {
    assert.deepEqual(daemonsFor(routed(upstreamOf([outside], []))), ['zebra', 'bgpd']);
    assert.deepEqual(daemonsFor(routed(upstreamOf([{ ...outside, bfd: true }], []))), ['zebra', 'bgpd', 'bfdd']);
    assert.deepEqual(daemonsFor(inputOf(three, 'hv1', { bfd: true })), ['zebra', 'bgpd', 'bfdd']);
  });
});

describe('sessions as FRR tells them', () => {
  it('are read', () => {
    const peers = {
      '10.10.0.12': { hostname: 'hv2', remoteAs: 65_500, state: 'Established', pfxRcd: 2 },
      '10.10.0.13': { dynamicPeer: true, state: 'Active' },
    };
    assert.deepEqual(readSessions(JSON.stringify({ routerId: '10.10.0.11', as: 65_500, peers })), [
      { address: '10.10.0.12', established: true, dynamic: false },
      { address: '10.10.0.13', established: false, dynamic: true },
    ]);
    assert.deepEqual(readSessions('{}'), []);
  });

  it('are no answer when half of it is missing', () => {
    for (const text of ['', 'bgpd is not running', '{"peers":{"10.10.0.12":{"sta', '{"peers":{"10.10.0.12":{}}}'])
      assert.throws(() => readSessions(text));
  });
});
