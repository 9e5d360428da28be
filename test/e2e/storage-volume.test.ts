/** Volumes on one node: from files and into files, clones, snapshots, live growth, and a daemon killed in the middle. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { nodeProcesses } from './node-process.ts';
import { NodeSession } from './node-session.ts';
import { TestGuest } from './test-guest.ts';
import { suiteLab } from './test-lab.ts';
import { makeStorage } from './test-storage.ts';

const folder = '/var/lib/disk-files';

describe('volumes', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 1 });
  const storage = (...args: string[]) => lab().pvc('hv1', ['storage', ...args, '--yes']);
  const run = async (...args: string[]) => (await storage(...args)).ok();
  const sh = async (text: string) => (await lab().exec('hv1', ['sh', '-c', `cd ${folder} && ${text}`])).stdout.trim();
  const images = async () => (await sh('rbd ls vms')).split('\n').filter((one) => one !== '');
  const same = (volume: string, file: string, format = 'raw') =>
    sh(`qemu-img compare -f raw -F ${format} rbd:${volume} ${file}`);

  before(async () => {
    await makeStorage(lab());
    await lab().exec('hv1', ['mkdir', '-p', folder]);
    await sh('qemu-img create -q -f qcow2 disk.qcow2 256M && qemu-io -f qcow2 -c "write -q -P 7 0 40M" disk.qcow2');
  });

  it('come from files in every form, and go into files', async () => {
    for (const format of ['qcow2', 'vmdk', 'vdi', 'vhdx']) {
      if (format !== 'qcow2') await sh(`qemu-img convert -O ${format} disk.qcow2 disk.${format}`);
      await run('volume', 'import', `vms/from-${format}`, 'hv1', `${folder}/disk.${format}`);
      assert.match(await same(`vms/from-${format}`, 'disk.qcow2', 'qcow2'), /identical/);
    }
    const row = (await lab().ask('hv1', 'volume.list', {})).find((one) => one.name === 'from-qcow2');
    assert.deepEqual([row?.sizeBytes, row?.state], [256 * 1_048_576, 'ready']);
    assert.equal((await lab().ask('hv1', 'volume.info', { volume: 'vms/from-vdi' })).usedBytes, 40 * 1_048_576);

    await run('volume', 'export', 'vms/from-vdi', 'hv1', `${folder}/out.qcow2`, '--disk-format', 'qcow2');
    assert.match(await sh('qemu-img compare -f qcow2 -F qcow2 out.qcow2 disk.qcow2'), /identical/);
    const again = await storage('volume', 'export', 'vms/from-vdi', 'hv1', `${folder}/out.qcow2`);
    assert.deepEqual([again.code, /something at/.test(again.stderr)], [5, true]);
    assert.equal(await sh('ls | grep -c pvc- || true'), '0');
    assert.equal(await sh('rbd snap ls vms/from-vdi'), '');
  });

  it('are sent and fetched by whoever asks, whole or not at all', async () => {
    const spool = () => sh('ls -A /var/lib/pvc/transfers');
    await run('volume', 'upload', 'vms/sent', `${folder}/disk.qcow2`);
    assert.match(await same('vms/sent', 'disk.qcow2', 'qcow2'), /identical/);
    await run('volume', 'download', 'vms/sent', `${folder}/fetched.qcow2`, '--disk-format', 'qcow2');
    assert.match(await sh('qemu-img compare -f qcow2 -F qcow2 fetched.qcow2 disk.qcow2'), /identical/);
    await run('volume', 'download', 'vms/sent', `${folder}/fetched.raw`);
    assert.match(await same('vms/sent', 'fetched.raw'), /identical/);
    assert.equal(await spool(), '');

    await sh('head -c 10000000 disk.qcow2 >cut.qcow2 && echo hello >note && : >void');
    const known = await images();
    for (const [volume, file, code, text] of [
      ['vms/x', 'cut.qcow2', 2, /it is (damaged|cut off)/],
      ['vms/x', 'note', 2, /no disk image that can be recognised/],
      ['vms/x', 'void', 2, /it is empty/],
      ['vms/x', 'nothing', 2, /nothing/],
      ['none/x', 'disk.qcow2', 3, /no pool none/],
      ['vms/sent', 'disk.qcow2', 5, /already a volume/],
      ['vms/a@b', 'disk.qcow2', 2, /POOL\/NAME/],
    ] as const) {
      const answer = await storage('volume', 'upload', volume, `${folder}/${file}`);
      assert.equal(answer.code, code, `${file} ${volume}: ${answer.stderr}`);
      assert.match(answer.stderr.replace(/\s+/g, ' '), text);
    }
    assert.deepEqual(await images(), known);
    assert.ok((await lab().ask('hv1', 'volume.list', {})).every((one) => one.name !== 'x'));
    await run('volume', 'remove', 'vms/sent');
  });

  it('are whole or not there when sender or daemon is killed while an image is on its way', async () => {
    await sh('head -c 400M /dev/urandom >sent.raw');
    const spooled = async () => Number(await sh('du -sk /var/lib/pvc/transfers | cut -f1')) / 1024;
    const begin = (...args: string[]) =>
      NodeSession.start(lab(), 'hv1', ['pvc', 'storage', 'volume', ...args, '--yes']);
    const upload = () => begin('upload', 'vms/sent', `${folder}/sent.raw`, '--disk-format', 'raw');
    const volumeState = async () =>
      (await lab().ask('hv1', 'volume.list', {})).find((one) => one.name === 'sent')?.state ?? 'none';
    const nothingOnItsWay = () =>
      lab().waitFor('no file to be left on its way', async () => (await sh('ls -A /var/lib/pvc/transfers')) === '', {
        timeoutMs: 60_000,
      });
    const restarted = () =>
      lab().waitFor('the daemon to answer', async () => (await lab().pvc('hv1', ['cluster', 'status'])).code === 0);
    const known = await images();

    for (const who of ['sender', 'daemon'] as const) {
      await using session = await upload();
      await lab().waitFor('bytes to have come', async () => (await spooled()) > 8, { everyMs: 20 });
      assert.ok((await spooled()) < 350, 'all has come already');
      if (who === 'daemon') await lab().daemon('hv1', 'kill');
      else
        for (const { pid } of await nodeProcesses(lab(), 'hv1', (words) => words.includes('upload')))
          process.kill(pid, 'SIGKILL');
      const code = await session.ended();
      if (who === 'daemon') assert.deepEqual([code, /UPLOAD_LOST/.test(session.text)], [7, true], session.text);
      await restarted();
      await nothingOnItsWay();
      assert.deepEqual([await volumeState(), await images()], ['none', known], who);
    }

    // All has come: what the daemon took it finishes, though it cannot tell the sender any more.
    {
      await using session = await upload();
      await lab().waitFor('the copy to begin', async () => (await images()).includes('sent'), { everyMs: 20 });
      assert.equal(await volumeState(), 'making');
      await lab().daemon('hv1', 'kill');
      assert.deepEqual([await session.ended(), /ANSWER_LOST/.test(session.text)], [8, true], session.text);
      await restarted();
      await lab().waitFor('the volume', async () => (await volumeState()) === 'ready', { timeoutMs: 120_000 });
      await nothingOnItsWay();
      assert.match(await same('vms/sent', 'sent.raw'), /identical/);
      const again = await upload();
      assert.deepEqual([await again.ended(), /already a volume vms\/sent/.test(again.text)], [5, true], again.text);
    }
    // What nobody will fetch is not made.
    {
      await using session = await begin('download', 'vms/sent', `${folder}/later.raw`);
      await lab().waitFor('the copy to begin', async () => (await spooled()) > 8, { everyMs: 20 });
      await lab().daemon('hv1', 'kill');
      assert.equal(await session.ended(), 7, session.text);
      await restarted();
      await nothingOnItsWay();
      await lab().waitFor('the copying to be cancelled', async () =>
        (await lab().ask('hv1', 'task.list', {})).some(
          ({ action, state, target }) =>
            action === 'volume.export' && target.label === 'vms/sent' && state === 'cancelled',
        ),
      );
      assert.equal(await sh('rbd snap ls vms/sent'), '');
    }
    await run('volume', 'remove', 'vms/sent');
    await sh('rm sent.raw');
  });

  it('do not come from what is no whole disk image', async () => {
    await sh('cp disk.qcow2 short.qcow2 && truncate -s 10M short.qcow2');
    await sh('qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 over.qcow2 && echo hello >text');
    await sh('rbd create vms/foreign --size 4M');
    const known = await images();
    for (const [file, volume, code, text] of [
      ['short.qcow2', 'vms/x', 2, /it is (damaged|cut off)/],
      ['over.qcow2', 'vms/x', 2, /a difference to another file/],
      ['text', 'vms/x', 2, /no disk image that can be recognised.*--disk-format raw/],
      ['nothing', 'vms/x', 2, /no such file/],
      ['disk.qcow2', 'none/x', 3, /no pool none/],
      ['disk.qcow2', 'vms/from-vdi', 5, /already a volume/],
      ['disk.qcow2', 'vms/foreign', 5, /which PVC does not know/],
      ['../passwd', 'vms/x', 2, /absolute path without/],
      ['disk.qcow2', 'vms/a@b', 2, /POOL\/NAME/],
    ] as const) {
      const answer = await storage('volume', 'import', volume, 'hv1', `${folder}/${file}`);
      assert.equal(answer.code, code, `${file} ${volume}: ${answer.stderr}`);
      assert.match(answer.stderr.replace(/\s+/g, ' '), text);
    }
    assert.deepEqual(await images(), known);
    await sh('rbd rm --no-progress vms/foreign');
  });

  it('are cloned at once, and stand alone when they are flattened', async (t: TestContext) => {
    await run('volume', 'add', 'vms/big', '1G');
    await sh('rbd bench --io-type write --io-size 4M --io-total 200M --io-pattern seq vms/big');
    const beganMs = performance.now();
    await run('volume', 'clone', 'vms/big', 'vms/copy');
    t.diagnostic(`clone of 1 GiB by copy-on-write: ${(performance.now() - beganMs).toFixed(0)} ms`);
    const parent = await storage('volume', 'remove', 'vms/big');
    assert.deepEqual([parent.code, /what others were cloned from: vms\/copy/.test(parent.stderr)], [4, true]);
    assert.equal((await lab().ask('hv1', 'volume.info', { volume: 'vms/big' })).state, 'ready');
    await run('volume', 'flatten', 'vms/copy');
    await run('volume', 'clone', 'vms/big', 'vms/full', '--full');
    for (const one of ['copy', 'full']) {
      assert.match(await sh(`qemu-img compare -f raw -F raw rbd:vms/big rbd:vms/${one}`), /identical/);
      assert.equal((await lab().ask('hv1', 'volume.info', { volume: `vms/${one}` })).parent, null);
    }
    await run('volume', 'rename', 'vms/copy', 'copied');
    await run('volume', 'remove', 'vms/big');
    assert.deepEqual(
      (await images()).filter((one) => ['big', 'copy', 'copied', 'full'].includes(one)),
      ['copied', 'full'],
    );
    assert.equal(await sh('rbd snap ls --all vms/copied'), '');
  });

  it('are held back by limits', async () => {
    await run('volume', 'limit', 'vms/full', '--iops', '500', '--write-bytes-per-s', '1000000');
    assert.equal(await sh('rbd config image get vms/full rbd_qos_iops_limit'), '500');
    assert.equal(await sh('rbd config image get vms/full rbd_qos_write_bps_limit'), '1000000');
    assert.match((await storage('volume', 'limit', 'vms/full', '--iops', '500')).stderr, /Nothing to change/);
    await run('volume', 'limit', 'vms/full', '--iops', '0');
    assert.equal(await sh('rbd config image get vms/full rbd_qos_iops_limit'), '0');
  });

  it('have snapshots, to which they go back', async () => {
    const [volume, md5] = ['vms/copied', 'rbd export vms/copied - --no-progress | md5sum'];
    await run('snapshot', 'add', volume, 'monday');
    const old = await sh(md5);
    await sh(`qemu-io -f raw -c "write -q -P 9 0 40M" rbd:${volume}`);
    assert.notEqual(await sh(md5), old);
    await run('snapshot', 'protect', volume, 'monday');
    for (const [args, code, text] of [
      [['remove', volume, 'monday'], 4, /protected/],
      [['add', volume, 'monday'], 5, /has a snapshot monday already/],
      [['rollback', volume, 'tuesday'], 3, /no snapshot tuesday/],
      [['add', volume, 'a@b'], 2, /a name is/],
    ] as const) {
      const answer = await storage('snapshot', ...args);
      assert.deepEqual([answer.code, text.test(answer.stderr)], [code, true], answer.stderr);
    }
    await run('snapshot', 'rollback', volume, 'monday');
    assert.equal(await sh(md5), old);
    await run('volume', 'clone', volume, 'vms/as-monday', '--snapshot', 'monday');
    await run('snapshot', 'unprotect', volume, 'monday');
    await run('snapshot', 'rename', volume, 'monday', 'first');
    const kept = await storage('volume', 'remove', volume);
    assert.match(kept.stderr, /cloned from|has the snapshots first/);
    await run('snapshot', 'remove', volume, 'first');
    assert.deepEqual(await lab().ask('hv1', 'volume.snapshot-list', { volume }), []);
    await run('volume', 'remove', 'vms/as-monday');
    await run('volume', 'remove', volume);
  });

  it('grow under a guest that runs, which sees it, and get free what it discards', async () => {
    await run('volume', 'add', 'vms/data', '64M');
    const guest = await TestGuest.create(lab(), 'web1', { args: ['--disk', 'volume=vms/data,bus=virtio', '--start'] });
    await guest.counts();
    await guest.waitFor('see its disk', async () => /disk vda 67108864 bytes/.test(await guest.console()));
    await guest.shell('dd if=/dev/zero of=/dev/vda bs=1M count=8 oflag=direct 2>&1; sync');
    await run('volume', 'resize', 'vms/data', '100000256');
    await guest.waitFor('see that it has grown', async () => /disk vda 100000256 bytes/.test(await guest.console()));
    const info = await lab().ask('hv1', 'volume.info', { volume: 'vms/data' });
    assert.deepEqual(
      [info.sizeBytes, info.users, info.holders.map((one) => one.node)],
      [100_000_256, ['vm web1'], ['hv1']],
    );
    await run('snapshot', 'add', 'vms/data', 's1');
    const open = await storage('snapshot', 'rollback', 'vms/data', 's1');
    assert.match(open.stderr.replace(/\s+/g, ' '), /in use by hv1 \(.*going back needs it free/);
    const renamed = await storage('volume', 'rename', 'vms/data', 'other');
    assert.match(renamed.stderr, /in use: vm web1/);
    await run('snapshot', 'remove', 'vms/data', 's1');

    // Beside it one on the other bus, which comes and goes while the guest runs.
    await run('volume', 'add', 'vms/more', '64M');
    (await guest.run('disk add', '--volume', 'vms/more', '--bus', 'scsi')).ok();
    await guest.waitFor('see the other disk', async () => /disk sda 67108864 bytes/.test(await guest.console()));
    assert.deepEqual((await guest.info()).restartNeeded, []);
    const used = async (volume: string) => (await lab().ask('hv1', 'volume.info', { volume })).usedBytes / 1_048_576;
    for (const [disk, volume] of [
      ['vda', 'vms/data'],
      ['sda', 'vms/more'],
    ] as const) {
      await guest.shell(`dd if=/dev/zero of=/dev/${disk} bs=1M count=40 oflag=direct`);
      assert.ok((await used(volume)) >= 40, `${volume} takes ${await used(volume)} MiB`);
      assert.doesNotMatch(await guest.shell(`blkdiscard /dev/${disk} 2>&1`), /blkdiscard:/);
      assert.ok((await used(volume)) < 1, `${volume} takes ${await used(volume)} MiB after all of it was discarded`);
    }
    (await guest.run('disk remove', 'sda')).ok();
    await guest.waitFor('see it go', async () => /disk sda removed/.test(await guest.console()));
    await run('volume', 'remove', 'vms/more');

    await run('snapshot', 'add', 'vms/data', 's2');
    (await guest.run('stop')).ok();
    await guest.becomes('stopped');
    await run('snapshot', 'rollback', 'vms/data', 's2');
  });

  it('are whole or not there when the daemon is killed in the middle', async () => {
    await sh(
      'qemu-img create -q -f raw heavy.raw 600M && dd if=/dev/urandom of=heavy.raw bs=1M count=600 conv=notrunc status=none',
    );
    const known = await images();
    await storage('volume', 'import', 'vms/heavy', 'hv1', `${folder}/heavy.raw`, '--disk-format', 'raw', '--no-wait');
    await lab().waitFor('the copy to begin', async () => (await images()).includes('heavy'), { everyMs: 50 });
    await lab().daemon('hv1', 'kill');
    await lab().daemon('hv1', 'start');
    await lab().waitFor(
      'the task to end',
      async () =>
        (await lab().ask('hv1', 'volume.list', {})).some((one) => one.name === 'heavy' && one.state === 'ready'),
      { timeoutMs: 120_000 },
    );
    assert.match(await same('vms/heavy', 'heavy.raw'), /identical/);

    // Cancelled in the middle it leaves nothing.
    const begun = await storage(
      'volume',
      'import',
      'vms/heavy2',
      'hv1',
      `${folder}/heavy.raw`,
      '--disk-format',
      'raw',
      '--no-wait',
    );
    begun.ok();
    await lab().waitFor('the copy to begin', async () => (await images()).includes('heavy2'), { everyMs: 50 });
    const task = (await lab().ask('hv1', 'task.list', {})).find((one) => one.target.label === 'vms/heavy2');
    (await lab().pvc('hv1', ['task', 'cancel', task?.id ?? ''])).ok();
    await lab().waitFor('nothing of it to be left', async () => !(await images()).includes('heavy2'), {
      timeoutMs: 60_000,
    });
    assert.ok((await lab().ask('hv1', 'volume.list', {})).every((one) => one.name !== 'heavy2'));

    // An export that is cut off goes on, and its file appears once it is whole.
    await storage('volume', 'export', 'vms/heavy', 'hv1', `${folder}/heavy.out`, '--no-wait');
    await lab().waitFor('the copy to begin', async () => (await sh('ls')).includes('heavy.out.pvc-'), { everyMs: 50 });
    await lab().daemon('hv1', 'kill');
    assert.equal(await sh('test -e heavy.out || echo none'), 'none');
    await lab().daemon('hv1', 'start');
    await lab().waitFor('the file', async () => (await sh('ls')).split('\n').includes('heavy.out'), {
      timeoutMs: 120_000,
    });
    await sh('cmp heavy.raw heavy.out');
    assert.equal(await sh('ls | grep -c pvc- || true'), '0');
    assert.deepEqual((await images()).toSorted(), [...known, 'heavy'].toSorted());
    assert.equal(await sh('rbd snap ls vms/heavy'), '');
  });
});
