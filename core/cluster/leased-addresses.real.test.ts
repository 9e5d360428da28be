/** Leased addresses on real links, in a network of the test's own; the floating address as one of them. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/fixtures/expect.ts';
import type { Host } from '../host/host.ts';
import { createLinuxHost } from '../host/linux.ts';
import { readBatchErrors } from './address-keeper.ts';
import { deviceOf, placeOfFloating } from './floating-address.ts';
import { dropLeftovers, LeasedAddresses, recordOf } from './leased-addresses.ts';

const isRoot = process.getuid?.() === 0;
const namespace = `pvc-floating-${process.pid}`;
const floating = '192.0.2.10';

describe('leased addresses', { skip: isRoot ? false : 'needs root for a network namespace' }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'pvc-floating-'));
  const record = recordOf(directory, 'floating');
  const real = createLinuxHost({ destination: () => {} });
  /** Every command is run in the namespace. */
  const host: Host = {
    ...real,
    processes: {
      ...real.processes,
      exec: ([name, ...args], options) =>
        real.processes.exec(['ip', 'netns', 'exec', namespace, name, ...args], options),
    },
  };
  let leaseUntilMs = 0;
  const announced: string[] = [];
  const troubles: (string | undefined)[] = [];
  /** Those of the case that runs: each keeps its addresses, and this process with them, until it is told to drop them. */
  const made: LeasedAddresses[] = [];
  const leased = (options: ConstructorParameters<typeof LeasedAddresses>[1]): LeasedAddresses => {
    const one = new LeasedAddresses(host, options);
    made.push(one);
    return one;
  };
  const address = () =>
    leased({
      wanted: () => placeOfFloating(host, { floating, own: '192.0.2.11' }),
      announce: async (news) => void announced.push(...news.map((one) => one.address)),
      leaseUntilMs: () => leaseUntilMs,
      record,
      trouble: (reason) => troubles.push(reason),
    });
  const lease = (ms: number): void => {
    leaseUntilMs = real.clock.monotonicMs() + ms;
  };
  const isSet = (): boolean =>
    execFileSync('ip', ['-n', namespace, '-o', 'addr', 'show', 'to', floating]).toString().includes(floating);

  before(() => {
    execFileSync('ip', ['netns', 'add', namespace]);
    for (const line of [
      'link add link1 type veth peer name link2',
      'addr add 192.0.2.11/24 dev link1',
      'link set link1 up',
      'link set link2 up',
    ])
      execFileSync('ip', ['-n', namespace, ...line.split(' ')]);
  });
  // Also of a case that has failed: each is told, whether or not another can.
  afterEach(async () => {
    for (const end of await Promise.allSettled(made.splice(0).map((one) => one.drop())))
      if (end.status === 'rejected') throw end.reason;
  });
  after(() => {
    execFileSync('ip', ['netns', 'del', namespace]);
    rmSync(directory, { recursive: true });
  });

  it('is set on the link of the own address, renewed with the lease, and dropped', async () => {
    const one = address();
    lease(4_500);
    await one.take();
    assert.ok(isSet());
    for (let n = 0; n < 5; n += 1) {
      await delay(1_000);
      lease(4_500);
      assert.ok(isSet(), 'it is renewed');
    }
    assert.deepEqual(announced, Array(3).fill(`${floating}/32`));
    await one.drop();
    assert.equal(isSet(), false);
    await one.drop();
  });

  it('is taken by the kernel when the lease is not renewed, before it ends', async () => {
    const one = address();
    lease(4_500);
    await one.take();
    const endMs = leaseUntilMs;
    await eventually('the kernel has taken it', () => !isSet());
    assert.ok(real.clock.monotonicMs() <= endMs + 200, 'not later than the lease');
    lease(4_500);
    await eventually('it is set again with the next lease', isSet);
    await one.drop();
  });

  it('is not set with a lease that is as good as over', async () => {
    const one = address();
    lease(1_500);
    await one.take();
    assert.equal(isSet(), false);
    await one.drop();
  });

  it('is taken off by the next life of a daemon that was killed', async () => {
    const dead = address();
    lease(4_500);
    await dead.take();
    await dropLeftovers(host, directory);
    assert.equal(isSet(), false);
    await dropLeftovers(host, directory);
    lease(0);
    await dead.drop();
  });

  it('tells when its link has gone, and comes back with it', async () => {
    const one = address();
    execFileSync('ip', ['-n', namespace, 'addr', 'del', '192.0.2.11/24', 'dev', 'link1']);
    lease(30_000);
    await one.take();
    assert.match(troubles.at(-1) ?? '', /no link has 192\.0\.2\.11/);
    execFileSync('ip', ['-n', namespace, 'addr', 'add', '192.0.2.11/24', 'dev', 'link1']);
    await eventually('it is set', isSet);
    await eventually('the trouble is over', () => troubles.at(-1) === undefined);
    await one.drop();
  });

  it('is one of many, of which each is set, changed and taken off by itself', async () => {
    const on = (device: string, ...addresses: string[]) => addresses.map((one) => ({ device, address: one }));
    const shown = () =>
      execFileSync('ip', ['-n', namespace, '-o', 'addr', 'show', 'scope', 'global'])
        .toString()
        .split('\n')
        .flatMap((line) => /^\d+: (\S+) +inet6? (\S+)/.exec(line)?.slice(1).join(' ') ?? [])
        .toSorted();
    const own = ['link1 192.0.2.11/24'];
    let wanted = [...on('link2', '10.20.0.1/24', 'fd20::1/64'), ...on('away', '10.21.0.1/24')];
    const told: string[] = [];
    const many = leased({
      wanted: async () => wanted,
      announce: async (news) => void told.push(...news.map((one) => one.address)),
      leaseUntilMs: () => leaseUntilMs,
      record: recordOf(directory, 'many'),
      trouble: (reason) => troubles.push(reason),
    });
    await many.refresh();
    assert.deepEqual(shown(), own, 'nothing before they are taken');
    lease(30_000);
    await many.take();
    assert.deepEqual(shown(), [...own, 'link2 10.20.0.1/24', 'link2 fd20::1/64']);
    assert.deepEqual(many.held, on('link2', '10.20.0.1/24', 'fd20::1/64'));
    assert.equal(troubles.at(-1), undefined, 'a device that is away is no trouble');
    assert.deepEqual(told, ['10.20.0.1/24', 'fd20::1/64']);
    wanted = [...on('link2', '10.20.0.9/24', 'fd20::1/64'), ...on('link1', 'fe80::1/64')];
    await many.refresh();
    assert.deepEqual(shown(), [...own, 'link2 10.20.0.9/24', 'link2 fd20::1/64']);
    execFileSync('ip', ['-n', namespace, 'addr', 'del', '10.20.0.9/24', 'dev', 'link2']);
    await eventually('what somebody took off is there again', () => shown().includes('link2 10.20.0.9/24'));
    execFileSync('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv6.conf.link2.disable_ipv6=1']);
    await eventually('a reason is told', () => /disabled|denied/i.test(troubles.at(-1) ?? ''));
    assert.ok(shown().includes('link2 10.20.0.9/24'), 'the others stay');
    await many.drop();
    assert.deepEqual(shown(), own);
    await many.drop();
  });

  describe('with a muzzle', () => {
    const table = 'inet pvc_test';
    const path = recordOf(directory, 'muzzled');
    const world = {
      wanted: [{ device: 'link2', address: '10.30.0.1/24' }],
      rules: `table ${table} {\nset alive {\ntype nf_proto\nflags timeout\n}\n}\n`,
    };
    const other = { device: 'link2', address: 'fd30::1/64' };
    const heard: (string | undefined)[] = [];
    const muzzled = () =>
      leased({
        wanted: async () => world.wanted,
        announce: async () => {},
        leaseUntilMs: () => leaseUntilMs,
        record: path,
        trouble: (reason) => heard.push(reason),
        muzzle: {
          tables: [table],
          rules: (addresses) => `${world.rules}# ${addresses.map((one) => one.address).join(' ')}\n`,
          life: (ms) => `flush set ${table} alive\nadd element ${table} alive { ipv4 timeout ${Math.floor(ms)}ms }\n`,
        },
      });
    const ip = (...args: string[]): string => execFileSync('ip', ['-n', namespace, ...args]).toString();
    const nft = (...args: string[]): string =>
      execFileSync('ip', ['netns', 'exec', namespace, 'nft', ...args]).toString();
    const has = (address: string): boolean => ip('-o', 'address', 'show', 'to', address).includes(address);
    const isOpen = (): boolean => nft('list', 'set', ...table.split(' '), 'alive').includes('elements');
    const isThere = (): boolean => nft('list', 'tables').includes(table);

    before(() =>
      execFileSync('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv6.conf.link2.disable_ipv6=0']),
    );

    it('are set for good, and their muzzle in place of them is renewed and runs out with the lease', async () => {
      const one = muzzled();
      lease(4_500);
      await one.take();
      assert.ok(has('10.30.0.1'));
      assert.match(ip('address', 'show', 'to', '10.30.0.1'), /valid_lft forever/);
      for (let n = 0; n < 3; n += 1) {
        await delay(1_000);
        lease(4_500);
        assert.ok(isOpen(), 'it is renewed');
      }
      const endMs = leaseUntilMs;
      await eventually('the muzzle is without life', () => !isOpen());
      assert.ok(real.clock.monotonicMs() <= endMs + 200, 'not later than the lease');
      assert.ok(has('10.30.0.1'), 'the address stays');
      lease(30_000);
      await eventually('it is renewed with the next lease', isOpen);
      await one.drop();
      assert.deepEqual([has('10.30.0.1'), isThere()], [false, false]);
      await one.drop();
    });

    it('are not told to the kernel again, but when one is new, changed or lost', async (t) => {
      const one = muzzled();
      lease(30_000);
      await one.take();
      const watch = spawn('ip', ['netns', 'exec', namespace, 'ip', '-o', 'monitor', 'address'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      t.after(() => watch.kill());
      let told = '';
      watch.stdout.on('data', (piece) => (told += piece));
      await delay(3_500);
      assert.equal(told, '');
      world.wanted = [...world.wanted, other];
      await one.refresh();
      assert.ok(has('fd30::1'));
      await eventually('it to be told', () => told.includes('fd30::1'));
      assert.doesNotMatch(told, /10\.30\.0\.1/);
      world.wanted = [other];
      await one.refresh();
      assert.ok(!has('10.30.0.1'));
      ip('address', 'del', 'fd30::1/64', 'dev', 'link2');
      await eventually('what somebody took off is there again', () => has('fd30::1'));
      world.wanted = [];
      await one.refresh();
      assert.deepEqual([has('fd30::1'), isThere(), one.held], [false, false, []]);
      await one.drop();
      world.wanted = [{ device: 'link2', address: '10.30.0.1/24' }];
    });

    it('get their muzzle back when somebody takes it away, and are taken off while there can be none', async () => {
      const one = muzzled();
      lease(60_000);
      await one.take();
      nft('delete', 'table', ...table.split(' '));
      await eventually('the tables are there again', () => isThere() && isOpen());
      assert.ok(has('10.30.0.1'));
      const { rules } = world;
      world.rules = 'nonsense\n';
      await one.refresh();
      assert.equal(has('10.30.0.1'), false);
      assert.match(heard.at(-1) ?? '', /^nft: .*syntax error/);
      world.rules = rules;
      await eventually('they are set again', () => has('10.30.0.1') && heard.at(-1) === undefined);
      await one.drop();
    });

    it('are taken off, and the muzzle then, by the next life of a daemon that was killed', async () => {
      const dead = muzzled();
      lease(4_500);
      await dead.take();
      await dropLeftovers(host, directory);
      assert.deepEqual([has('10.30.0.1'), isThere()], [false, false]);
      lease(0);
      await dead.drop();
    });

    it('are not set with a lease that is as good as over', async () => {
      const one = muzzled();
      lease(1_500);
      await one.take();
      assert.equal(has('10.30.0.1'), false);
      await one.drop();
    });

    it('leave no record, and that of an earlier version is read', async () => {
      assert.deepEqual(await real.files.list(directory), []);
      ip('address', 'add', '10.30.0.7/24', 'dev', 'link2');
      await real.files.writeAtomic(path, JSON.stringify([{ device: 'link2', address: '10.30.0.7/24' }]), 0o600);
      await dropLeftovers(host, directory);
      assert.equal(has('10.30.0.7'), false);
    });
  });

  it('of which some fail is told apart by place', () => {
    const missing = 'Cannot find device "x"\nCommand failed -:2\n';
    assert.deepEqual(readBatchErrors(missing), { failed: new Set([1]), reason: undefined });
    assert.deepEqual(readBatchErrors(`${missing}Error: no.\nCommand failed -:3\n`), {
      failed: new Set([1, 2]),
      reason: 'Error: no.',
    });
    assert.deepEqual(readBatchErrors(''), { failed: 'all', reason: 'ip: no reason given' });
  });

  it('is looked for by its whole text', () => {
    const links = [
      { ifname: 'a', addr_info: [{ local: '10.0.0.1' }] },
      { ifname: 'b', addr_info: [{ local: '10.0.0.11' }] },
    ];
    assert.equal(deviceOf(links, '10.0.0.1'), 'a');
    assert.equal(deviceOf(links, '10.0.0.2'), undefined);
  });
});
