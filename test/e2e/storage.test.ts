/** Storage from blank nodes to a guest's disk: Ceph on three nodes, made and mended by `pvc` alone. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { guestDirectory } from '../lab/boot-script.ts';
import { daemonPid } from './node-process.ts';
import { suiteLab } from './test-lab.ts';

const device = '/var/lib/pvc-osd0';

describe('storage of three nodes', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  const run = async (...args: string[]) => (await lab().pvc('hv1', args)).ok();

  it('comes from blank nodes to health by commands of pvc alone', async (t: TestContext) => {
    const beganMs = performance.now();
    const none = await lab().pvc('hv2', ['storage', 'status']);
    assert.match(none.stderr, /no storage yet.*pvc storage init/s);
    for (const [args, code, text] of [
      [['--network', '10.9.9.0/24'], 4, /no address in the storage network 10\.9\.9\.0\/24: hv1, hv2, hv3/],
      [['--network', '10.10.1.0/33'], 2, /a network is written like/],
      [['--network', '10.10.1.0/24', '--first', 'hv9'], 3, /hv9/],
    ] as const) {
      const refused = await lab().pvc('hv1', ['storage', 'init', ...args]);
      assert.equal(refused.code, code, refused.stderr);
      assert.match(refused.stderr, text);
    }
    assert.equal((await lab().pvc('hv1', ['storage', 'status'])).code, 4, 'what was refused has made something');
    // Not the primary: that learns of the first monitor from what the node tells.
    assert.equal(await lab().primary('hv1'), 'hv1');
    await run('storage', 'init', '--network', '10.10.1.0/24', '--first', 'hv2');
    await Promise.all(lab().nodes.map((node) => run('storage', 'osd', 'add', node, device, '--size', '4G', '--yes')));
    await run('storage', 'pool', 'add', 'vms');
    await lab().waitFor(
      'the storage to be well',
      async () => {
        const status = await lab().ask('hv3', 'storage.status', {});
        return (
          status.health === 'ok' && status.osds.up === 3 && status.monitors.filter((one) => one.quorum).length === 3
        );
      },
      { timeoutMs: 120_000 },
    );
    t.diagnostic(`from blank nodes to HEALTH_OK with a pool: ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
    const osds = await lab().ask('hv2', 'osd.list', {});
    assert.deepEqual(osds.map((one) => [one.node, one.up, one.in, one.path]).toSorted(), [
      ['hv1', true, true, device],
      ['hv2', true, true, device],
      ['hv3', true, true, device],
    ]);
    // No key in an argument, in the log or in what anybody is shown.
    const keys = (await lab().exec('hv1', ['sh', '-c', 'grep -h key /etc/ceph/*.keyring'])).stdout;
    for (const [, key] of keys.matchAll(/key = (\S+)/g)) {
      const leaks = await lab().exec('hv1', ['grep', '-rl', '--', key ?? '', '/var/log'], { accept: 'any' });
      assert.equal(leaks.stdout, '');
    }
  });

  it('gives a guest a disk that moves with it, and is not taken away from it', async () => {
    const size = Number((await lab().exec('hv1', ['stat', '-c', '%s', `${guestDirectory}/disk.img`])).stdout);
    await run('storage', 'volume', 'add', 'vms/web1', String(size));
    await lab().exec('hv1', [
      ...['qemu-img', 'convert', '-n', '-f', 'raw', '-O', 'raw', `${guestDirectory}/disk.img`, 'rbd:vms/web1'],
    ]);
    const create = ['vm', 'create', 'web1', '--memory', '160', '--graphics', 'none', '--node', 'hv1', '--start'];
    await run(...create, '--disk', 'volume=vms/web1');
    const { uuid } = await lab().ask('hv1', 'vm.info', { vm: 'web1' });
    const counts = async (node: string): Promise<number> => {
      const text = (await lab().exec(node, ['cat', `/var/log/pvc/console/${uuid}.log`], { accept: 'any' })).stdout;
      return Number([...text.matchAll(/pvc-guest counter (\d+)\r?\n/g)].at(-1)?.[1] ?? 0);
    };
    await lab().waitFor('web1 to boot from its volume', async () => (await counts('hv1')) > 2, { timeoutMs: 90_000 });
    const before = await counts('hv1');
    await run('vm', 'move', 'web1', '--node', 'hv3');
    await lab().waitFor('web1 to count on', async () => (await counts('hv3')) > before);

    const refused = await lab().pvc('hv2', ['storage', 'volume', 'remove', 'vms/web1', '--yes']);
    assert.deepEqual([refused.code, /in use: vm web1/.test(refused.stderr)], [4, true]);
    const second = await lab().pvc('hv2', ['vm', 'create', 'web2', '--disk', 'volume=vms/web1']);
    assert.notEqual(second.code, 0, 'a second guest writes to the same volume');
    const nowhere = await lab().pvc('hv2', ['vm', 'create', 'web2', '--disk', 'volume=vms/nothing']);
    assert.match(nowhere.stderr, /no volume vms\/nothing.*pvc storage volume list/s);
    assert.deepEqual(
      (await lab().ask('hv1', 'volume.list', {})).map((one) => [one.name, one.users]),
      [['web1', ['vm web1']]],
    );
  });

  it('refuses bad input and changes nothing', async () => {
    for (const [args, code, text] of [
      [['pool', 'add', 'big', '--replicas', '4'], 2, /4 replicas need as many nodes, and there are 3 nodes with disks/],
      [['pool', 'add', 'odd', '--pgs', '12'], 2, /no power of two/],
      [['pool', 'add', 'a/b'], 2, /a name is/],
      [['pool', 'remove', 'vms', '--yes'], 4, /it holds 1 volumes/],
      [['volume', 'add', 'vms/web1', '1G'], 5, /already a volume/],
      [['volume', 'add', 'vms/x', '0'], 2, /size/i],
      [['volume', 'add', 'nowhere/x', '1G'], 3, /no pool nowhere/],
      [['volume', 'add', 'vms/a@b', '1G'], 2, /POOL\/NAME/],
      [['volume', 'add', 'vms/big', '100T'], 4, /no room for 100 TiB/],
      [['volume', 'resize', 'vms/web1', '1M'], 4, /cannot become smaller/],
      [['volume', 'remove', 'vms/none', '--yes'], 3, /no volume vms\/none/],
      [['osd', 'add', 'hv1', device, '--size', '4G', '--yes'], 4, /it is osd\.\d already/],
      [['osd', 'add', 'hv9', '/dev/sdb', '--yes'], 3, /no node hv9/],
      [['osd', 'add', 'hv1', '/dev/nothing', '--yes'], 3, /has no device \/dev\/nothing/],
      [['osd', 'add', 'hv1', '/etc/passwd', '--size', '4G', '--yes'], 4, /there is a file of that name/],
      [['init', '--network', '10.10.1.0/24'], 5, /has its storage already/],
    ] as const) {
      const answer = await lab().pvc('hv2', ['storage', ...args]);
      assert.equal(answer.code, code, `${args.join(' ')}: ${answer.code}\n${answer.stderr}`);
      assert.match(answer.stderr.replace(/\s+/g, ' '), text, args.join(' '));
    }
    assert.match((await lab().exec('hv1', ['cat', '/etc/passwd'])).stdout, /^root:/);
    assert.deepEqual((await lab().exec('hv1', ['rbd', 'ls', 'vms'])).stdout.trim().split('\n'), ['web1']);
    assert.equal((await lab().ask('hv1', 'osd.list', {})).length, 3);
  });

  it('outlives its daemons: what dies is started again, what runs is adopted', async () => {
    const names = ['ceph-mon', 'ceph-mgr', 'ceph-osd'];
    const old = await Promise.all(names.map((name) => daemonPid(lab(), 'hv2', name)));
    for (const pid of old) process.kill(pid, 'SIGKILL');
    const killedMs = Date.now();
    await lab().waitFor('each to be started again', async () => {
      const now = await Promise.all(names.map((name) => daemonPid(lab(), 'hv2', name)));
      return now.every((pid, index) => pid !== old[index]);
    });
    await lab().waitFor(
      'all to be up again',
      async () => {
        const status = await lab().ask('hv1', 'storage.status', {});
        const agreeing = status.monitors.filter((one) => one.quorum).length;
        return (status.updatedMs ?? 0) > killedMs && status.osds.up === 3 && agreeing === 3 && status.health === 'ok';
      },
      { timeoutMs: 120_000 },
    );
    const before = await daemonPid(lab(), 'hv2', 'ceph-osd');
    await lab().daemon('hv2', 'kill');
    await lab().daemon('hv2', 'start');
    await lab().waitFor(
      'the OSD to be looked after again',
      async () => {
        const own = (await lab().ask('hv1', 'osd.list', {})).find((one) => one.node === 'hv2');
        const { services } = await lab().ask('hv1', 'node.info', { node: 'hv2' });
        return (
          own?.daemon === 'running' &&
          services.some((one) => one.name.startsWith('ceph-osd') && one.state === 'running')
        );
      },
      { timeoutMs: 60_000 },
    );
    assert.equal(await daemonPid(lab(), 'hv2', 'ceph-osd'), before);
  });
});
