/** The muzzle by the real nft and kernel: a gateway, a guest and a router of the site, each in a network namespace. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../../test/fixtures/expect.ts';
import { muzzleLife, muzzleRules, muzzleTables } from './muzzle.ts';
import { muzzleCases } from './testing/cases.ts';

const isRoot = process.getuid?.() === 0;
const spaces = Object.fromEntries(
  ['node', 'guest', 'site'].map((name) => [name, `pvc-muzzle-${name}-${process.pid}`]),
) as Record<'node' | 'guest' | 'site', string>;

const inSpace = (space: keyof typeof spaces, ...argv: string[]) =>
  spawnSync('ip', ['netns', 'exec', spaces[space], ...argv], { encoding: 'utf8' });
const must = (space: keyof typeof spaces, line: string): void => {
  const { status, stderr } = inSpace(space, ...line.split(' '));
  assert.equal(status, 0, `${line}: ${stderr}`);
};
const load = (input: string): void => {
  const { status, stderr } = spawnSync('ip', ['netns', 'exec', spaces.node, 'nft', '--file', '-'], {
    input,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
};
const rules = muzzleRules({
  addresses: [
    { device: 'pvcn100', address: '10.20.0.1/24' },
    { device: 'pvcn100', address: 'fd20::1/64' },
    { device: 'pvcn100', address: 'fe80::1/64' },
  ],
  routers: ['10.10.2.1'],
});
const succeeds = (space: keyof typeof spaces, ...argv: string[]): Promise<boolean> =>
  new Promise((resolve) =>
    execFile('ip', ['netns', 'exec', spaces[space], ...argv], (error) => resolve(error === null)),
  );
const pings = (space: keyof typeof spaces, address: string): Promise<boolean> =>
  succeeds(space, 'ping', '-n', '-c', '1', '-W', '1', address);

describe('the muzzle of gateways, by the real nft', () => {
  for (const [name, input] of Object.entries(muzzleCases))
    it(`of ${name.replaceAll('-', ' ')}`, () => {
      const text = `${muzzleRules(input)}${muzzleLife(2_500)}`;
      const { status, stderr } = spawnSync('unshare', ['--net', 'nft', '--check', '--file', '-'], {
        input: text,
        encoding: 'utf8',
      });
      assert.equal(status === 0 ? '' : stderr, '');
    });
});

describe('a gateway with a muzzle', { skip: isRoot ? false : 'needs root for network namespaces' }, () => {
  const server = { end: (): void => {} };
  before(() => {
    for (const space of Object.values(spaces)) execFileSync('ip', ['netns', 'add', space]);
    for (const line of [
      'ip link set lo up',
      'ip link add pvcn100 type bridge',
      `ip link add pvtguest type veth peer name eth0 netns ${spaces.guest}`,
      `ip link add uplink type veth peer name eth0 netns ${spaces.site}`,
      'ip link set pvtguest master pvcn100',
      'ip address add 10.20.0.1/24 dev pvcn100',
      'ip address add fd20::1/64 dev pvcn100 nodad',
      'ip address add fe80::1/64 dev pvcn100 nodad',
      'ip address add 10.10.2.11/24 dev uplink',
      'ip link set pvcn100 up',
      'ip link set pvtguest up',
      'ip link set uplink up',
      'sysctl -qw net.ipv4.ip_forward=1',
    ])
      must('node', line);
    for (const [space, lines] of [
      ['guest', ['10.20.0.5/24 dev eth0', 'fd20::5/64 dev eth0 nodad']],
      ['site', ['10.10.2.1/24 dev eth0']],
    ] as const) {
      for (const line of lines) must(space, `ip address add ${line}`);
      must(space, 'ip link set eth0 up');
    }
    must('guest', 'ip route add default via 10.20.0.1');
    must('site', 'ip route add 10.20.0.0/24 via 10.10.2.11');
    const child = spawn('ip', ['netns', 'exec', spaces.site, 'socat', 'TCP-LISTEN:179,fork,reuseaddr', 'PIPE'], {
      stdio: 'ignore',
    });
    server.end = () => void child.kill();
  });
  after(() => {
    server.end();
    for (const space of Object.values(spaces)) spawnSync('ip', ['netns', 'del', space]);
  });

  /** What is heard of the gateway, each by itself. */
  const heard = async (): Promise<string[]> => {
    inSpace('guest', 'ip', 'neigh', 'flush', 'all');
    const found = await Promise.all([
      succeeds('guest', 'arping', '-c', '1', '-w', '1', '-I', 'eth0', '10.20.0.1'),
      pings('guest', '10.20.0.1'),
      pings('guest', 'fd20::1'),
      pings('guest', 'fe80::1%eth0'),
      pings('guest', '10.10.2.1'),
      pings('site', '10.20.0.1'),
      succeeds('node', 'socat', '-u', 'OPEN:/dev/null', 'TCP:10.10.2.1:179,connect-timeout=1'),
    ]);
    return all.filter((_, index) => found[index]);
  };
  const all = ['ARP', 'IPv4', 'IPv6', 'link', 'outside', 'from outside', 'BGP'];
  const life = 30_000;
  const isOver = (): boolean => {
    const { stdout } = inSpace('node', 'nft', 'list', 'set', 'inet', 'pvc_gateways', 'alive');
    assert.match(stdout, /set alive/);
    return !stdout.includes('elements');
  };

  it('is heard while it is renewed, and silent in every way when it is not', async () => {
    await eventually('the links to be up', async () => (await heard()).join() === all.join());
    load(`${rules}${muzzleLife(life)}`);
    assert.deepEqual(await heard(), all);
    load(muzzleLife(700));
    await eventually('its life to be over', isOver);
    assert.deepEqual(await heard(), []);
    assert.ok(await pings('node', '10.20.0.1'), 'the node itself has it still');
    assert.ok(await pings('site', '10.10.2.11'), 'and goes on with all else');
    load(muzzleLife(life));
    assert.deepEqual(await heard(), all);
  });

  it('is renewed for the time that is told, whatever was left', async () => {
    load(muzzleLife(life));
    load(muzzleLife(300));
    await eventually('the shorter life to be over', isOver);
    load(muzzleLife(life));
    assert.equal(isOver(), false);
  });

  it('is silent from the start when it was never given a life, and all is as before without it', async () => {
    load(muzzleTables.map((table) => `delete table ${table}\n`).join(''));
    load(rules);
    assert.deepEqual(await heard(), []);
    load(muzzleTables.map((table) => `delete table ${table}\n`).join(''));
    assert.deepEqual(await heard(), all);
  });

  it('tells nobody of itself while it is silent, when the kernel is made to', () => {
    load(rules);
    must('node', 'sysctl -qw net.ipv4.conf.pvcn100.arp_notify=1');
    const [, mac] = /link\/ether (\S+)/.exec(inSpace('node', 'ip', 'link', 'show', 'pvcn100').stdout) ?? [];
    inSpace(
      'guest',
      'ip',
      'neigh',
      'replace',
      '10.20.0.1',
      'lladdr',
      '02:00:00:00:00:99',
      'dev',
      'eth0',
      'nud',
      'stale',
    );
    must('node', `ip link set dev pvcn100 address ${mac}`);
    assert.match(inSpace('guest', 'ip', 'neigh', 'show', '10.20.0.1').stdout, /02:00:00:00:00:99/);
    load(muzzleLife(life));
    must('node', `ip link set dev pvcn100 address ${mac}`);
    assert.match(inSpace('guest', 'ip', 'neigh', 'show', '10.20.0.1').stdout, new RegExp(mac ?? 'no MAC address'));
  });
});
