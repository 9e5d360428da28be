/**
 * The firewall of networks, on the real kernel: apart from each other and from the node, let in and out by entries, and there
 * again whoever takes it away. Ends that are plugged into the bridges stand for guests, and one real guest is among them.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PacketWatch } from './packet-watch.ts';
import { connects, PluggedEnd, serve } from './plugged-end.ts';
import { suiteLab } from './test-lab.ts';
import { NetworkGuest } from './test-network.ts';

/** The router outside, and the node's addresses in its own networks. */
const outside = '10.10.2.1';
const nodeAddresses = ['10.10.0.11', '10.10.2.11'];
const [officeGateway, labGateway] = ['192.168.50.1', '10.21.0.1'];
const [officeGateway6, labGateway6] = ['fd50::1', 'fd21::1'];

describe('the firewall of networks', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 1 });
  let office: PluggedEnd;
  let other: PluggedEnd;
  let guest: NetworkGuest;
  const [officeAddress, otherAddress] = ['192.168.50.6', '10.21.0.5'];
  const [officeAddress6, otherAddress6] = ['fd50::6', 'fd21::5'];

  const pvc = (...args: string[]) => lab().pvc('hv1', [...args, '--yes']);
  const run = async (...args: string[]) => (await pvc(...args)).ok();
  const nft = (...words: string[]) => lab().exec('hv1', ['nft', ...words]);
  const list = (network: string) => lab().ask('hv1', 'network.acl-list', { network });
  const inForce = (network: string) =>
    lab().waitFor(`the entries of ${network} to be in force`, async () =>
      (await list(network)).every(({ packets }) => packets !== null),
    );
  const add = async (network: string, direction: string, rule: string, ...more: string[]) => {
    await run('network', 'acl', 'add', network, direction, rule, ...more);
    await inForce(network);
  };
  /** What an entry that is removed has decided about goes on counting until the kernel has it no more. */
  const remove = async (network: string, direction: string, order: number) => {
    await run('network', 'acl', 'remove', network, direction, String(order));
    const { vni } = await lab().ask('hv1', 'network.info', { network });
    await lab().waitFor('the entry to be gone', async () => {
      const { stdout } = await nft('list', 'counters', 'table', 'inet', 'pvc_networks');
      return !stdout.includes(`acl_${vni}_${direction}_${order}_`);
    });
  };
  const packets = async (network: string, order: number): Promise<number> =>
    (await list(network)).find((row) => row.order === order)?.packets ?? assert.fail(`no entry ${order} in force`);
  /** What must come through does so in the end, however busy the machine is. */
  const comes = (probe: () => Promise<boolean>) => lab().waitFor('it to come through', probe);
  const worldReaches = (address: string, port: number) => connects(lab(), 'outside', address, port);

  before(async () => {
    const [office4, lab4] = ['192.168.50.0/24', '10.21.0.0/24'];
    await run(
      'network',
      'add',
      'office',
      '--ipv4',
      office4,
      '--gateway4',
      'first',
      '--ipv6',
      'fd50::/64',
      '--gateway6',
      'first',
    );
    await run(
      'network',
      'add',
      'lab',
      '--ipv4',
      lab4,
      '--gateway4',
      'first',
      '--ipv6',
      'fd21::/64',
      '--gateway6',
      'first',
      '--nat',
    );
    const bridges: string[] = [];
    for (const [network, gateways] of [
      ['office', [officeGateway, officeGateway6]],
      ['lab', [labGateway, labGateway6]],
    ] as const) {
      const { bridge } = await lab().ask('hv1', 'network.info', { network });
      bridges.push(bridge);
      await lab().waitFor(`the gateways of ${network} to be there`, async () => {
        const shown = await lab().exec('hv1', ['ip', 'address', 'show', 'dev', bridge], { accept: 'any' });
        return gateways.every((gateway) => shown.stdout.includes(`${gateway}/`));
      });
    }
    office = await PluggedEnd.plug(lab(), 'hv1', 'office', bridges[0] ?? '', [
      { own: `${officeAddress}/24`, gateway: officeGateway },
      { own: `${officeAddress6}/64`, gateway: officeGateway6 },
    ]);
    other = await PluggedEnd.plug(lab(), 'hv1', 'other', bridges[1] ?? '', [
      { own: `${otherAddress}/24`, gateway: labGateway },
      { own: `${otherAddress6}/64`, gateway: labGateway6 },
    ]);
    // Whoever is kept off must be so by the firewall, not because nobody is there.
    for (const port of [80, 22]) await serve(lab(), 'hv1', port);
    for (const port of [22, 25]) await serve(lab(), 'outside', port);
    for (const end of [office, other]) for (const port of [22, 25]) await end.serves(port);
    await lab().exec('outside', ['ip', 'route', 'add', '192.168.50.0/24', 'via', '10.10.2.11']);
    guest = await NetworkGuest.start(lab(), 'web1', 'hv1', 'office', 5);
    await guest.guest.shell(
      `ip route add default via ${officeGateway}; (nc -ll -p 22 -e cat </dev/null >/dev/null 2>&1 &)`,
    );
  });

  it('lets guests of one network reach each other', async () => {
    await comes(async () => (await office.pings(guest.address)) > 0);
    await comes(() => office.connects(guest.address, 22));
  });

  it('lets guests reach the services of their gateway, and nothing else of the node', async () => {
    await comes(async () => (await office.pings(officeGateway)) > 0);
    await comes(async () => (await guest.pings(officeGateway)) > 0);
    await comes(() => office.connects(officeGateway, 80));
    for (const port of [22, 7370]) assert.equal(await office.connects(officeGateway, port), false, `port ${port}`);
    for (const address of [...nodeAddresses, labGateway]) {
      assert.equal(await office.pings(address, 1), 0, address);
      for (const port of [80, 7370]) assert.equal(await office.connects(address, port), false, `${address}:${port}`);
    }
  });

  it('leads guests to the metadata service, each to what is its own', async () => {
    const [{ mac } = assert.fail('no card')] = await lab().ask('hv1', 'vm.nic-list', { network: 'office' });
    const base = 'http://169.254.169.254';
    const header = 'X-aws-ec2-metadata-token';
    const code = async (end: PluggedEnd, url: string, ...more: string[]) =>
      (await end.exec('curl', '-gs', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}', ...more, url)).stdout;
    await lab().waitFor('an answer', async () => (await code(office, `${base}/`)) === '404');
    const put = `PUT /latest/api/token HTTP/1.0\\r\\n${header}-ttl-seconds: 60\\r\\n\\r\\n`;
    // Whoever says that nothing more comes is taken to have left: the pipe stays open until the answer is there.
    const answer = await guest.guest.shell(`(printf '${put}'; sleep 5) | nc -w 5 169.254.169.254 80; echo`);
    const token = answer.trim().split('\n').at(-1) ?? '';
    assert.match(token, /^[0-9a-z]+\.[\w-]{43}$/, answer);
    const told = await guest.guest.shell(
      `wget -q -O - --header '${header}: ${token}' ${base}/latest/meta-data/instance-id`,
    );
    assert.equal(told.trim(), guest.guest.uuid);

    assert.equal(await code(office, `http://[fd00:ec2::254]/`), '404', 'nobody’s card');
    assert.equal(await code(office, `${base}/latest/meta-data/`, '-H', `${header}: ${token}`), '404');
    await lab().exec('hv1', ['ip', '-n', 'other', 'link', 'set', 'eth0', 'address', mac]);
    await lab().exec('hv1', ['ip', 'neigh', 'flush', 'to', otherAddress]);
    await lab().waitFor(
      'one who has only its MAC address to be told nothing',
      async () => (await code(other, `${base}/latest/meta-data/`, '-H', `${header}: ${token}`)) === '404',
    );
    const { stdout: doors } = await nft('list', 'map', 'inet', 'pvc_networks', 'metadata');
    const [, door] = /" : (\d+)/.exec(doors) ?? assert.fail(doors);
    assert.equal(await worldReaches(nodeAddresses[1] ?? '', Number(door)), false);
  });

  it('keeps networks apart, in both directions', async () => {
    assert.equal(await office.pings(otherAddress), 0);
    assert.equal(await office.connects(otherAddress, 22), false);
    for (const address of [officeAddress, guest.address]) {
      assert.equal(await other.pings(address), 0, address);
      assert.equal(await other.connects(address, 22), false, address);
    }
  });

  it('does the same for IPv6', async () => {
    await comes(async () => (await office.pings(officeGateway6)) > 0);
    await comes(() => office.connects(officeGateway6, 80));
    assert.equal(await office.connects(officeGateway6, 7370), false);
    assert.equal(await office.pings(labGateway6, 1), 0);
    assert.equal(await office.pings(otherAddress6), 0);
    await add('lab', 'in', 'ip6 saddr fd50::/64 accept');
    await comes(async () => (await office.pings(otherAddress6)) > 0);
    await comes(() => office.connects(otherAddress6, 22));
    assert.equal(await other.pings(officeAddress6), 0);
    assert.ok((await packets('lab', 10)) > 0);
    await remove('lab', 'in', 10);
    assert.equal(await office.pings(otherAddress6), 0);
  });

  it('lets none of 10,000 random packets through to where it must not go', async (t: TestContext) => {
    const frames = await readFile(new URL('random-packets.py', import.meta.url), 'utf8');
    const { bridge } = await lab().ask('hv1', 'network.info', { network: 'office' });
    const router = (await lab().exec('hv1', ['cat', `/sys/class/net/${bridge}/address`])).stdout.trim();
    const shower = async (count: number): Promise<void> => {
      const sent = await office.exec(
        ...['python3', '-c', frames, 'eth0', router, String(count), '1', officeAddress],
        ...[otherAddress, labGateway, ...nodeAddresses, outside],
      );
      assert.equal(sent.code, 0, sent.stderr);
    };
    const on =
      (member: string) =>
      (...argv: string[]) =>
        lab().exec(member, argv);
    const watchNetwork = () =>
      PacketWatch.set((...argv) => other.exec(...argv), 'prerouting priority -350', 'meta nfproto ipv4');
    const network = await watchNetwork();
    const node = await PacketWatch.set(
      on('hv1'),
      'input priority 10',
      `iifname "pvcn*" ip daddr { ${[...nodeAddresses, labGateway].join(', ')} }`,
    );
    const spoofed = await PacketWatch.set(
      on('outside'),
      'prerouting priority -350',
      'ip saddr != { 10.10.0.0/16, 192.168.50.0/24 }',
    );
    await shower(10_000);
    assert.deepEqual([await network.end(), await node.end(), await spoofed.end()], [0, 0, 0]);
    // The same packets, and doors that are open: else nothing of it would tell anything.
    await add('lab', 'in', 'accept');
    const [open, world] = [
      await watchNetwork(),
      await PacketWatch.set(on('outside'), 'prerouting priority -350', 'ip saddr 192.168.50.0/24'),
    ];
    await shower(10_000);
    const through = [await open.end(), await world.end()];
    t.diagnostic(`${through.join(' and ')} where it was allowed`);
    assert.ok(Math.min(...through) > 100);
    await remove('lab', 'in', 10);
  });

  it('lets guests out and the answers back, and nobody in', async () => {
    await comes(async () => (await office.pings(outside)) > 0);
    await comes(() => office.connects(outside, 22));
    await comes(async () => (await guest.pings(outside)) > 0);
    assert.equal(await worldReaches(officeAddress, 22), false);
    assert.equal(await worldReaches(guest.address, 22), false);
  });

  it('lets nobody out under an address that is not of the network', async () => {
    await office.exec('ip', 'address', 'add', '192.168.51.9/32', 'dev', 'lo');
    await lab().exec('outside', ['ip', 'route', 'add', '192.168.51.0/24', 'via', '10.10.2.11']);
    const { stdout } = await office.exec('ping', '-n', '-c', '2', '-W', '2', '-I', '192.168.51.9', outside);
    assert.match(stdout, /2 packets transmitted, 0 received/);
  });

  it('hides a network behind the node, outside only', async () => {
    // Nobody outside has a route to that network: only what is masqueraded is answered.
    await comes(async () => (await other.pings(outside)) > 0);
    await run('network', 'modify', 'lab', '--no-nat');
    await lab().waitFor('no masquerade', async () => (await other.pings(outside, 1)) === 0);
    await run('network', 'modify', 'lab', '--nat');
    await lab().waitFor('masquerade', async () => (await other.pings(outside, 1)) === 1);
  });

  it('lets in what an entry accepts, and counts it', async () => {
    await add('office', 'in', 'tcp dport 22 accept', '--order', '100', '-d', 'ssh for all');
    await comes(() => worldReaches(officeAddress, 22));
    await comes(() => worldReaches(guest.address, 22));
    const counted = await packets('office', 100);
    assert.ok(counted >= 2, `${counted} packets`);
    await comes(() => other.connects(officeAddress, 22));
    assert.ok((await packets('office', 100)) > counted);
    assert.equal(await worldReaches(officeAddress, 25), false);
  });

  it('asks the smaller number first', async () => {
    await add('office', 'in', 'ip saddr 10.21.0.0/24 drop', '--order', '20');
    assert.equal(await other.connects(officeAddress, 22), false);
    assert.ok((await packets('office', 20)) > 0);
    await comes(() => worldReaches(officeAddress, 22));
    await remove('office', 'in', 20);
    await comes(() => other.connects(officeAddress, 22));
  });

  it('asks the network that is reached also when the one that is left has accepted', async () => {
    await add('lab', 'out', 'accept', '--order', '1');
    assert.equal(await other.pings(officeAddress), 0);
    await remove('lab', 'out', 1);
    await add('lab', 'out', 'ip daddr 192.168.50.0/24 reject', '--order', '1');
    const before = await packets('office', 100);
    assert.equal(await other.connects(officeAddress, 22), false);
    assert.equal(await packets('office', 100), before);
    await remove('lab', 'out', 1);
  });

  it('keeps in what an entry drops, also what is under way', async () => {
    // A connection that says a word every second, and hears it back.
    const talk = `while sleep 1; do echo word; done | busybox nc ${outside} 25 >/tmp/heard 2>/dev/null &`;
    await office.exec('sh', '-c', talk);
    const heard = async () => Number((await lab().exec('hv1', ['sh', '-c', 'wc -l </tmp/heard'])).stdout);
    await lab().waitFor('the connection to talk', async () => (await heard()) > 1);
    await add('office', 'out', 'tcp dport 25 drop', '--order', '10');
    await lab().waitFor('the entry to count', async () =>
      (await list('office')).some(({ order, packets: count }) => order === 10 && (count ?? 0) > 1),
    );
    const then = await heard();
    const counted = await packets('office', 10);
    await lab().waitFor('more to be dropped', async () => (await packets('office', 10)) > counted + 1);
    assert.equal(await heard(), then);
    assert.equal(await office.connects(outside, 25), false);
    await comes(() => office.connects(outside, 22));
    await remove('office', 'out', 10);
    await lab().waitFor('the connection to go on', async () => (await heard()) > then);
  });

  it('refuses rules that are none, with nft’s reason, and changes nothing', async () => {
    const before = await list('office');
    const handles = (await nft('--handle', '--stateless', 'list', 'table', 'inet', 'pvc_networks')).stdout;
    for (const [rule, code, text] of [
      ['tcp sport saddr accept', 2, /Could not resolve service.*at "saddr"/],
      ['tcp dprt 22 accept', 2, /syntax error.*at "dprt"/],
      ['tcp dport 99999 accept', 2, /out of range|Value 99999 exceeds/],
      ['socket transparent 1 accept', 2, /Operation not supported/],
      ['ip saddr hv1 accept', 2, /10\.10\.\d\.11 is not in its text|Hostname resolves|resolve hostname/],
      ['tcp dport 22 counter accept', 2, /cannot have "counter"/],
      ['meta mark set 1 accept', 2, /cannot have "mangle"/],
      ['tcp dport 22 jump services', 2, /ends with accept, drop or reject/],
      ['accept; drop', 2, /no quotes, comments/],
      ['iifname "eth0" accept', 2, /no quotes, comments/],
      ['accept } chain x { accept', 2, /braces/],
    ] as const) {
      const answer = await pvc('network', 'acl', 'add', 'office', 'in', rule);
      const said = answer.stderr.replace(/\s+/g, ' ');
      assert.deepEqual([answer.code, text.test(said)], [code, true], `${rule}: ${said}`);
    }
    for (const [args, code, text] of [
      [['add', 'office', 'in', 'drop', '--order', '100'], 5, /has an entry in 100 already: `tcp dport 22 accept`/],
      [['add', 'office', 'in', 'drop', '--order', '0'], 2, /order/i],
      [['add', 'office', 'in', 'drop', '--order', '65536'], 2, /order/i],
      [['add', 'nope', 'in', 'drop'], 3, /no network nope/],
      [['add', 'office', 'sideways', 'drop'], 2, /direction/i],
      [['remove', 'office', 'out', '100'], 3, /no entry out 100/],
      [['list', 'nope'], 3, /no network nope/],
    ] as const) {
      const answer = await pvc('network', 'acl', ...args);
      assert.deepEqual([answer.code, text.test(answer.stderr.replace(/\s+/g, ' '))], [code, true], answer.stderr);
    }
    const bare = await pvc('network', 'add', 'bare', '--nat');
    assert.deepEqual([bare.code, /no gateway/.test(bare.stderr)], [2, true], bare.stderr);
    assert.deepEqual(
      (await list('office')).map(({ order, rule }) => [order, rule]),
      before.map(({ order, rule }) => [order, rule]),
    );
    assert.equal((await nft('--handle', '--stateless', 'list', 'table', 'inet', 'pvc_networks')).stdout, handles);
  });

  it('keeps a card to its own addresses while it runs', async () => {
    const [{ mac } = assert.fail('no card')] = await lab().ask('hv1', 'vm.nic-list', { network: 'office' });
    const guards = async () => (await nft('list', 'table', 'bridge', 'pvc_cards')).stdout;
    const spoofed = '192.168.50.77';
    const asSomebodyElse = () => guest.pings(officeAddress, 1, `-I ${spoofed}`);
    await guest.guest.shell(`ip addr add ${spoofed}/24 dev eth0`);
    await comes(async () => (await asSomebodyElse()) > 0);
    await run('vm', 'nic', 'modify', 'web1', mac, '--anti-spoof', '--address', guest.address);
    await lab().waitFor('its guard', async () => (await nft('list', 'tables')).stdout.includes('pvc_cards'));
    await comes(async () => (await guest.pings(officeAddress)) > 0);
    await comes(async () => (await guest.pings(outside)) > 0);
    assert.equal(await asSomebodyElse(), 0);
    await guest.guest.shell(`arping -U -c 2 -I eth0 ${spoofed}`);
    for (const kind of ['arp', 'ip']) {
      const counted = new RegExp(`^\\s+${kind} saddr (?:ip )?!= .*counter packets (\\d+)`, 'm');
      const [, dropped] = counted.exec(await guards()) ?? [];
      assert.ok(Number(dropped) > 0, `${kind}: ${await guards()}`);
    }
    await guest.guest.shell('ip link set eth0 address 52:54:00:00:00:99');
    assert.equal(await guest.pings(officeAddress, 1), 0);
    await guest.guest.shell(`ip link set eth0 address ${mac}`);
    await comes(async () => (await guest.pings(officeAddress)) > 0);
    await nft('delete', 'table', 'bridge', 'pvc_cards');
    await lab().waitFor('it to be there again', async () => (await nft('list', 'tables')).stdout.includes('pvc_cards'));
    assert.equal(await asSomebodyElse(), 0);
    await run('vm', 'nic', 'modify', 'web1', mac, '--no-anti-spoof');
    await comes(async () => (await asSomebodyElse()) > 0);
    await guest.guest.shell(`ip addr del ${spoofed}/24 dev eth0`);
    assert.deepEqual((await guest.guest.info()).restartNeeded, []);
  });

  it('keeps a card to its limit in both directions', async (t: TestContext) => {
    const [{ mac } = assert.fail('no card')] = await lab().ask('hv1', 'vm.nic-list', { network: 'office' });
    const [bytes, port] = [1_000_000, 4000];
    // Serves one connection that brings so many bytes, or takes them; prints the seconds from the first to the last.
    const server = [
      'import fcntl, socket, struct, sys, termios, time',
      `listener = socket.create_server(("${officeAddress}", ${port}))`,
      'listener.settimeout(120)',
      'end = listener.accept()[0]',
      'end.settimeout(120)',
      'begin = time.monotonic()',
      'if sys.argv[1] == "in":',
      `    end.sendall(bytes(${bytes}))`,
      '    unheard = lambda: struct.unpack("i", fcntl.ioctl(end, termios.TIOCOUTQ, bytes(4)))[0]',
      '    while unheard() > 0: time.sleep(0.05)',
      'else:',
      '    heard = 0',
      '    while piece := end.recv(65536): heard += len(piece)',
      `    assert heard == ${bytes}`,
      'print(time.monotonic() - begin)',
    ].join('\n');
    const seconds = async (direction: string): Promise<number> => {
      const served = office.exec('python3', '-c', server, direction);
      const sent = direction === 'in' ? '/dev/null' : '/run/sent';
      await guest.guest.shell(
        `head -c ${bytes} /dev/zero >/run/sent; until nc ${officeAddress} ${port} <${sent} >/run/heard; do sleep 1; done`,
      );
      const { stdout, stderr } = await served;
      assert.ok(Number(stdout) > 0, stderr);
      return Number(stdout);
    };
    for (const direction of ['in', 'out']) {
      const free = await seconds(direction);
      await run('vm', 'nic', 'modify', 'web1', mac, `--limit-${direction}`, '800kbit');
      await lab().waitFor('its limit', async () => (await nft('list', 'ruleset')).stdout.includes('limit rate over'));
      const limited = await seconds(direction);
      t.diagnostic(`1 MB ${direction}: ${free.toFixed(1)} s, with 800 kbit/s ${limited.toFixed(1)} s`);
      // 100 kB a second, and 231 kB may come at once.
      assert.ok(limited > 7, `${limited} s`);
      assert.ok(free < limited);
      await run('vm', 'nic', 'modify', 'web1', mac, `--limit-${direction}`, 'none');
      await lab().waitFor('no limit', async () => !(await nft('list', 'tables')).stdout.includes('pvc_cards'));
    }
    for (const [words, text] of [
      [['--limit-in', 'fast'], /a rate is 100mbit/],
      [['--limit-in', '12kbit'], /a multiple of 8/],
      [['--address', '10.20.0.1'], /anti-spoof/],
      [['--no-anti-spoof'], /already/],
    ] as const) {
      const answer = await pvc('vm', 'nic', 'modify', 'web1', mac, ...words);
      assert.ok(answer.code !== 0 && text.test(answer.stderr.replace(/\s+/g, ' ')), answer.stderr);
    }
  });

  it('goes on counting when something else changes', async () => {
    const before = await packets('office', 100);
    assert.ok(before > 0);
    await add('lab', 'in', 'tcp dport 4711 accept');
    assert.ok((await packets('office', 100)) >= before);
    await remove('lab', 'in', 10);
  });

  it('is there again when somebody takes it away, or some of it, and leaves his own alone', async () => {
    await nft('add', 'table', 'inet', 'own');
    await nft('add', 'chain', 'inet', 'own', 'in', '{ type filter hook input priority 0; }');
    await nft('add', 'rule', 'inet', 'own', 'in', 'tcp', 'dport', '4711', 'counter', 'drop');
    const own = (await nft('--handle', 'list', 'table', 'inet', 'own')).stdout;
    const damages = [
      ['delete', 'table', 'inet', 'pvc_networks'],
      ['flush', 'chain', 'inet', 'pvc_networks', 'entering'],
      ['insert', 'rule', 'inet', 'pvc_networks', 'leaving', 'accept'],
      ['flush', 'ruleset'],
    ];
    for (const words of damages) {
      const before = (await nft('--stateless', 'list', 'table', 'inet', 'pvc_networks')).stdout;
      if (words[0] === 'flush' && words[1] === 'ruleset')
        assert.equal((await nft('--handle', 'list', 'table', 'inet', 'own')).stdout, own);
      await nft(...words);
      await lab().waitFor(`the table to be as before ${words.join(' ')}`, async () => {
        const { stdout } = await lab().exec('hv1', ['nft', '--stateless', 'list', 'table', 'inet', 'pvc_networks'], {
          accept: 'any',
        });
        return stdout === before;
      });
    }
    assert.equal(await other.connects(officeAddress, 25), false);
    await comes(() => worldReaches(officeAddress, 22));
  });

  it('is left as it is when the daemon is killed and started again', async () => {
    const seen = async () => (await nft('--handle', '--stateless', 'list', 'table', 'inet', 'pvc_networks')).stdout;
    const before = await seen();
    await lab().daemon('hv1', 'kill');
    await lab().waitFor('the daemon to answer', async () => (await pvc('network', 'acl', 'list')).code === 0);
    // It looks every four seconds; each loading gives new handles.
    for (let look = 0; look < 7; look += 1) {
      assert.equal(await seen(), before);
      await sleep(1_000);
    }
    await add('office', 'in', 'tcp dport 4712 accept', '--order', '200');
    assert.notEqual(await seen(), before);
    await remove('office', 'in', 200);
  });

  it('goes with its networks, entries and all', async () => {
    for (const end of [office, other]) await end.unplug();
    for (const verb of ['stop', 'undefine']) await guest.guest.run(verb);
    for (const network of ['office', 'lab']) await run('network', 'remove', network);
    await lab().waitFor('no table', async () => !(await nft('list', 'tables')).stdout.includes('pvc_networks'));
    await run('network', 'add', 'office');
    assert.deepEqual(await list('office'), []);
    await run('network', 'remove', 'office');
  });
});
