/** Gateways of networks: they answer, go with the primary, never to two nodes at a time, and lead into no other network. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { type AddressWatch, has as hears, watchAddress } from '../lab/address-watch.ts';
import { suiteLab } from './test-lab.ts';
import { NetworkGuest } from './test-network.ts';

const office = { ipv4: '10.20.0.1', ipv6: 'fd20::1' };
const lone = { ipv4: '10.21.0.1', ipv6: 'fd21::1' };
/** No guest is on it, and guests' consoles are not reached by it. */
const victim = 'hv3';
/** On the link itself, where guests look for their router. */
const linkLocal = 'fe80::1';

describe('gateways of networks', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  let a: NetworkGuest;
  let b: NetworkGuest;
  let stranger: NetworkGuest;
  /** The node whose daemon stands still. */
  let stopped: string | undefined;
  const run = async (...args: string[]) => (await lab().pvc('hv1', [...args, '--yes'])).ok();
  /** Addresses on the bridges of networks of a node. */
  const addresses = async (node: string): Promise<string[]> => {
    const { stdout } = await lab().exec(node, ['ip', '-o', 'address', 'show']);
    return [...stdout.matchAll(/^\d+: (pvcn[123]00) +inet6? (\S+)/gm)].map(
      ([, device, address]) => `${device} ${address}`,
    );
  };
  const all = [
    'pvcn100 10.20.0.1/24',
    'pvcn100 fd20::1/64',
    'pvcn100 fe80::1/64',
    'pvcn200 10.21.0.1/24',
    'pvcn200 fd21::1/64',
    'pvcn200 fe80::1/64',
  ];
  /** Waits until the primary, as another node tells, has all gateways, and no other node has one. @returns the primary */
  const atRest = (asked: string, nodes = lab().nodes) =>
    lab().waitFor('the gateways to be where the primary is', async () => {
      const primary = await lab().primary(asked);
      if (primary === undefined) return false;
      for (const node of nodes) {
        // A daemon that stands still leaves them to the muzzle.
        if (node === stopped) {
          for (const { ipv4, ipv6 } of [office, lone])
            for (const address of [ipv4, ipv6])
              if (await hears(lab().record.topology.name, node, address)) return false;
          continue;
        }
        const had = await addresses(node);
        const wanted = node === primary ? all : [];
        if (had.toSorted().join() !== wanted.join()) return false;
      }
      return primary;
    });
  const to = async (node: string): Promise<void> => {
    if ((await lab().primary('hv1')) !== node) await run('node', 'primary', node);
    await lab().waitFor(`${node} to be primary`, async () => (await atRest('hv1')) === node);
  };
  /** Does something while guests ping their gateway, and looks on every node all the while who has it. */
  async function watched(t: TestContext, what: string, act: () => Promise<void>): Promise<void> {
    const watches: AddressWatch[] = [office.ipv4, office.ipv6].map((address) =>
      watchAddress(lab().record.topology, address),
    );
    try {
      const silentS = await a.worstWhile(office.ipv4, act);
      const gaps = watches.map((watch) => (watch.longestGapMs() / 1000).toFixed(1)).join(' and ');
      t.diagnostic(`${what}: ${silentS.toFixed(1)} s without an answer; nobody had IPv4 and IPv6 for ${gaps} s`);
    } finally {
      await Promise.all(watches.map((watch) => watch.stop()));
    }
    for (const watch of watches) {
      assert.deepEqual(watch.overlaps, []);
      assert.ok(watch.looks() > 10);
    }
    // Both guests, and by IPv6: also what a guest has learned of the last holder is right again.
    for (const guest of [a, b])
      for (const address of [office.ipv4, office.ipv6, `${linkLocal}%eth0`])
        await lab().waitFor(`${guest.guest.name} to reach ${address}`, async () => (await guest.pings(address, 2)) > 0);
  }

  before(async () => {
    const net = (vni: string, name: string, { ipv4, ipv6 }: typeof office) =>
      run(
        ...['network', 'add', name, '--vni', vni, '--ipv4', ipv4.replace(/1$/, '0/24'), '--gateway4', 'first'],
        ...['--ipv6', ipv6.replace(/1$/, '/64'), '--gateway6', ipv6, '--domain', `${name}.example`],
      );
    await net('100', 'office', office);
    await net('200', 'lone', lone);
    a = await NetworkGuest.start(lab(), 'a', 'hv2', 'office', 11);
    b = await NetworkGuest.start(lab(), 'b', 'hv1', 'office', 12);
    stranger = await NetworkGuest.start(lab(), 'c', 'hv2', 'lone', 13);
    for (const [guest, network, host] of [
      [a, office, 'a'],
      [b, office, 'b'],
      [stranger, lone, 'c'],
    ] as const) {
      const four = network.ipv4.replace(/1$/, String(0x10 + Number.parseInt(host, 16)));
      await guest.guest.shell(
        `ip addr add ${four}/24 dev eth0; ip route add default via ${network.ipv4}; ip -6 addr add ${network.ipv6.replace(/1$/, host)}/64 dev eth0; ip -6 route add default via ${linkLocal} dev eth0`,
      );
    }
  });

  it('are on the primary, and answer guests on every node', async () => {
    await to('hv1');
    for (const guest of [a, b])
      for (const address of [office.ipv4, office.ipv6]) assert.equal(await guest.pings(address), 3, address);
    for (const address of [lone.ipv4, lone.ipv6]) assert.equal(await stranger.pings(address), 3, address);
    await to('hv2');
    for (const guest of [a, b])
      for (const address of [office.ipv4, office.ipv6]) assert.equal(await guest.pings(address), 3, address);
    const { ipv4, ipv6, domain } = await lab().ask('hv1', 'network.info', { network: 'office' });
    assert.deepEqual(ipv4, { prefix: '10.20.0.0/24', gateway: office.ipv4 });
    assert.deepEqual([ipv6?.gateway, domain], [office.ipv6, 'office.example']);
  });

  it('lead into no other network, and to no node', async () => {
    for (const address of ['10.21.0.28', 'fd21::c', lone.ipv4, lone.ipv6])
      assert.equal(await a.pings(address, 2), 0, address);
    for (const node of ['10.10.0.11', '10.10.0.12', '10.10.0.10', '10.10.2.12'])
      assert.equal(await a.pings(node, 1), 0, node);
    assert.equal(await stranger.pings('10.20.0.27', 2), 0);
  });

  it('are known by all nodes before they come, and not sought everywhere', async () => {
    for (const [node, routers] of [
      ['hv1', ['02:70:0a:0a:00:0c dst 10.10.0.12', '02:70:0a:0a:00:0d dst 10.10.0.13']],
      ['hv3', ['02:70:0a:0a:00:0b dst 10.10.0.11', '02:70:0a:0a:00:0c dst 10.10.0.12']],
    ] as const)
      await lab().waitFor(`${node} to know the way to the others`, async () => {
        const { stdout } = await lab().exec(node, ['bridge', 'fdb', 'show', 'dev', 'pvcx100']);
        return routers.every((router) => stdout.includes(`${router} self static`));
      });
  });

  it('go with the role when it is handed over', async (t: TestContext) => {
    for (const node of ['hv1', 'hv3'])
      await watched(t, `to ${node}`, async () => {
        await run('node', 'primary', node);
        await lab().waitFor(`${node} to be primary`, async () => (await atRest('hv1')) === node);
      });
    await watched(t, 'away from hv3', async () => {
      await run('node', 'secondary', 'hv3');
      await lab().waitFor('another primary', async () => (await atRest('hv1')) !== 'hv3');
    });
  });

  it('are left alone while their networks are looked at', async () => {
    const primary = (await lab().primary('hv1')) ?? assert.fail('no primary');
    const script =
      'timeout 15 ip -o monitor address & sleep 1; pvc network modify office --description same --yes >&2; wait';
    const { stdout } = await lab().exec(primary, ['sh', '-c', script]);
    // The floating address of the cluster is told anew each second, so there is something to be heard.
    assert.match(stdout, / dynamic cluster/);
    assert.doesNotMatch(stdout, /pvcn/);
    await atRest('hv1');
  });

  it('follow the networks', async () => {
    await run('network', 'modify', 'office', '--gateway4', '10.20.0.9');
    await lab().waitFor('the new address to answer', async () => (await a.pings('10.20.0.9', 1)) === 1);
    assert.equal(await a.pings(office.ipv4, 1), 0);
    await run('network', 'modify', 'office', '--gateway4', 'first');
    await run('network', 'add', 'late', '--vni', '300', '--ipv4', '10.22.0.0/24', '--gateway4', 'first');
    const primary = (await lab().primary('hv1')) ?? assert.fail('no primary');
    const has = async (line: string) => (await addresses(primary)).includes(line);
    await lab().waitFor('a new gateway', () => has('pvcn300 10.22.0.1/24'));
    await run('network', 'modify', 'late', '--gateway4', 'none');
    await lab().waitFor('it to go', async () => !(await has('pvcn300 10.22.0.1/24')));
    await run('network', 'modify', 'late', '--gateway4', 'first');
    await lab().waitFor('it to come again', () => has('pvcn300 10.22.0.1/24'));
    await run('network', 'remove', 'late');
    await atRest('hv1');
    await lab().waitFor('no fault', async () => (await lab().ask('hv1', 'fault.list', {})).length === 0);
  });

  it('come again when somebody takes an address or a bridge away', async () => {
    const primary = (await lab().primary('hv1')) ?? assert.fail('no primary');
    await lab().exec(primary, ['ip', 'address', 'flush', 'dev', 'pvcn100']);
    await atRest('hv1');
    await lab().exec(primary, ['ip', 'link', 'delete', 'dev', 'pvcn200']);
    await atRest('hv1');
    await lab().waitFor('the gateway to answer', async () => (await stranger.pings(lone.ipv6, 1)) === 1, {
      timeoutMs: 60_000,
    });
  });

  it('stay or go with the daemon that is killed and started again', async (t: TestContext) => {
    await to(victim);
    await watched(t, 'SIGKILL', async () => {
      await lab().daemon(victim, 'kill');
      await lab().waitFor(
        'the daemon to answer',
        async () => (await lab().pvc(victim, ['network', 'list'])).code === 0,
      );
      await atRest('hv1');
    });
  });

  it('leave a primary whose daemon stands still, by the hand of its kernel', async (t: TestContext) => {
    await to(victim);
    await watched(t, 'SIGSTOP', async () => {
      await lab().daemon(victim, 'pause');
      stopped = victim;
      try {
        await lab().waitFor('another primary', async () => (await atRest('hv1')) !== victim, { timeoutMs: 60_000 });
      } finally {
        await lab().daemon(victim, 'resume');
        stopped = undefined;
      }
      await lab().waitFor('it to know that', async () => (await lab().primary(victim)) !== victim);
      await atRest('hv1');
    });
  });

  it('come to another node after a power cut', async (t: TestContext) => {
    await to(victim);
    await watched(t, 'power cut', async () => {
      await lab().power(victim, 'off');
      await lab().waitFor('another primary', async () => (await atRest('hv1', ['hv1', 'hv2'])) !== victim, {
        timeoutMs: 60_000,
      });
    });
    await lab().power(victim, 'on');
    await atRest('hv1');
  });

  it('are on every node where that is asked for, and nothing is lost when the role moves', async (t: TestContext) => {
    const networks = [
      ['700', 'web', '23'],
      ['800', 'store', '24'],
    ] as const;
    for (const [vni, name, part] of networks)
      await run(
        ...['network', 'add', name, '--vni', vni, '--gateway-mode', 'anycast', '--ipv4', `10.${part}.0.0/24`],
        ...['--gateway4', 'first', '--ipv6', `fd${part}::/64`, '--gateway6', 'first'],
      );
    await run('network', 'modify', 'web', '--nat');
    for (const icmp of ['icmp', 'icmpv6'])
      await run('network', 'acl', 'add', 'store', 'in', `${icmp} type echo-request accept`);
    const cards = [
      [a, 'web', '23', '24', '52:54:00:70:76:a7'],
      [b, 'store', '24', '23', '52:54:00:70:76:b8'],
    ] as const;
    for (const [{ guest }, name, own, other, mac] of cards) {
      await run('vm', 'nic', 'add', guest.name, '--network', name, '--mac', mac);
      await guest.shell(
        `while [ ! -e /run/nic/eth1 ]; do sleep 1; done; kill $(cat /run/nic/eth1); ip addr add 10.${own}.0.11/24 dev eth1; ip -6 addr add fd${own}::11/64 dev eth1; for to in 10.${other}.0.0/24 10.10.2.0/24; do ip route add $to via 10.${own}.0.1; done; ip -6 route add fd${other}::/64 via fe80::1 dev eth1`,
      );
    }
    const answers = (guest: NetworkGuest, address: string) =>
      lab().waitFor(`${guest.guest.name} to reach ${address}`, async () => (await guest.pings(address, 2)) === 2);
    for (const address of ['10.23.0.1', 'fd23::1', 'fe80::1%eth1', '10.24.0.11', 'fd24::11', '10.10.2.1'])
      await answers(a, address);
    for (const address of ['10.24.0.1', 'fd24::1']) await answers(b, address);
    assert.equal(await b.pings('10.23.0.11', 2), 0, 'nobody has let that in');
    assert.equal(await a.pings('10.24.0.1', 1), 0, 'the gateway of another network');

    for (const [node, address] of [
      ['hv3', '10.23.0.1'],
      ['hv2', 'fd23::1'],
      ['hv1', '10.24.0.11'],
    ] as const) {
      const silentS = await a.worstWhile(address, () => to(node));
      t.diagnostic(`${address}, role to ${node}: ${silentS.toFixed(1)} s without an answer`);
      assert.equal(silentS, 0);
    }
    await answers(a, '10.10.2.1');

    for (const node of ['hv3', 'hv1']) {
      const silentS = await a.worstWhile('10.24.0.11', async () => {
        await run('vm', 'migrate', 'b', '--node', node, '--method', 'live');
      });
      t.diagnostic(`a guest of the other network moves to ${node}: ${silentS.toFixed(1)} s without an answer`);
      assert.ok(silentS < 8);
    }

    for (const node of lab().nodes)
      assert.match(
        (await lab().exec(node, ['bridge', '-d', 'link', 'show', 'dev', 'pvcx700'])).stdout,
        /neigh_suppress on/,
      );
    for (const [{ guest }, name, own, , mac] of cards)
      await lab().waitFor(`the addresses of ${guest.name} on ${name}`, async () => {
        const { members } = await lab().ask('hv3', 'network.info', { network: name });
        const member = members.find((one) => one.mac === mac);
        return [`10.${own}.0.11`, `fd${own}::11`].every((address) => member?.addresses.includes(address));
      });

    for (const [{ guest }, name, , , mac] of cards) {
      await run('vm', 'nic', 'remove', guest.name, mac);
      await run('network', 'remove', name);
    }
    await lab().waitFor('no fault', async () => (await lab().ask('hv1', 'fault.list', {})).length === 0);
  });

  it('let guests of one network reach each other from the first moment on, and right after a move', async (t: TestContext) => {
    await run(
      ...['network', 'add', 'flat', '--vni', '900', '--gateway-mode', 'anycast', '--ipv4', '10.25.0.0/24'],
      ...['--gateway4', 'first', '--ipv6', 'fd25::/64', '--gateway6', 'first'],
    );
    const plug = async (who: NetworkGuest, host: string, mac: string, others: readonly string[]): Promise<void> => {
      const firsts = await who.pingsFromStart('eth1', [`10.25.0.${host}/24`, `fd25::${host}/64`], others);
      await run('vm', 'nic', 'add', who.guest.name, '--network', 'flat', '--mac', mac);
      for (const [index, firstS] of (await firsts()).entries()) {
        t.diagnostic(`${others[index]} answers a new card ${firstS.toFixed(1)} s after its first ping`);
        assert.ok(firstS < 8);
      }
    };
    const [one, other] = ['52:54:00:70:76:c9', '52:54:00:70:76:d9'];
    await plug(a, '11', one, ['10.25.0.1', 'fd25::1']);
    await plug(b, '12', other, ['10.25.0.11', 'fd25::11']);
    for (const node of lab().nodes)
      assert.match(
        (await lab().exec(node, ['bridge', '-d', 'link', 'show', 'dev', 'pvcx900'])).stdout,
        /neigh_suppress on/,
      );
    const addresses = ['10.25.0.12', 'fd25::12'];
    for (const node of ['hv3', 'hv1']) {
      const silences = await a.silences(addresses, async () => {
        await run('vm', 'migrate', 'b', '--node', node, '--method', 'live');
      });
      for (const [index, { worstS, lost }] of silences.entries()) {
        t.diagnostic(
          `${addresses[index]} moves to ${node}: ${worstS.toFixed(1)} s without an answer, ${lost} pings lost in all`,
        );
        assert.ok(worstS < 8);
      }
    }
    for (const [{ guest }, mac] of [
      [a, one],
      [b, other],
    ] as const)
      await run('vm', 'nic', 'remove', guest.name, mac);
    await run('network', 'remove', 'flat');
    await lab().waitFor('no fault', async () => (await lab().ask('hv1', 'fault.list', {})).length === 0);
  });

  it('refuse what cannot be', async () => {
    for (const [args, code, text] of [
      [['add', 'x', '--ipv4', '999.1.1.1/24'], 2, /no IPv4 prefix/],
      [['add', 'x', '--ipv4', '10.30.0.1/24'], 2, /for hosts.*10\.30\.0\.0\/24/],
      [['add', 'x', '--ipv4', '127.0.0.0/8'], 2, /loopback/],
      [['add', 'x', '--ipv6', 'fe80::/64'], 2, /link-local/],
      [['add', 'x', '--ipv4', '10.30.0.0/24', '--gateway4', '10.31.0.1'], 2, /not in 10\.30\.0\.0\/24/],
      [['add', 'x', '--ipv4', '10.30.0.0/24', '--gateway4', '10.30.0.255'], 2, /broadcast/],
      [['add', 'x', '--gateway6', 'first'], 2, /has no IPv6 prefix/],
      [
        ['add', 'x', '--ipv4', '10.20.0.0/16', '--gateway4', 'first'],
        5,
        /overlaps with 10\.20\.0\.0\/24 of the network office/,
      ],
      [
        ['add', 'x', '--ipv4', '10.10.1.0/24', '--gateway4', 'first'],
        5,
        /overlaps with 10\.10\.1\.0\/24 of the node hv/,
      ],
      [['modify', 'office', '--ipv4', '10.10.0.0/16', '--gateway4', 'first'], 5, /of the cluster network/],
      [['add', 'x', '--domain', 'Office.example'], 2, /a domain is/],
      [['add', 'x', '--gateway-mode', 'anycast'], 2, /has no gateway that could be on every node/],
      [['add', 'x', '--gateway-mode', 'everywhere'], 2, /gateway-mode/],
    ] as const) {
      const answer = await lab().pvc('hv1', ['network', ...args, '--yes']);
      assert.deepEqual(
        [answer.code, text.test(answer.stderr.replace(/\s+/g, ' '))],
        [code, true],
        `${args.join(' ')}: ${answer.stderr}`,
      );
    }
    await run('network', 'add', 'island', '--ipv4', '10.20.0.0/24');
    await run('network', 'remove', 'island');
  });

  it('go with the last of their networks', async () => {
    for (const guest of ['a', 'b', 'c']) {
      await run('vm', 'stop', guest);
      await run('vm', 'undefine', guest);
    }
    for (const network of ['office', 'lone']) await run('network', 'remove', network);
    for (const node of lab().nodes)
      await lab().waitFor(`no address on ${node}`, async () => (await addresses(node)).length === 0);
  });
});
