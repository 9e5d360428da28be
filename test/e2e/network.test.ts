/** Networks of guests: over nodes, apart from each other, through moves, deaths and devices that vanish. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { daemonPid } from './node-process.ts';
import { suiteLab } from './test-lab.ts';
import { NetworkGuest } from './test-network.ts';

interface LinkRow {
  readonly ifname?: string;
  readonly ifindex?: number;
}

/**
 * A break that is nobody's to mend: of a moment on a free machine, of some seconds on one that is busy. What BGP must learn
 * anew without being told takes its hold time, which is longer.
 */
const quietS = 8;

describe('networks of guests', { concurrency: false }, () => {
  // Three coordinators, and one that is none.
  const lab = suiteLab({ nodes: 4 });
  let a: NetworkGuest;
  let b: NetworkGuest;
  let stranger: NetworkGuest;
  const run = async (...args: string[]) => (await lab().pvc('hv1', [...args, '--yes'])).ok();
  const links = async (node: string) =>
    JSON.parse((await lab().exec(node, ['ip', '-j', 'link', 'show'])).stdout) as LinkRow[];
  const own = async (node: string) => (await links(node)).filter(({ ifname }) => /^pvc[nx]/.test(ifname ?? ''));
  const sessions = async (node: string) => {
    const { stdout } = await lab().exec(node, ['vtysh', '-d', 'bgpd', '-c', 'show bgp l2vpn evpn summary json'], {
      accept: 'any',
    });
    return [...stdout.matchAll(/"state":"Established"/g)].length;
  };
  const everySession = () =>
    lab().waitFor('every session', async () => (await sessions('hv1')) === 3 && (await sessions('hv4')) === 3);

  before(async () => {
    await run('network', 'add', 'office');
    await run('network', 'add', 'lab', '--vni', '16777215');
    a = await NetworkGuest.start(lab(), 'a', 'hv3', 'office', 1);
    b = await NetworkGuest.start(lab(), 'b', 'hv4', 'office', 2);
    stranger = await NetworkGuest.start(lab(), 'c', 'hv4', 'lab', 3);
    await everySession();
  });

  it('reach from node to node, with packets of any size that fits', async () => {
    assert.equal(await a.pings(b.address), 3);
    // 1422 of data, 8 of ICMP and 20 of IP: 1450.
    assert.equal(await a.pings(b.address, 2, '-s 1422'), 2);
    assert.match(await a.guest.shell('cat /sys/class/net/eth0/mtu'), /^1450$/m);
    const info = await lab().ask('hv1', 'network.info', { network: 'office' });
    assert.deepEqual(
      info.members.map(({ vm, node, state }) => [vm, node, state]),
      [
        ['a', 'hv3', 'running'],
        ['b', 'hv4', 'running'],
      ],
    );
  });

  it('keep guests apart from those of another network, and from the nodes', async () => {
    assert.equal(await stranger.pings(b.address), 0);
    assert.equal(await a.pings(stranger.address), 0);
    await a.guest.shell('ip addr add 10.10.0.200/24 dev eth0');
    for (const node of ['10.10.0.11', '10.10.0.13']) assert.equal(await a.pings(node, 2), 0);
    // Not even who has these addresses may be told: what is known by then is for other guests.
    assert.doesNotMatch(await a.guest.shell('cat /proc/net/arp'), /^10\.10\.0\.\d+ +0x1 +0x2/m);
    await a.guest.shell('ip addr del 10.10.0.200/24 dev eth0');
    for (const node of ['hv3', 'hv4'])
      for (const { ifname } of await own(node)) {
        const path = `/proc/sys/net/ipv6/conf/${ifname}/disable_ipv6`;
        assert.equal((await lab().exec(node, ['cat', path])).stdout.trim(), '1');
      }
  });

  it('carry on within a second when a guest moves while it runs', async (t: TestContext) => {
    for (const to of ['hv2', 'hv4']) {
      const silentS = await a.worstWhile(b.address, async () => {
        await run('vm', 'migrate', 'b', '--node', to, '--method', 'live');
      });
      const { arrived } = await b.guest.info();
      t.diagnostic(
        `to ${to}: ${silentS.toFixed(1)} s without an answer, the guest stood still for ${arrived?.pauseMs} ms`,
      );
      assert.ok(silentS < quietS, `${silentS} s without an answer`);
    }
  });

  it('come again when BGP dies', async (t: TestContext) => {
    const was = await daemonPid(lab(), 'hv4', 'bgpd');
    const silentS = await a.worstWhile(b.address, async () => {
      process.kill(was, 'SIGKILL');
      await lab().waitFor('BGP to come back', async () => (await daemonPid(lab(), 'hv4', 'bgpd')) !== was);
      await everySession();
    });
    t.diagnostic(`${silentS.toFixed(1)} s without an answer`);
    assert.ok(silentS < 30);
    assert.equal(await a.pings(b.address), 3);
  });

  it('are left as they are when the daemon is started again', async () => {
    const seen = async () => ({
      links: (await own('hv4')).map(({ ifname, ifindex }) => [ifname, ifindex]),
      bgp: await daemonPid(lab(), 'hv4', 'bgpd'),
      keeper: await daemonPid(lab(), 'hv4', 'watchfrr'),
      conf: (await lab().exec('hv4', ['stat', '-c', '%i %Y', '/etc/frr/frr.conf'])).stdout,
    });
    const before = await seen();
    const silentS = await a.worstWhile(b.address, async () => {
      await lab().daemon('hv4', 'kill');
      await lab().waitFor('the daemon to answer', async () => (await lab().pvc('hv4', ['network', 'list'])).code === 0);
    });
    assert.ok(silentS < quietS, `${silentS} s without an answer`);
    assert.deepEqual(await seen(), before);
  });

  it('are made again when their devices vanish', async (t: TestContext) => {
    const { bridge } = await lab().ask('hv1', 'network.info', { network: 'office' });
    const silentS = await a.worstWhile(b.address, async () => {
      await lab().exec('hv4', ['ip', 'link', 'delete', 'dev', bridge]);
    });
    t.diagnostic(`${silentS.toFixed(1)} s without an answer`);
    assert.ok(silentS < 20);
    assert.deepEqual((await b.guest.info()).restartNeeded, []);
  });

  it('take cards of guests that run', async () => {
    await run('vm', 'nic', 'add', 'a', '--network', 'lab', '--mac', '52:54:00:70:76:a2');
    await a.guest.shell(
      `while [ ! -e /run/nic/eth1 ]; do sleep 1; done; kill $(cat /run/nic/eth1); ip addr flush dev eth0; ip addr add ${a.address}/24 dev eth1`,
    );
    assert.equal(await a.pings(stranger.address), 3);
    assert.deepEqual((await a.guest.info()).restartNeeded, []);
    await run('vm', 'nic', 'remove', 'a', '52:54:00:70:76:a2');
    await a.guest.shell(`ip addr add ${a.address}/24 dev eth0`);
    assert.equal(await a.pings(b.address), 3);
  });

  it('are there again after a power cut, before the guests that need them', async () => {
    await lab().power('hv4', 'off');
    await lab().power('hv4', 'on');
    await b.boots('hv4', 2);
    await everySession();
    assert.equal(await b.pings(a.address), 3);
    await stranger.boots('hv4', 2);
  });

  it('tell of a node that cannot be heard, until it can', async () => {
    const nft = (...words: string[]) => lab().exec('hv4', ['nft', ...words]);
    await nft('add', 'table', 'inet', 'deaf');
    await nft('add', 'chain', 'inet', 'deaf', 'in', '{ type filter hook input priority 0; }');
    for (const port of ['sport', 'dport']) await nft('add', 'rule', 'inet', 'deaf', 'in', 'tcp', port, '179', 'drop');
    const faults = async () =>
      (await lab().ask('hv1', 'fault.list', {})).filter(({ message }) => message.includes('has no BGP session with'));
    await lab().waitFor('a fault', async () => (await faults()).length > 0, { timeoutMs: 60_000 });
    await nft('delete', 'table', 'inet', 'deaf');
    await lab().waitFor('no fault', async () => (await faults()).length === 0, { timeoutMs: 60_000 });
  });

  it('take away no device of somebody else', async () => {
    await lab().exec('hv2', ['ip', 'link', 'add', 'pvcn77', 'type', 'bridge']);
    await run('network', 'add', 'clash', '--vni', '77');
    await lab().waitFor('a fault', async () =>
      (await lab().ask('hv1', 'fault.list', {})).some(({ message }) =>
        /pvcn77 is there that PVC did not make/.test(message),
      ),
    );
    await run('network', 'remove', 'clash');
    await lab().waitFor('the others to have it no more', async () =>
      (await own('hv3')).every(({ ifname }) => ifname !== 'pvcn77'),
    );
    assert.ok((await links('hv2')).some(({ ifname }) => ifname === 'pvcn77'));
    await lab().exec('hv2', ['ip', 'link', 'delete', 'dev', 'pvcn77']);
  });

  it('refuse what cannot be', async () => {
    for (const [args, code, text] of [
      [['network', 'add', 'x', '--vni', '0'], 2, /vni/i],
      [['network', 'add', 'x', '--vni', '16777216'], 2, /vni/i],
      [['network', 'add', 'x', '--vni', '16777215'], 5, /belongs to the network lab/],
      [['network', 'add', 'office'], 5, /already a network/],
      [['network', 'add', 'a/b'], 2, /a name is/],
      [['network', 'add', 'x', '--mtu', '1451'], 2, /carries 1450 at most/],
      [['network', 'add', 'x', '--mtu', '1279'], 2, /1280/],
      [['network', 'modify', 'office', '--mtu', '9000'], 2, /carries 1450 at most/],
      [['network', 'modify', 'nope', '--mtu', '1400'], 3, /no network nope/],
      [['network', 'remove', 'office'], 4, /in use: vm [ab], vm [ab]/],
      [['vm', 'create', 'd', '--nic', 'network=nope'], 3, /no network nope.*pvc network list/],
      [['vm', 'nic', 'add', 'a', '--network', 'nope'], 3, /no network nope/],
    ] as const) {
      const answer = await lab().pvc('hv1', [...args, '--yes']);
      assert.deepEqual(
        [answer.code, text.test(answer.stderr.replace(/\s+/g, ' '))],
        [code, true],
        `${args.join(' ')}: ${answer.stderr}`,
      );
    }
    assert.equal((await lab().ask('hv1', 'network.list', {})).length, 2);
  });

  it('may be of virtual functions, which no node here has', async () => {
    for (const [args, text] of [
      [['--type', 'sriov'], /it needs the link whose virtual functions its guests get/],
      [['--device', 'ens1f0'], /it is not of virtual functions/],
      [['--type', 'sriov', '--device', 'ens1f0', '--ipv4', '10.99.0.0/24'], /are those of the site/],
    ] as const) {
      const refused = await lab().pvc('hv1', ['network', 'add', 'fast', ...args, '--yes']);
      assert.deepEqual([refused.code, text.test(refused.stderr.replace(/\s+/g, ' '))], [2, true], refused.stderr);
    }
    const added = await run('network', 'add', 'fast', '--type', 'sriov', '--device', 'ens1f0', '--vlan', '130');
    assert.match(added.stdout, /fast/);
    assert.doesNotMatch(added.stdout, /VNI/i);
    const { stdout } = (await lab().pvc('hv1', ['network', 'list'])).ok();
    assert.match(stdout, /^NETWORK .*VLAN.*DEVICE/m);
    assert.match(stdout, /^fast +- +130 +sriov +ens1f0 /m);
    await run('network', 'remove', 'fast');
  });

  it('go, and leave nothing', async () => {
    for (const guest of ['a', 'b', 'c']) {
      await run('vm', 'stop', guest);
      await run('vm', 'undefine', guest);
    }
    for (const network of ['office', 'lab']) await run('network', 'remove', network);
    for (const node of lab().nodes)
      await lab().waitFor(`no device on ${node}`, async () => (await own(node)).length === 0);
  });
});
