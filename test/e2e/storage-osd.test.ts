/** The life of disks of the storage against a real Ceph: added, moved, replaced, removed; killed in the middle of each. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { daemonPid, nodeProcesses } from './node-process.ts';
import { suiteLab } from './test-lab.ts';

const first = '/var/lib/pvc-osd0';
const spare = '/var/lib/pvc-osd1';

describe('the disks of the storage', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  const storage = (...args: string[]) => lab().pvc('hv2', ['storage', ...args]);
  const run = async (...args: string[]) => (await storage(...args)).ok();
  const list = () => lab().ask('hv2', 'osd.list', {});
  const onDevice = async (node: string, path: string) => {
    const found = (await list()).find((one) => one.node === node && one.path === path);
    assert.ok(found, `no OSD on ${path} of ${node}`);
    return found;
  };
  const well = () =>
    lab().waitFor(
      'the storage to be well',
      async () => {
        const { health } = await lab().ask('hv2', 'storage.status', {});
        if (health !== 'ok') return false;
        if (!(await list()).every((one) => one.up === true && one.daemon === 'running')) return false;
        return /^(\d+) pgs: \1 active\+clean;/.test((await ceph(['pg', 'stat'])).trim());
      },
      { timeoutMs: 120_000 },
    );
  const ceph = async (args: readonly string[]): Promise<string> => (await lab().exec('hv2', ['ceph', ...args])).stdout;

  /** What there is, on disks and in Ceph, of OSDs: compared before and after. */
  async function everything(): Promise<unknown> {
    const nodes = await Promise.all(
      lab().nodes.map(async (node) => {
        const paths = 'cd /var/lib; ls -d pvc-osd* ceph/osd/* 2>/dev/null || true';
        const files = (await lab().exec(node, ['sh', '-c', paths])).stdout.trim().split('\n').toSorted();
        const daemons = await nodeProcesses(lab(), node, (words) => words[0]?.endsWith('/ceph-osd') === true);
        const ids = daemons.map(({ words }) => words[words.indexOf('--id') + 1]).toSorted();
        return { node, files, ids };
      }),
    );
    const tree = JSON.parse(await ceph(['osd', 'tree', '--format', 'json'])) as {
      nodes: { name: string; status?: string; reweight?: number }[];
      stray: unknown[];
    };
    const keys = (await ceph(['auth', 'ls'])).split('\n').filter((line) => line.startsWith('osd.'));
    return {
      nodes,
      tree: tree.nodes.map(({ name, status, reweight }) => [name, status, reweight].join(' ')).toSorted(),
      stray: tree.stray,
      keys: keys.toSorted(),
      documents: (await list()).map(({ osd, node, path }) => [osd, node, path]),
    };
  }

  const taskOf = async (action: string) =>
    (await lab().ask('hv2', 'task.list', { action, limit: 1 }))[0] ?? assert.fail(`no task ${action}`);

  /** Starts a task, kills the daemon of its node once in each of these phases, and lets its last life end the task. */
  async function killedIn(
    t: TestContext,
    phases: readonly string[],
    action: string,
    args: readonly string[],
  ): Promise<void> {
    const earlier = (await lab().ask('hv2', 'task.list', { action, limit: 1 }))[0]?.id;
    await run(...args, '--yes', '--no-wait');
    for (const phase of phases) {
      const hit = await lab().waitFor(
        `${action} to come to "${phase}"`,
        async () => {
          const now = await taskOf(action);
          return now.id !== earlier && (now.phase === phase || now.endedMs !== undefined) && now;
        },
        { timeoutMs: 120_000, everyMs: 20 },
      );
      assert.equal(hit.phase, phase, `${action} ended before "${phase}" was seen: ${JSON.stringify(hit)}`);
      await lab().daemon('hv1', 'kill');
    }
    const ended = await lab().waitFor(
      `${action} to end`,
      async () => {
        const now = await taskOf(action);
        return now.endedMs !== undefined && now;
      },
      { timeoutMs: 240_000 },
    );
    t.diagnostic(`${action} killed in ${phases.join(', ')}: ${ended.state} after ${ended.attempts} lives`);
    assert.deepEqual([ended.state, ended.error], ['succeeded', undefined]);
    assert.equal(ended.attempts, phases.length + 1);
  }

  it('come from files, three that are needed and one to spare', async () => {
    await run('init', '--network', '10.10.1.0/24');
    await Promise.all(lab().nodes.map((node) => run('osd', 'add', node, first, '--size', '4G', '--yes')));
    await run('osd', 'add', 'hv1', spare, '--size', '4G', '--yes');
    await run('pool', 'add', 'vms');
    await run('volume', 'add', 'vms/data', '64M');
    await lab().exec('hv1', ['rbd', 'bench', '--io-type', 'write', '--io-total', '48M', '--io-size', '1M', 'vms/data']);
    await well();
  });

  it('that are needed are not removed', async () => {
    const { osd } = await onDevice('hv3', first);
    const before = await everything();
    const refused = await storage('osd', 'remove', String(osd), '--yes');
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(
      refused.stderr,
      /the pool vms keeps 3 replicas on different hosts, and only 2 hosts with disks would be/,
    );
    const planned = (await storage('osd', 'remove', String(osd), '--force', '--plan')).ok();
    assert.match(planned.stdout, /Data is at risk: the pool vms keeps 3 replicas/);
    assert.match(planned.stdout, /does not move away first/);
    assert.deepEqual(await everything(), before);
  });

  it('are in and out, checked, changed, and flagged', async () => {
    const { osd } = await onDevice('hv1', spare);
    const id = String(osd);
    await run('osd', 'out', id);
    assert.equal((await onDevice('hv1', spare)).in, false);
    await run('osd', 'in', id);
    await run('osd', 'scrub', id, '--deep');
    await run('osd', 'modify', id, '--class', 'ssd', '--weight', '0.005');
    const changed = await onDevice('hv1', spare);
    assert.deepEqual([changed.in, changed.class, changed.weight?.toFixed(3)], [true, 'ssd', '0.005']);
    await run('osd', 'modify', id, '--class', 'hdd', '--weight', '0.00389');
    await run('osd', 'set-flag', 'noout');
    const set = async () => (await lab().ask('hv3', 'osd.flags', {})).filter((one) => one.set).map((one) => one.flag);
    assert.deepEqual(await set(), ['noout']);
    await run('osd', 'unset-flag', 'noout');
    assert.deepEqual(await set(), []);
    const info = await lab().ask('hv3', 'osd.info', { osd: id });
    assert.deepEqual([info.up, info.version, info.unknown], [true, '16.2.15', null]);
    await well();
  });

  it('are put back when their removal is cancelled, also after the daemon was killed', async () => {
    const { osd } = await onDevice('hv1', spare);
    const before = await everything();
    const flags = ['nobackfill', 'norecover'];
    // Nothing can move away, so the task stands where it is.
    for (const flag of flags) await run('osd', 'set-flag', flag);
    try {
      const warned = (await storage('osd', 'remove', String(osd), '--plan')).ok();
      assert.match(warned.stdout, /No data moves while .*nobackfill.* is set/);
      await run('osd', 'remove', String(osd), '--yes', '--no-wait');
      await lab().waitFor('the OSD to be out', async () => (await onDevice('hv1', spare)).in === false);
      const again = await storage('osd', 'in', String(osd));
      assert.equal(again.code, 5, 'while a task works on an OSD no other begins');
      await lab().daemon('hv1', 'kill');
      await lab().waitFor('the task to go on', async () => (await taskOf('osd.remove')).attempts === 2);
      await lab().waitFor('what is left to be told', async () =>
        /moves its data to other disks: \d+ placement groups (?:with|are not whole)/.test(
          (await taskOf('osd.remove')).message,
        ),
      );
      (await lab().pvc('hv2', ['task', 'cancel', (await taskOf('osd.remove')).id])).ok();
      await lab().waitFor('the task to end', async () => (await taskOf('osd.remove')).state === 'cancelled');
    } finally {
      for (const flag of flags) await run('osd', 'unset-flag', flag);
    }
    await well();
    assert.deepEqual(await everything(), before);
  });

  // Removing and replacing share how data moves away and how an OSD is stopped: each phase is killed in one of them here,
  // every one of both in killed-tasks.test.ts.
  it('to spare are removed and added again, though the daemon dies again and again', async (t) => {
    await well();
    const before = await everything();
    const { osd } = await onDevice('hv1', spare);
    await killedIn(t, ['move', 'forget'], 'osd.remove', ['osd', 'remove', String(osd)]);
    const without = (await everything()) as { nodes: { files: string[]; ids: unknown[] }[]; tree: string[] };
    assert.deepEqual(
      without.nodes[0]?.files.filter((path) => path.startsWith('pvc-osd')),
      ['pvc-osd0'],
    );
    assert.equal(without.nodes[0]?.ids.length, 1);
    assert.ok(
      without.tree.every((line) => !line.startsWith(`osd.${osd} `)),
      without.tree.join('\n'),
    );
    await killedIn(t, ['make', 'serve'], 'osd.add', ['osd', 'add', 'hv1', spare, '--size', '4G']);
    await well();
    assert.deepEqual(await everything(), before);
  });

  it('are replaced under their number, though the daemon dies again and again', async (t) => {
    const { osd } = await onDevice('hv1', spare);
    const path = '/var/lib/pvc-osd2';
    const replace = ['osd', 'replace', String(osd), '--device', path, '--size', '5G'];
    await killedIn(t, ['stop', 'make', 'serve'], 'osd.replace', replace);
    await well();
    const now = await onDevice('hv1', path);
    assert.deepEqual([now.osd, now.in, now.totalBytes], [osd, true, 5 * 1024 ** 3]);
    const left = (await everything()) as { nodes: { files: string[] }[]; stray: unknown[] };
    const files = left.nodes[0]?.files.filter((one) => one.startsWith('pvc-osd'));
    assert.deepEqual([files, left.stray], [['pvc-osd0', 'pvc-osd2'], []]);
  });

  it('start again on a node that lost all but its disks', async () => {
    const { osd } = await onDevice('hv3', first);
    /** The epoch of the map in which Ceph let its present life in: until it misses a dead one, that is up. */
    const upFrom = async (): Promise<number | undefined> => {
      const { osds } = JSON.parse(await ceph(['osd', 'dump', '--format', 'json'])) as {
        osds: { osd: number; up: number; up_from: number }[];
      };
      return osds.find((one) => one.osd === osd && one.up === 1)?.up_from;
    };
    const before = (await upFrom()) ?? assert.fail('it is not up');
    await lab().daemon('hv3', 'stop');
    process.kill(await daemonPid(lab(), 'hv3', 'ceph-osd'), 'SIGKILL');
    await lab().exec('hv3', ['rm', '-rf', `/var/lib/ceph/osd/ceph-${osd}`]);
    await lab().daemon('hv3', 'start');
    await lab().waitFor('Ceph to let it in', async () => ((await upFrom()) ?? 0) > before, { timeoutMs: 120_000 });
    await well();
    await run('osd', 'refresh', 'hv3');
  });

  it('are not made of bad input, and nothing is changed by it', async () => {
    const before = await everything();
    const table = await lab().ask('hv1', 'device.list', { node: 'hv1' });
    const used = table.find((one) => one.reasons.some((reason) => reason.includes('mounted')));
    // An empty partition table, as of a disk that was used before.
    const table55aa =
      "truncate -s 6G /root/disk; printf '\\125\\252' | dd of=/root/disk bs=1 seek=510 conv=notrunc status=none";
    await lab().exec('hv1', ['sh', '-c', table55aa]);
    for (const [args, code, text] of [
      [['add', 'hv1', '/dev/nothing'], 3, /no device \/dev\/nothing/],
      [['add', 'hv1', '/var/lib/../x', '--size', '4G'], 2, /a device is an absolute path without/],
      [['add', 'hv1', 'detect:INTEL:480GB:0'], 3, /No disk is detect:INTEL:480GB:0: none has "INTEL"/],
      [['add', 'hv1', 'detect:INTEL'], 2, /3/],
      ...(used === undefined ? [] : [[['add', 'hv1', used.path], 4, /it is mounted on/] as const]),
      ...(used === undefined ? [] : [[['add', 'hv1', used.path, '--backing', 'raw'], 4, /it is mounted on/] as const]),
      [['add', 'hv1', '/root/disk'], 3, /no device \/root\/disk/],
      [['add', 'hv1', '/root/disk', '--size', '4G'], 4, /there is a file of that name/],
      [['add', 'hv1', '/var/lib/new', '--size', '0'], 2, /size/i],
      [['add', 'hv1', '/var/lib/new', '--size', '100M'], 2, /size/i],
      [['add', 'hv1', first, '--size', '4G'], 4, /it is osd\.\d already/],
      [['add', 'hv1', '/var/lib/new', '--size', '4G', '--per-device', '2'], 2, /need --backing lvm/],
      [['add', 'hv1', '/var/lib/new', '--backing', 'file'], 2, /a file needs --size/],
      [['add', 'hv9', '/var/lib/new', '--size', '4G'], 3, /no node hv9/],
      [['replace', '77', '--device', '/var/lib/new', '--size', '4G'], 3, /no osd 77/],
      [['remove', '77'], 3, /no osd 77/],
      [['in', '77'], 3, /no osd\.77/],
      [['modify', '0'], 2, /neither class nor weight/],
      [['set-flag', 'everything'], 2, /not one of/],
      [['db-group', 'create', 'hv1', '/dev/nothing'], 3, /no device/],
      [['db-group', 'create', 'hv1', '/dev/nothing', '--name', 'data'], 2, /osd-db/],
    ] as const) {
      const answer = await storage(
        'osd',
        ...args,
        ...(/^(add|replace|remove|db-group)$/.test(args[0]) ? ['--yes'] : []),
      );
      assert.equal(answer.code, code, `${args.join(' ')}: ${answer.code}\n${answer.stderr}`);
      assert.match(answer.stderr.replace(/\s+/g, ' '), text, args.join(' '));
    }
    assert.equal((await lab().exec('hv1', ['stat', '-c', '%s', '/root/disk'])).stdout.trim(), String(6 * 1024 ** 3));
    const signature = ['od', '--address-radix=n', '--format=x1', '--skip-bytes=510', '--read-bytes=2', '/root/disk'];
    assert.equal((await lab().exec('hv1', signature)).stdout.trim(), '55 aa');
    await lab().exec('hv1', ['rm', '/root/disk']);
    assert.deepEqual(await everything(), before);
  });

  it('are listed with unknown figures while Ceph does not answer', async () => {
    const monitors = await Promise.all(lab().nodes.map((node) => daemonPid(lab(), node, 'ceph-mon')));
    const known = await list();
    for (const pid of monitors) process.kill(pid, 'SIGSTOP');
    try {
      const rows = await list();
      assert.deepEqual(
        rows.map(({ osd, node, path, up, pgs }) => [osd, node, path, up, pgs]),
        known.map(({ osd, node, path }) => [osd, node, path, null, null]),
      );
      const info = await lab().ask('hv2', 'osd.info', { osd: String(rows[0]?.osd) });
      assert.match(info.unknown ?? '', /does not answer/);
      const refused = await storage('osd', 'remove', String(rows[0]?.osd), '--yes');
      assert.equal(refused.code, 7, refused.stderr);
    } finally {
      for (const pid of monitors) process.kill(pid, 'SIGCONT');
    }
    await well();
  });
});
