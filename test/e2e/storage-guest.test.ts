/**
 * A guest on a volume that was uploaded: it writes and is told that it is written, while it moves, a disk dies, a node dies,
 * and its own node is cut off and fenced from the storage.
 */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { guestDirectory } from '../lab/boot-script.ts';
import { guestBuild } from './guest-build.ts';
import { guestOva } from './guest-ova.ts';
import { guestProvisioning } from './guest-provision.ts';
import { daemonPid } from './node-process.ts';
import { NodeSession } from './node-session.ts';
import { suiteLab } from './test-lab.ts';
import { makeStorage } from './test-storage.ts';

describe('a guest on replicated storage', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  let uuid = '';
  const run = async (node: string, ...args: string[]) => (await lab().pvc(node, [...args, '--yes'])).ok();
  const sh = async (node: string, text: string) => (await lab().exec(node, ['sh', '-c', text])).stdout.trim();
  const consoleOn = async (node: string) =>
    (await lab().exec(node, ['cat', `/var/log/pvc/console/${uuid}.log`], { accept: 'any' })).stdout;
  /** The last number of which the guest on that node was told that it is on its disk. */
  const acked = async (node: string) =>
    Number([...(await consoleOn(node)).matchAll(/acked (\d+)\r?\n/g)].at(-1)?.[1] ?? 0);
  const written = async (node: string) => Number(await sh(node, 'rbd export vms/data - --no-progress | head -c 8'));
  /** Waits until it writes on, on that node; asserts that nothing it was told before is lost. */
  async function writesOn(node: string, after: number): Promise<number> {
    const now = await lab().waitFor(
      `the guest to write on at ${node}`,
      async () => {
        const number = await acked(node);
        return number > after + 1 && number;
      },
      { timeoutMs: 120_000 },
    );
    assert.ok(
      (await written(lab().nodes.find((one) => one !== 'hv3') ?? node)) >= now,
      `${now} was acknowledged and is lost`,
    );
    return now;
  }

  before(async () => {
    await makeStorage(lab());
    await sh('hv1', `qemu-img convert -O qcow2 ${guestDirectory}/disk.img /var/lib/guest.qcow2`);
  });

  it('boots from an uploaded image in another form', async (t: TestContext) => {
    const beganMs = performance.now();
    await run('hv1', 'storage', 'volume', 'upload', 'vms/web1', '/var/lib/guest.qcow2');
    t.diagnostic(`upload of the guest's disk: ${(performance.now() - beganMs).toFixed(0)} ms`);
    assert.match(
      await sh('hv1', `qemu-img compare -f raw -F raw rbd:vms/web1 ${guestDirectory}/disk.img`),
      /identical/,
    );
    assert.equal(await sh('hv1', 'ls -A /var/lib/pvc/transfers'), '');
    await run('hv1', 'storage', 'volume', 'add', 'vms/data', '16M');
    const size = ['--memory', '160', '--graphics', 'none', '--node', 'hv1'];
    const disks = ['--disk', 'volume=vms/web1', '--disk', 'volume=vms/data'];
    await run('hv1', 'vm', 'create', 'web1', ...size, ...disks, '--start');
    ({ uuid } = await lab().ask('hv1', 'vm.info', { vm: 'web1' }));
    await lab().waitFor('it to boot', async () => /pvc-guest counter 2\r/.test(await consoleOn('hv1')), {
      timeoutMs: 90_000,
    });
    await using session = await NodeSession.onTerminal(lab(), 'hv1', ['pvc', 'vm', 'console', 'web1', '--force']);
    await session.sees(/Connected/);
    session.send(
      'counter off; (i=0; while :; do i=$((i+1)); printf %08d $i | dd of=/dev/vdb bs=512 count=1 conv=fsync 2>/dev/null && echo acked $i >/dev/ttyS0 || sleep 1; usleep 200000; done) &\n',
    );
    await lab().waitFor('it to write', async () => (await acked('hv1')) > 3, { timeoutMs: 60_000 });
    await writesOn('hv1', await acked('hv1'));
  });

  guestProvisioning(lab);
  guestBuild(lab);
  guestOva(lab);

  it('goes on while it moves, and when a disk dies', async (t: TestContext) => {
    const before = await acked('hv1');
    await run('hv1', 'vm', 'move', 'web1', '--node', 'hv2');
    const moved = await writesOn('hv2', before);
    const osd = await daemonPid(lab(), 'hv3', 'ceph-osd');
    const beganMs = performance.now();
    process.kill(osd, 'SIGKILL');
    await writesOn('hv2', moved + 3);
    t.diagnostic(
      `writes went on ${((performance.now() - beganMs) / 1000).toFixed(1)} s after the death of a disk at the latest`,
    );
  });

  it('goes on when a whole node dies', async (t: TestContext) => {
    await lab().waitFor(
      'the disk to be back',
      async () => (await lab().ask('hv1', 'storage.status', {})).health === 'ok',
      { timeoutMs: 120_000 },
    );
    const before = await acked('hv2');
    const beganMs = performance.now();
    await lab().power('hv3', 'off');
    await writesOn('hv2', before + 20);
    t.diagnostic(`20 more writes ${((performance.now() - beganMs) / 1000).toFixed(1)} s after a node's power cut`);
    await lab().power('hv3', 'on');
    await lab().waitFor(
      'the node to be back with its disk',
      async () => {
        const status = await lab().ask('hv1', 'storage.status', {});
        return status.health === 'ok' && status.osds.up === 3;
      },
      { timeoutMs: 240_000 },
    );
    assert.equal([...(await consoleOn('hv2')).matchAll(/pvc-guest boot /g)].length, 0, 'it has booted again');
  });

  it('cannot be started beside itself, and its holder is named', async () => {
    const { holders } = await lab().ask('hv1', 'volume.info', { volume: 'vms/data' });
    assert.deepEqual(
      holders.map((one) => one.node),
      ['hv2'],
    );
    const taken = await lab().pvc('hv1', ['storage', 'volume', 'release', 'vms/data', '--yes']);
    assert.match(taken.stderr.replace(/\s+/g, ' '), /in use by hv2 \(/);
    // Somebody else's hold on the volume of a guest that is to start.
    await run('hv1', 'storage', 'volume', 'add', 'vms/held', '16M');
    await run(
      'hv1',
      'vm',
      'create',
      'held',
      '--memory',
      '64',
      '--graphics',
      'none',
      '--node',
      'hv1',
      '--disk',
      'volume=vms/held',
    );
    const bench =
      'rbd bench --io-type write --io-size 4K --io-threads 1 --io-total 4G vms/held >/dev/null 2>&1 & echo $!';
    const holder = await sh('hv3', bench);
    await lab().waitFor('it to be held', async () => (await sh('hv1', 'rbd status vms/held')).includes('watcher='));
    const started = await lab().pvc('hv1', ['vm', 'start', 'held']);
    assert.notEqual(started.code, 0);
    assert.match(started.stderr.replace(/\s+/g, ' '), /disk vda \(vms\/held\) is open at hv3 \(/);
    await sh('hv3', `kill -9 ${holder}`);
    await lab().waitFor(
      'it to start once the dead holder is forgotten',
      async () => (await lab().ask('hv1', 'vm.info', { vm: 'held' })).state === 'running',
      { timeoutMs: 90_000 },
    );
    // A crash of its own leaves a lock on this node: that never stops a start.
    const { stdout } = await lab().exec('hv1', ['pgrep', '-f', 'guest=held']);
    await sh('hv1', `kill -9 ${stdout.trim().split('\n')[0]}`);
    await lab().waitFor('it to run again', async () => {
      const info = await lab().ask('hv1', 'vm.info', { vm: 'held' });
      return info.state === 'running';
    });
    await run('hv1', 'vm', 'stop', 'held');
  });

  it('writes nothing more once its node is fenced from the storage', async (t: TestContext) => {
    for (const node of ['hv1', 'hv3'])
      if ((await lab().primary('hv1')) !== node) await lab().pvc('hv1', ['node', 'primary', 'hv1']);
    await lab().waitFor('hv1 to be primary', async () => (await lab().primary('hv1')) === 'hv1');
    const running = await lab().pvc('hv1', ['storage', 'block', 'add', 'hv2', '--yes']);
    assert.match(running.stderr, /guests run on hv2, which answers/);
    // By hand: else PVC would do it by itself.
    await run('hv1', 'cluster', 'maintenance', 'on');
    // Its node is cut off from the others, and reaches its storage.
    await lab().cable('hv2', 'cluster', 'down');
    await lab().waitFor('hv2 to be missed', async () => {
      const rows = await lab().ask('hv1', 'node.list', {});
      return rows.find((one) => one.name === 'hv2')?.daemon !== 'run';
    });
    const before = await acked('hv2');
    await lab().waitFor('the guest to write on', async () => (await acked('hv2')) > before + 2);
    const beganMs = performance.now();
    await run('hv1', 'storage', 'block', 'add', 'hv2');
    t.diagnostic(`fenced from the storage in ${(performance.now() - beganMs).toFixed(0)} ms`);
    const [row] = await lab().ask('hv1', 'storage.block-list', {});
    assert.deepEqual(
      [row?.node, row?.state, (row?.untilMs ?? 0) > Date.now(), (row?.epoch ?? 0) > 0],
      ['hv2', 'blocked', true, true],
    );

    const last = await acked('hv2');
    const found = await written('hv1');
    assert.ok(found >= last, `${last} was acknowledged, ${found} is there`);
    // Opened and written elsewhere; what the guest still tries does not come through.
    await sh('hv3', 'qemu-io -f raw -c "write -q -P 0x37 0 512" rbd:vms/data');
    await delay(5_000);
    assert.equal(await written('hv1'), 77_777_777);
    assert.equal(await acked('hv2'), last);
    assert.match(await sh('hv2', `virsh list --state-running --uuid`), new RegExp(uuid), 'the guest was to run on');
  });

  it('lets its node in again once it has booted', async () => {
    await lab().power('hv2', 'off');
    await lab().power('hv2', 'on');
    await lab().waitFor(
      'hv2 to be let in',
      async () => (await lab().ask('hv1', 'storage.block-list', {})).length === 0,
      {
        timeoutMs: 120_000,
      },
    );
    await lab().waitFor(
      'all disks to be up again',
      async () => (await lab().ask('hv1', 'storage.status', {})).osds.up === 3,
      { timeoutMs: 240_000 },
    );
    assert.match(await sh('hv2', 'rbd ls vms'), /data/);
  });
});
