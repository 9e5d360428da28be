/** The floating address on a real link, in a network of the test's own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/fixtures/expect.ts';
import type { Host } from '../host/host.ts';
import { createLinuxHost } from '../host/linux.ts';
import { deviceOf, dropLeftover, FloatingAddress } from './floating-address.ts';

const isRoot = process.getuid?.() === 0;
const namespace = `pvc-floating-${process.pid}`;
const floating = '192.0.2.10';

describe('the floating address', { skip: isRoot ? false : 'needs root for a network namespace' }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'pvc-floating-'));
  const record = join(directory, 'floating.json');
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
  const troubles: (string | undefined)[] = [];
  const address = () =>
    new FloatingAddress(host, {
      floating,
      own: '192.0.2.11',
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
    await dropLeftover(host, record);
    assert.equal(isSet(), false);
    await dropLeftover(host, record);
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

  it('is looked for by its whole text', () => {
    const links = [
      { ifname: 'a', addr_info: [{ local: '10.0.0.1' }] },
      { ifname: 'b', addr_info: [{ local: '10.0.0.11' }] },
    ];
    assert.equal(deviceOf(links, '10.0.0.1'), 'a');
    assert.equal(deviceOf(links, '10.0.0.2'), undefined);
  });
});
