/** Addresses by DHCP: guests get them on every node, and keep them through the deaths of whoever gave them. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Dhcp6Answer } from '../lab/dhcp6-client.ts';
import { run as execute } from '../lab/run.ts';
import { namespaceName } from '../lab/topology.ts';
import { BootMachine } from './boot-machine.ts';
import { TestGuest } from './test-guest.ts';
import { suiteLab } from './test-lab.ts';

const reserved = { mac: '52:54:00:70:76:b1', address: '10.20.0.10', hostname: 'web1' };
const leaseMs = 3_600_000;
/** The small guest has no DHCPv6 client: this one stands on a node, in the place of a guest's card. */
const dhcp6Client = fileURLToPath(new URL('../lab/dhcp6-client.ts', import.meta.url));
const duid = '00:03:00:01:52:54:00:70:76:d1';

/** What a guest was told, as `udhcpc` gives it to its script. */
type Told = Readonly<Record<string, string>>;

interface Socket {
  readonly local: string;
  readonly pid: number;
}

describe('DHCP in networks of guests', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  let a: TestGuest;
  let b: TestGuest;
  const run = async (...args: string[]) => (await lab().pvc('hv1', [...args, '--yes'])).ok();
  const rows = () => lab().ask('hv1', 'network.dhcp-list', { network: 'office' });
  const leaseOf = async (address: string) =>
    (await rows()).find((row) => row.type === 'lease' && row.address === address);
  /** Sockets of dnsmasq on a node: those of the router outside are in no node. */
  const sockets = async (node: string): Promise<Socket[]> => {
    const { stdout } = await lab().exec(node, ['ss', '-Hlnup']);
    return [...stdout.matchAll(/^\S+ +\S+ +\S+ +(\S+) .*"dnsmasq",pid=(\d+)/gm)].map(([, local = '', pid]) => ({
      local,
      pid: Number(pid),
    }));
  };
  /** Waits until the primary serves, and no other node does. @returns the primary and the process */
  const served = (asked: string, nodes = lab().nodes) =>
    lab().waitFor(
      'dnsmasq to be where the primary is',
      async () => {
        const primary = await lab().primary(asked);
        if (primary === undefined) return false;
        for (const node of nodes) if (node !== primary && (await sockets(node)).length > 0) return false;
        const pid = (await sockets(primary)).find(({ local }) => local === '10.20.0.1:53')?.pid;
        return pid !== undefined && { primary, pid };
      },
      { timeoutMs: 120_000 },
    );
  const makePrimary = async (node: string) => {
    if ((await lab().primary('hv1')) !== node) await run('node', 'primary', node);
    return lab().waitFor(`${node} to serve`, async () => (await served('hv1')).primary === node);
  };
  /** Asks for an address anew, as a guest that boots, and leaves the lease as it is. */
  const asks = async (guest: TestGuest): Promise<Told> => {
    const printed = await guest.shell(
      `printf '#!/bin/sh\\n[ $1 = bound ] && env\\n' >/run/tell; chmod 755 /run/tell; udhcpc -q -n -f -t 20 -T 1 -i eth0 -s /run/tell 2>/dev/null`,
    );
    return Object.fromEntries([...printed.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  };
  const addressOf = async (guest: TestGuest): Promise<string | undefined> =>
    /inet (10\.20\.0\.\d+)\//.exec(await guest.shell('ip -4 addr show dev eth0'))?.[1];
  const addressed = (guest: TestGuest) =>
    lab().waitFor(`${guest.name} to have an address`, () => addressOf(guest), { timeoutMs: 120_000 });
  /**
   * Asserts that all that was there is there, and no lease is shorter than it was: one that was renewed a moment ago may be
   * noted late. @returns what is there
   */
  const keeps = async (before: Awaited<ReturnType<typeof rows>>) => {
    const now = await rows();
    const lasting = (row: (typeof now)[number]) => ({ ...row, expiresMs: null });
    assert.deepEqual(now.map(lasting), before.map(lasting));
    for (const [index, { address, expiresMs }] of before.entries())
      assert.ok((now[index]?.expiresMs ?? 0) >= (expiresMs ?? 0), address);
    return now;
  };
  /** Has a guest renew its lease now, and waits until the store knows. */
  const renews = async (guest: TestGuest, address: string): Promise<void> => {
    const until = (await leaseOf(address))?.expiresMs ?? 0;
    await lab().waitFor(
      `${guest.name} to renew`,
      async () => {
        await guest.shell('kill -USR1 $(cat /run/nic/eth0)');
        return ((await leaseOf(address))?.expiresMs ?? 0) > until;
      },
      { timeoutMs: 120_000 },
    );
    assert.equal(await addressOf(guest), address);
  };

  before(async () => {
    await run(
      ...['network', 'add', 'office', '--ipv4', '10.20.0.0/24', '--gateway4', 'first'],
      ...['--ipv6', 'fd20::/64', '--gateway6', 'first', '--domain', 'office.example'],
    );
    await run(
      ...['network', 'dhcp', 'enable', 'office', '--range', '10.20.0.100-10.20.0.199', '--lease-time', '1h'],
      ...['--ntp', '10.20.0.1', '--route', '10.30.0.0/16=10.20.0.254'],
    );
    await run('network', 'dhcp', 'add', 'office', reserved.mac, reserved.address, '--hostname', reserved.hostname);
    await makePrimary('hv2');
    const nic = (more = '') => ['--nic', `network=office${more}`, '--start'];
    a = await TestGuest.create(lab(), 'a', { args: ['--node', 'hv3', ...nic()] });
    b = await TestGuest.create(lab(), 'b', { args: ['--node', 'hv1', ...nic(`,mac=${reserved.mac}`)] });
    for (const guest of [a, b]) await addressed(guest);
    const named = async () => (await rows()).some(({ type, hostname }) => type === 'lease' && hostname === 'a');
    await lab().waitFor('the lease of a to have its name', named, { timeoutMs: 120_000 });
  });

  it('tells a guest on another node all that it needs', async () => {
    const told = await asks(a);
    assert.match(told['ip'] ?? '', /^10\.20\.0\.1\d\d$/);
    assert.deepEqual(
      ['router', 'dns', 'ntpsrv', 'domain', 'lease', 'mask', 'serverid', 'hostname'].map((name) => told[name]),
      ['10.20.0.1', '10.20.0.1', '10.20.0.1', 'office.example', '3600', '24', '10.20.0.1', 'a'],
    );
    assert.equal(told['ip'], await addressOf(a));
    const route = await a.shell('ip route show default');
    assert.match(route, /default via 10\.20\.0\.1 /);
  });

  it('lets guests make IPv6 addresses of the prefix', async () => {
    const made = async () => /inet6 fd20::\S+\/64 scope global/.test(await a.shell('ip -6 addr show dev eth0'));
    await lab().waitFor('an address of the prefix', made, { timeoutMs: 120_000 });
  });

  it('gives what is reserved, to nobody else', async () => {
    const told = await asks(b);
    assert.deepEqual([told['ip'], told['hostname']], [reserved.address, reserved.hostname]);
    assert.equal(await addressOf(b), reserved.address);
    const list = (await rows()).filter(({ address }) => address === reserved.address);
    assert.deepEqual(
      list.map(({ type, mac, hostname }) => [type, mac, hostname]),
      [
        ['lease', reserved.mac, 'web1'],
        ['reservation', reserved.mac, 'web1'],
      ],
    );
    const printed = (await lab().pvc('hv3', ['network', 'dhcp', 'list', 'office'])).ok().stdout;
    assert.match(printed, /office +lease +10\.20\.0\.10 +52:54:00:70:76:b1 +web1 +\d+ min/);
  });

  it('answers guests about names, and nobody else', async () => {
    assert.match(await a.shell('nslookup web1.office.example 10.20.0.1'), /Address:\s+10\.20\.0\.10/);
    const own = (await addressOf(a)) ?? assert.fail('no address');
    await lab().waitFor('the name of a guest', async () =>
      (await a.shell('nslookup a.office.example 10.20.0.1')).includes(own),
    );
    // Nobody has it: dnsmasq does not know it, and asks the cluster's own name server.
    const [mac, address] = ['52:54:00:70:76:b9', '10.20.0.19'];
    await run('network', 'dhcp', 'add', 'office', mac, address, '--hostname', 'printer');
    const named = async () =>
      (await a.shell('nslookup printer.office.example 10.20.0.1')).includes(`Address: ${address}`);
    await lab().waitFor('the name of what is reserved', named);
    const { primary } = await served('hv1');
    const asked = async () => (await lab().exec(primary, ['cat', '/run/pvc/dnsmasq/names/pid'])).stdout.trim();
    const killed = await asked();
    await lab().exec(primary, ['kill', '-KILL', killed]);
    await lab().waitFor('that name again, from another process', async () => (await asked()) !== killed && named());
    await run('network', 'dhcp', 'remove', 'office', mac);
    for (const { local } of await sockets(primary))
      assert.match(local, /^(?:10\.20\.0\.1:53|127\.0\.0\.1:5301|\[fd20::1\]:53|.*%pvcn10000\]?:(?:53|67|547))$/);
    const guests = (await rows()).filter(({ type }) => type === 'lease');
    assert.equal(guests.length, 2);
  });

  it('keeps each lease with its time when the primary hands over', async () => {
    const before = await rows();
    await run('node', 'secondary', 'hv2');
    const { primary } = await lab().waitFor('another node to serve', async () => {
      const now = await served('hv1');
      return now.primary !== 'hv2' && now;
    });
    const told = await lab().exec(primary, ['cat', '/run/pvc/dnsmasq/10000/leases']);
    const after = await keeps(before);
    for (const { type, address, expiresMs } of before) {
      if (type !== 'lease') continue;
      const ends =
        Number(
          told.stdout
            .split('\n')
            .find((one) => one.split(' ')[2] === address)
            ?.split(' ')[0],
        ) * 1000;
      const noted = after.find((row) => row.type === 'lease' && row.address === address)?.expiresMs ?? 0;
      assert.ok(ends >= (expiresMs ?? 0) && ends <= noted, `${told.stdout} ${expiresMs} ${noted}`);
    }
    for (const guest of [a, b]) await renews(guest, (await addressOf(guest)) ?? assert.fail('no address'));
    for (const row of (await rows()).filter(({ type }) => type === 'lease')) {
      const was = before.find(({ type, address }) => type === 'lease' && address === row.address);
      assert.ok((row.expiresMs ?? 0) > (was?.expiresMs ?? Number.POSITIVE_INFINITY), row.address);
      assert.ok((row.expiresMs ?? 0) <= Date.now() + leaseMs + 2_000, row.address);
    }
  });

  it('comes again when dnsmasq is killed, and knows its leases', async () => {
    const before = await rows();
    const { primary, pid } = await served('hv1');
    await lab().exec(primary, ['kill', '-KILL', String(pid)]);
    await lab().waitFor('another dnsmasq', async () => (await served('hv1')).pid !== pid);
    await keeps(before);
    for (const guest of [a, b]) await renews(guest, (await addressOf(guest)) ?? assert.fail('no address'));
  });

  it('goes on while the daemon is started again', async (t: TestContext) => {
    const was = await served('hv1');
    await lab().daemon(was.primary, 'kill');
    await lab().waitFor(
      'the daemon to answer',
      async () => (await lab().pvc(was.primary, ['node', 'list'])).code === 0,
    );
    const now = await served('hv1');
    t.diagnostic(`${was.primary} was primary, ${now.primary} is`);
    if (now.primary === was.primary) assert.equal(now.pid, was.pid);
    for (const guest of [a, b]) await renews(guest, (await addressOf(guest)) ?? assert.fail('no address'));
  });

  it('notes what dnsmasq told while the daemon was away', async () => {
    const primary = 'hv2';
    await makePrimary(primary);
    const [mac, address, expires] = ['52:54:00:70:76:e1', '10.20.0.190', Math.floor(Date.now() / 1000) + 3_000];
    await lab().daemon(primary, 'pause');
    // As dnsmasq itself calls it; in its own time a lease would come too late for the gateway of a daemon that stands still.
    await lab().exec(primary, [
      ...['env', `DNSMASQ_LEASE_EXPIRES=${expires}`, '/run/pvc/dnsmasq/10000/lease-script'],
      ...['add', mac, address, 'away'],
    ]);
    assert.equal(await leaseOf(address), undefined);
    await lab().daemon(primary, 'kill');
    const noted = await lab().waitFor('the lease to be noted', () => leaseOf(address), { timeoutMs: 120_000 });
    assert.deepEqual([noted.mac, noted.hostname, noted.expiresMs], [mac, 'away', expires * 1000]);
    await lab().waitFor('nothing to be left', async () => {
      const { stdout } = await lab().exec(primary, ['find', '/run/pvc/dnsmasq-leases', '-type', 'f']);
      return stdout === '';
    });
    await served('hv1');
  });

  it('keeps every lease when the primary loses power', async () => {
    await makePrimary('hv2');
    const before = await rows();
    await lab().power('hv2', 'off');
    const nodes = ['hv1', 'hv3'];
    const { primary } = await lab().waitFor('another node to serve', async () => {
      const now = await served('hv1', nodes);
      return now.primary !== 'hv2' && now;
    });
    assert.ok(nodes.includes(primary));
    await keeps(before);
    for (const guest of [a, b]) await renews(guest, (await addressOf(guest)) ?? assert.fail('no address'));
    await lab().power('hv2', 'on');
    await lab().waitFor('hv2 to be back', async () => (await lab().pvc('hv2', ['node', 'list'])).code === 0, {
      timeoutMs: 120_000,
    });
  });

  it('gives IPv6 addresses, and keeps them when the primary hands over', async () => {
    await run('network', 'dhcp', 'modify', 'office', '--ipv6', 'stateful');
    for (const words of [
      ['link', 'add', 'six', 'type', 'veth', 'peer', 'name', 'sixpeer'],
      ['link', 'set', 'sixpeer', 'master', 'pvcn10000', 'up'],
      ['link', 'set', 'six', 'up'],
    ])
      await lab().exec('hv3', ['ip', ...words]);
    const ask = async (...known: string[]): Promise<Dhcp6Answer> => {
      const inside = ['nsenter', `--net=/run/netns/${namespaceName(lab().name, 'hv3')}`];
      const { stdout } = await execute([...inside, process.execPath, dhcp6Client, 'six', duid, ...known]);
      return JSON.parse(stdout) as Dhcp6Answer;
    };
    const given = await lab().waitFor('an answer', () => ask().catch(() => false as const), { timeoutMs: 180_000 });
    assert.match(given.address, /^fd20::1:/);
    assert.deepEqual([given.dns, given.validS], [['fd20::1'], leaseMs / 1000]);
    const until = await lab().waitFor('the lease to be noted', async () => (await leaseOf(given.address))?.expiresMs);
    const { primary } = await served('hv1');
    await run('node', 'secondary', primary);
    await lab().waitFor('another node to serve', async () => (await served('hv1')).primary !== primary);
    await lab().waitFor('it to be given more time', async () => {
      const again = await ask(given.address, given.server);
      assert.deepEqual(again, given);
      return ((await leaseOf(given.address))?.expiresMs ?? 0) > until;
    });
    await lab().exec('hv3', ['ip', 'link', 'delete', 'dev', 'six']);
  });

  it('follows its settings', async () => {
    await run('network', 'dhcp', 'modify', 'office', '--lease-time', '2h', '--no-ntp', '--dns', '10.20.0.53');
    await lab().waitFor('the new settings', async () => {
      const told = await asks(a);
      return told['lease'] === '7200' && told['dns'] === '10.20.0.53' && told['ntpsrv'] === undefined;
    });
    const address = (await addressOf(a)) ?? assert.fail('no address');
    const mac = (await leaseOf(address))?.mac ?? assert.fail('no lease');
    await run('network', 'dhcp', 'add', 'office', mac, '10.20.0.11', '--hostname', 'a');
    await lab().waitFor('the reserved address', async () => (await asks(a))['ip'] === '10.20.0.11');
    await run('network', 'dhcp', 'remove', 'office', mac);
    assert.equal((await rows()).filter(({ type }) => type === 'reservation').length, 1);
  });

  it('refuses what cannot be', async () => {
    await run('network', 'add', 'island', '--ipv4', '10.40.0.0/24');
    const before = await rows();
    const [mac, other] = ['52:54:00:70:76:c1', '52:54:00:70:76:c2'];
    for (const [args, code, text] of [
      [['enable', 'island'], 2, /no gateway/],
      [['enable', 'office'], 4, /on in the network office already/],
      [['enable', 'nope'], 3, /no network nope/],
      [['info', 'island'], 4, /DHCP is off/],
      [['disable', 'island'], 4, /DHCP is off/],
      [['modify', 'office', '--range', '10.21.0.1-10.21.0.9'], 2, /outside 10\.20\.0\.0\/24/],
      [['modify', 'office', '--range', '10.20.0.1-10.20.0.9'], 2, /the gateway/],
      [['modify', 'office', '--range', '10.20.0.200-10.20.0.255'], 2, /broadcast/],
      [['modify', 'office', '--range', '10.20.0.9-10.20.0.5'], 2, /ends before it begins/],
      [['modify', 'office', '--range', '999.1.1.1-999.1.1.9'], 2, /999\.1\.1\.1/],
      [['modify', 'office', '--lease-time', '1m'], 2, /120/],
      [['modify', 'office', '--dns', 'dns.example'], 2, /an address is written like/],
      [['modify', 'office', '--lease-time', '2h'], 4, /Nothing to change/],
      [['add', 'office', mac, '10.21.0.9'], 2, /outside 10\.20\.0\.0\/24/],
      [['add', 'office', mac, '10.20.0.1'], 2, /gateway/],
      [['add', 'office', mac, reserved.address], 5, /10\.20\.0\.10 is reserved for 52:54:00:70:76:b1/],
      [['add', 'office', reserved.mac, '10.20.0.12'], 5, /is reserved for/],
      [['add', 'office', mac, '10.20.0.12', '--hostname', 'web1'], 5, /the name web1 is reserved/],
      [['add', 'office', mac, '10.20.0.12', '--hostname', 'a b'], 2, /a host name is/],
      [['add', 'office', '53:54:00:00:00:01', '10.20.0.12'], 2, /MAC address/],
      [['remove', 'office', other], 3, /nothing is reserved for/],
    ] as const) {
      const answer = await lab().pvc('hv1', ['network', 'dhcp', ...args, '--yes']);
      assert.deepEqual(
        [answer.code, text.test(answer.stderr.replace(/\s+/g, ' '))],
        [code, true],
        `${args.join(' ')}: ${answer.stderr}`,
      );
    }
    for (const change of [
      ['--ipv4', '10.50.0.0/24', '--gateway4', 'first'],
      ['--gateway4', 'none'],
      ['--gateway4', reserved.address],
      ['--gateway6', 'none'],
    ]) {
      const answer = await lab().pvc('hv1', ['network', 'modify', 'office', ...change, '--yes']);
      assert.match(answer.stderr.replace(/\s+/g, ' '), /DHCP of office would not work any more/);
      assert.notEqual(answer.code, 0);
    }
    assert.deepEqual(
      (await rows()).filter(({ type }) => type === 'reservation'),
      before.filter(({ type }) => type === 'reservation'),
    );
    await run('network', 'remove', 'island');
  });

  it('ends the lease of a guest that is undefined, for good', async () => {
    const macs = (await lab().ask('hv1', 'vm.nic-list', {})).map(({ mac }) => mac);
    const leases = async () => (await rows()).filter(({ type, mac }) => type === 'lease' && macs.includes(mac ?? ''));
    assert.ok((await leases()).length > 0);
    for (const guest of [a, b]) {
      await guest.run('stop');
      await guest.run('undefine');
    }
    await lab().waitFor('their leases to end', async () => (await leases()).length === 0);
    await delay(3_000);
    // dnsmasq tells of all that it holds when it reads its files anew: it must have forgotten them.
    await run('network', 'dhcp', 'add', 'office', '52:54:00:70:76:f1', '10.20.0.60');
    await delay(3_000);
    assert.deepEqual(await leases(), []);
  });

  it('goes with its network, and leaves nothing', async () => {
    await run('network', 'remove', 'office');
    for (const node of lab().nodes)
      await lab().waitFor(`no dnsmasq on ${node}`, async () => (await sockets(node)).length === 0);
    await run('network', 'add', 'office', '--ipv4', '10.20.0.0/24', '--gateway4', 'first');
    await run('network', 'dhcp', 'enable', 'office');
    assert.deepEqual(await rows(), []);
    await served('hv1');
    await run('network', 'dhcp', 'disable', 'office');
    await run('network', 'remove', 'office');
  });

  /** What the image does with the word of its boot, by hand: it gets one token, for this boot of this machine alone. */
  const refusesForeignWords = async (mac: string, other: string): Promise<void> => {
    const from = (await lab().primary('hv1')) ?? assert.fail('no primary');
    const base = 'http://10.10.2.9:7380';
    const ask = async (...argv: string[]): Promise<string> =>
      (await lab().exec(from, ['curl', '-s', '-m', '20', '-w', '%{http_code}', ...argv])).stdout;
    const wordNow = async (of: string): Promise<string> => {
      const { uuid } = await lab().ask('hv1', 'machine.info', { machine: of });
      const script = await ask(`${base}/machine.ipxe?mac=${of}&uuid=${uuid}&platform=pcbios`);
      return /pvc\.word=(\S{32}) /.exec(script)?.[1] ?? assert.fail(script);
    };
    const join = (of: string, word: string) => ask('-X', 'POST', `${base}/machines/${of}/${word}/join`);
    const joinTokens = async (): Promise<number> =>
      (await lab().ask('hv1', 'token.list', {})).filter(({ role }) => role === 'join').length;
    const before = await joinTokens();
    const [old, word] = [await wordNow(mac), await wordNow(mac)];
    await wordNow(other);
    assert.match(await join(mac, old), /not the present boot of that machine\n403$/);
    assert.match(await join(other, word), /not the present boot of that machine\n403$/);
    const given = await join(mac, word);
    assert.match(given, /^name=hv\d\naddress=10\.10\.0\.3\d\/24\ntoken=pvcjoin_\S+\n200$/);
    // The answer may be lost on the way: then there is another one, and the first counts no more.
    assert.match(await join(mac, word), /\n200$/);
    assert.equal(await joinTokens(), before + 1);
    const tellOf = async (machine: string) => {
      const { boots } = await lab().ask('hv1', 'machine.info', { machine });
      return boots.at(-1)?.log.map(({ text }) => text) ?? [];
    };
    const told = await tellOf(mac);
    assert.ok(told.includes('somebody asked for its join token with a wrong word: refused'), told.join('\n'));
    assert.ok((await tellOf(other)).some((text) => text.includes('with a wrong word: refused')));
  };

  it('discovers servers that boot from its networks, also beside another DHCP server, and whoever is primary', async () => {
    const [bios, efi] = ['52:54:00:70:76:d2', '52:54:00:70:76:d3'];
    const [uuid, other] = ['5c0e3f6e-2e1d-4f7a-9d39-0123456789ab', '6c0e3f6e-2e1d-4f7a-9d39-0123456789ab'];
    const machines = () => lab().ask('hv1', 'machine.list', {});
    const tftp = async (node: string) => (await sockets(node)).filter(({ local }) => local.endsWith(':69'));
    const discovered = (mac: string, sinceMs = 0) =>
      lab().waitFor(
        `${mac} to be discovered`,
        async () => (await machines()).find((one) => one.mac === mac && (one.seenMs ?? 0) > sinceMs),
        { timeoutMs: 180_000 },
      );
    const set = (...args: string[]) => run('provisioner', 'network', 'set', ...args);
    await set('--device', 'cluster', '--address', '10.10.0.9/24', '--range', '10.10.0.200-10.10.0.220');
    {
      await using _machine = await BootMachine.start(lab(), { firmware: 'bios', mac: bios, uuid, network: 'cluster' });
      const found = await discovered(bios);
      assert.deepEqual(
        [found.state, found.uuid, found.hardware?.manufacturer, found.name],
        ['discovered', uuid, 'ACME + Co', null],
      );
      const from = (await lab().primary('hv1')) ?? assert.fail('no primary');
      const to = from === 'hv3' ? 'hv2' : 'hv3';
      await run('node', 'primary', to);
      await lab().waitFor(`${to} to be primary`, async () => (await lab().primary('hv1')) === to);
      await discovered(bios, (await machines())[0]?.seenMs ?? 0);
      assert.deepEqual(await tftp(from), [], 'nothing of it is left where the primary was');
    }
    await set('--device', 'brupstream', '--address', '10.10.2.9/24');
    {
      await using _machine = await BootMachine.start(lab(), {
        firmware: 'efi',
        mac: efi,
        uuid: other,
        network: 'upstream',
      });
      assert.equal((await discovered(efi)).state, 'discovered');
    }
    for (const [args, code, text] of [
      [['add', bios, '--name', 'hv4', '--address', '10.10.0.14'], 5, /already a machine with the MAC address/],
      [['accept', bios, '--name', 'hv4', '--address', '10.10.0.11'], 2, /of the node hv1/],
      [['accept', bios, '--name', 'hv4', '--address', '10.10.0.14', '--uuid', other], 5, /machine with the UUID/],
      [['accept', bios, '--name', 'hv1', '--address', '10.10.0.14'], 5, /node hv1 already/],
      [['accept', bios], 2, /no name and no address/],
      [['info', 'hv9'], 3, /no machine hv9/],
    ] as const) {
      const answer = await lab().pvc('hv1', ['provisioner', 'machine', ...args]);
      assert.deepEqual(
        [answer.code, text.test(answer.stderr.replace(/\s+/g, ' '))],
        [code, true],
        `${args.join(' ')}: ${answer.stderr}`,
      );
    }
    const addresses = '10.10.0.30-10.10.0.31';
    const kind = ['--manufacturer', 'acme*', '--product', 'R1'];
    await run('provisioner', 'rule', 'add', 'acme', ...kind, '--name', 'hv#', '--addresses', addresses);
    const accepted = await lab().waitFor('the rule to accept both', async () => {
      const all = await machines();
      return all.every(({ name }) => name !== null) && all;
    });
    assert.deepEqual(accepted.map(({ name, address, state }) => [name, address, state]).toSorted(), [
      ['hv4', '10.10.0.30', 'accepted'],
      ['hv5', '10.10.0.31', 'accepted'],
    ]);
    await run('provisioner', 'rule', 'remove', 'acme');
    await refusesForeignWords(bios, efi);
    const replaced = await lab().pvc('hv1', ['node', 'replace', 'hv1', '52:54:00:70:76:ee', '--yes']);
    assert.deepEqual([replaced.code, /hv1 is a coordinator/.test(replaced.stderr)], [4, true], replaced.stderr);
    for (const mac of [bios, efi]) await run('provisioner', 'machine', 'remove', mac);
    await run('provisioner', 'network', 'remove');
    for (const node of lab().nodes)
      await lab().waitFor(`nothing of it on ${node}`, async () => (await tftp(node)).length === 0);
  });
});
