/** Snapshots of whole guests: one moment for all disks, back to it, and a daemon that dies while the guest is held. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { guestExports } from './guest-export.ts';
import { daemonPid } from './node-process.ts';
import { TestGuest } from './test-guest.ts';
import { suiteLab } from './test-lab.ts';
import { makeStorage } from './test-storage.ts';

describe('snapshots of a guest', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 1 });
  let guest: TestGuest;
  const run = async (...args: string[]) => (await lab().pvc('hv1', [...args, '--yes'])).ok();
  const sh = async (text: string) => (await lab().exec('hv1', ['sh', '-c', text])).stdout.trim();
  /** The number at the beginning of an image. */
  const number = async (image: string) => Number(await sh(`rbd export ${image} - --no-progress | head -c 8`));
  const snapshots = () => lab().ask('hv1', 'vm.snapshot-list', { vm: 'web1' });

  before(async () => {
    await makeStorage(lab());
    for (const volume of ['vms/a', 'vms/b']) await run('storage', 'volume', 'add', volume, '16M');
    const disks = ['--disk', 'volume=vms/a,bus=virtio', '--disk', 'volume=vms/b,bus=virtio'];
    guest = await TestGuest.create(lab(), 'web1', { args: [...disks, '--start'] });
    await guest.counts();
    // One number after the other, on the one disk before on the other, each time until it is really there.
    const write = (disk: string) => `printf %08d $i | dd of=/dev/${disk} bs=512 count=1 conv=fsync 2>/dev/null`;
    await guest.shell(`(i=0; while :; do i=$((i+1)); ${write('vda')}; ${write('vdb')}; done) & sleep 1`);
  });

  it('catch all disks in one moment', async (t: TestContext) => {
    for (const name of ['one', 'two', 'three']) {
      await run('vm', 'snapshot', 'add', 'web1', name);
      const row = (await snapshots()).find((one) => one.name === name);
      assert.deepEqual([row?.state, row?.quiet, row?.disks.length], ['ready', 'paused', 2]);
      t.diagnostic(`the guest stood still for ${row?.quietMs} ms`);
      const [a = 0, b = 0] = await Promise.all(
        (row?.disks ?? []).map(({ volume, snapshot }) => number(`${volume}@${snapshot}`)),
      );
      assert.ok(a > 0 && a - b >= 0 && a - b <= 1, `${a} on the first disk, ${b} on the second`);
    }
    const before = await guest.life();
    assert.ok(before);
    await guest.countsOn(before);
  });

  it('keep what they need', async () => {
    const [first] = await snapshots();
    const disk = first?.disks[0];
    assert.ok(disk);
    for (const [args, code, text] of [
      [['vm', 'snapshot', 'add', 'web1', 'one'], 5, /has a snapshot one already/],
      [['vm', 'snapshot', 'add', 'web1', 'a/b'], 2, /a snapshot is named by/],
      [['vm', 'snapshot', 'rollback', 'web1', 'one'], 4, /runs.*going back needs it stopped/],
      [['vm', 'snapshot', 'rollback', 'web1', 'none'], 3, /no snapshot none/],
      [['storage', 'snapshot', 'remove', 'vms/a', disk.snapshot], 4, /belongs to vm-snapshot one of web1/],
      [['storage', 'volume', 'remove', 'vms/a', '--with-snapshots'], 4, /in use: vm web1, .*vm-snapshot one of web1/],
    ] as const) {
      const answer = await lab().pvc('hv1', [...args, '--yes']);
      assert.deepEqual([answer.code, text.test(answer.stderr.replace(/\s+/g, ' '))], [code, true], answer.stderr);
    }
  });

  it('bring back disks and definition', async () => {
    const row = (await snapshots()).find((one) => one.name === 'one');
    const was = await number(`vms/a@${row?.disks[0]?.snapshot}`);
    await run('vm', 'set', 'memory', 'web1', '192');
    (await guest.run('stop')).ok();
    await guest.becomes('stopped');
    assert.ok((await number('vms/a')) > was);
    await run('vm', 'snapshot', 'rollback', 'web1', 'one');
    assert.equal(await number('vms/a'), was);
    const info = await guest.info();
    assert.deepEqual([info.memoryMiB, info.state, info.name], [160, 'stopped', 'web1']);
    const kept = await lab().pvc('hv1', ['vm', 'undefine', 'web1', '--yes']);
    assert.match(kept.stderr.replace(/\s+/g, ' '), /has the snapshots one, two, three/);
  });

  it('are taken of a guest that is off', async () => {
    await run('vm', 'snapshot', 'add', 'web1', 'off');
    assert.equal((await snapshots()).find((one) => one.name === 'off')?.quiet, 'off');
  });

  it('let the guest go on when the daemon dies while it is held', async () => {
    (await guest.run('start')).ok();
    const before = await guest.counts(await guest.life());
    const osd = await daemonPid(lab(), 'hv1', 'ceph-osd');
    const state = () => sh(`virsh domstate ${guest.uuid}`);
    // Storage that stands still in the right moment holds the guest for as long: then there is time for the kill.
    const caught = async (name: string): Promise<boolean> => {
      (await lab().pvc('hv1', ['vm', 'snapshot', 'add', 'web1', name, '--no-wait'])).ok();
      const looks = `for i in $(seq 200); do [ "$(virsh domstate ${guest.uuid})" = paused ] && exit 0; done; exit 1`;
      await lab().exec('hv1', ['sh', '-c', looks], { accept: 'any' });
      process.kill(osd, 'SIGSTOP');
      if ((await state()) === 'paused') return true;
      process.kill(osd, 'SIGCONT');
      await guest.waitFor('have its snapshot', async () => (await snapshots()).every((one) => one.state === 'ready'));
      return false;
    };
    let name = '';
    try {
      for (let tries = 1; ; tries += 1) {
        name = `late${tries}`;
        if (await caught(name)) break;
        assert.ok(tries < 10, 'the guest was never seen held');
      }
      await lab().daemon('hv1', 'kill');
      assert.equal(await state(), 'paused');
    } finally {
      process.kill(osd, 'SIGCONT');
    }
    await lab().daemon('hv1', 'start');
    await guest.waitFor('be let go', async () => (await state()) === 'running');
    await guest.countsOn(before);
    await guest.waitFor('have a snapshot of one moment', async () =>
      (await snapshots()).some((one) => one.name === name && one.state === 'ready'),
    );
  });

  it('leave nothing when they are removed', async () => {
    for (const { name } of await snapshots()) await run('vm', 'snapshot', 'remove', 'web1', name);
    assert.equal(await sh('rbd snap ls --all vms/a; rbd snap ls --all vms/b'), '');
    (await guest.run('stop')).ok();
    await guest.becomes('stopped');
    await run('vm', 'undefine', 'web1');
  });

  guestExports(lab);
});
