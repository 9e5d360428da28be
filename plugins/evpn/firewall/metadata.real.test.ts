/** The way to the metadata service by the real nft and kernel: a node, guests of two networks, what is behind one, and the site. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../../test/fixtures/expect.ts';
import { replacing, ruleset } from './ruleset.ts';
import { lab, office } from './testing/cases.ts';

const isRoot = process.getuid?.() === 0;
const spaces = Object.fromEntries(
  ['node', 'one', 'inner', 'two', 'site'].map((name) => [name, `pvc-md-${name}-${process.pid}`]),
) as Record<'node' | 'one' | 'inner' | 'two' | 'site', string>;
type Space = keyof typeof spaces;
const [four, six] = ['169.254.169.254', '[fd00:ec2::254]'];
const doors: ChildProcess[] = [];

const inSpace = (space: Space, argv: readonly string[], input = '') =>
  spawnSync('ip', ['netns', 'exec', spaces[space], ...argv], { encoding: 'utf8', input });
const must = (space: Space, line: string): void => {
  const { status, stderr } = inSpace(space, line.split(' '));
  assert.equal(status, 0, `${line}: ${stderr}`);
};
function load(ports: { readonly one?: number; readonly two?: number }): void {
  const networks = [
    { ...office, metadataPort: ports.one },
    { ...lab, metadataPort: ports.two },
  ];
  const { status, stderr } = inSpace('node', ['nft', '--file', '-'], replacing(ruleset({ networks, entries: [] })));
  assert.equal(status, 0, stderr);
}
/** Whoever listens says this and from where it was asked. */
function listen(space: Space, port: number, name: string): void {
  const line = [`TCP6-LISTEN:${port},ipv6only=0,fork,reuseaddr`, `SYSTEM:echo ${name} $SOCAT_PEERADDR`];
  doors.push(spawn('ip', ['netns', 'exec', spaces[space], 'socat', ...line], { stdio: 'ignore' }));
}
/** What somebody says who takes the connection; empty: nobody does. */
const ask = (space: Space, address: string, port = 80, more = ''): Promise<string> =>
  new Promise((resolve) => {
    const to = `TCP:${address}:${port},connect-timeout=1${more}`;
    execFile('ip', ['netns', 'exec', spaces[space], 'socat', '-T', '5', '-u', to, '-'], (_error, stdout) =>
      resolve(stdout.trim().replace('[0000:0000:0000:0000:0000:ffff:0a14:0005]', '10.20.0.5')),
    );
  });

describe('the way to the metadata service', { skip: isRoot ? false : 'needs root for network namespaces' }, () => {
  before(async () => {
    for (const space of Object.values(spaces)) {
      execFileSync('ip', ['netns', 'add', space]);
      execFileSync('ip', ['-n', space, 'link', 'set', 'lo', 'up']);
    }
    for (const line of [
      ...['100', '200'].map((vni) => `ip link add pvcn${vni} type bridge`),
      `ip link add pvtone type veth peer name eth0 netns ${spaces.one}`,
      `ip link add pvttwo type veth peer name eth0 netns ${spaces.two}`,
      `ip link add uplink type veth peer name eth0 netns ${spaces.site}`,
      'ip link set pvtone master pvcn100',
      'ip link set pvttwo master pvcn200',
      'ip address add 10.20.0.1/24 dev pvcn100',
      'ip address add 10.21.255.254/16 dev pvcn200',
      'ip address add fd21::1/64 dev pvcn200 nodad',
      'ip address add 10.10.2.11/24 dev uplink',
      ...['pvcn100', 'pvcn200', 'pvtone', 'pvttwo', 'uplink'].map((link) => `ip link set ${link} up`),
      'ip route add default via 10.10.2.1',
      'sysctl -qw net.ipv4.ip_forward=1',
    ])
      must('node', line);
    for (const [space, lines] of [
      ['one', ['ip address add 10.20.0.5/24 dev eth0', 'ip link set eth0 up', 'ip route add default via 10.20.0.1']],
      [
        'two',
        [
          'ip address add 10.21.0.5/16 dev eth0',
          'ip address add 10.20.0.5/32 dev eth0',
          'ip address add fd21::5/64 dev eth0 nodad',
          'ip link set eth0 up',
          'ip route add default via 10.21.255.254',
          'ip route add default via fd21::1',
        ],
      ],
      // Somebody outside who would like to be asked.
      [
        'site',
        [
          'ip address add 10.10.2.1/24 dev eth0',
          `ip address add ${four}/32 dev eth0`,
          'ip link set eth0 up',
          'ip route add 10.20.0.0/15 via 10.10.2.11',
        ],
      ],
    ] as const)
      for (const line of lines) must(space, line);
    // What runs behind a guest and shares its network, as containers do.
    for (const line of [
      `ip link add veth type veth peer name eth0 netns ${spaces.inner}`,
      'ip link set veth up',
      'ip route add 10.20.0.99/32 dev veth',
      'ip neigh add proxy 10.20.0.99 dev eth0',
      'sysctl -qw net.ipv4.ip_forward=1',
      'sysctl -qw net.ipv4.conf.veth.proxy_arp=1',
    ])
      must('one', line);
    for (const line of [
      'ip address add 10.20.0.99/24 dev eth0',
      'ip link set eth0 up',
      'ip route add default via 10.20.0.1',
    ])
      must('inner', line);
    listen('node', 20_100, 'one');
    listen('node', 20_200, 'two');
    listen('node', 80, 'node');
    listen('site', 80, 'site');
    await eventually('those who listen', async () => (await ask('site', '127.0.0.1')).startsWith('site'));
  });
  after(() => {
    for (const door of doors) door.kill();
    for (const space of Object.values(spaces)) spawnSync('ip', ['netns', 'del', space]);
  });

  it('leads each network to its own door, and tells it who asks', async () => {
    load({ one: 20_100, two: 20_200 });
    await eventually('the first answer', async () => (await ask('one', four)) === 'one 10.20.0.5');
    assert.match(await ask('two', four), /^two \[.*:0a15:0005\]$/);
    await eventually('an answer by IPv6', async () => /^two \[fd21:.*:0005\]$/.test(await ask('two', six)));
  });

  it('leads nobody there under an address of another network', async () => {
    assert.equal(await ask('two', four, 80, ',bind=10.20.0.5'), '');
  });

  it('is the only one: no door is open to whoever knows its port', async () => {
    for (const port of [20_100, 20_200]) {
      assert.equal(await ask('one', '10.20.0.1', port), '');
      assert.equal(await ask('site', '10.10.2.11', port), '');
      assert.equal(await ask('node', '127.0.0.1', port), '');
    }
    assert.match(await ask('one', '10.20.0.1'), /^node /, 'the gateway itself is another');
  });

  it('ends at the guest: what is behind it is not told', async () => {
    // It reaches the node as any other.
    await eventually('an answer of the gateway', async () => (await ask('inner', '10.20.0.1')).startsWith('node '));
    assert.equal(await ask('inner', four), '');
  });

  it('leads nowhere without a door, and never outside', async () => {
    load({ one: 20_100 });
    assert.equal(await ask('two', four), '');
    assert.match(await ask('two', '10.10.2.1'), /^site /, 'all else goes on');
    assert.equal(await ask('one', four), 'one 10.20.0.5');
  });
});
