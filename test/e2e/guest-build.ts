/**
 * Guests whose disks a build script fills: on volumes of the cluster, confined, whole or not there at all. Part of the suite
 * about a guest on storage, whose lab and volume `vms/web1` it uses.
 */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { TestGuest } from './test-guest.ts';
import type { TestLab } from './test-lab.ts';

/** Fills a disk that is mounted and one that is not, and writes down what of the node it finds. */
const fill = `#!/bin/sh
set -eu
echo "10% fills"
cat >/target/srv/told
echo "$PVC_ARG_WORDS to $PVC_GUEST" >/target/srv/hello
printf 'filled for %s.' "$PVC_GUEST" | dd of="$PVC_DISK_VDC" conv=notrunc status=none
: >/target/srv/seen
for path in /etc/pvc /etc/ceph /var/lib/pvc /run/pvc /var/lib/libvirt /root; do
	if ls -d "$path" 2>/dev/null; then echo "saw $path" >>/target/srv/seen; fi
done
for path in /usr/bin /etc /proc/sys/kernel; do
	if touch "$path/x" 2>/dev/null; then echo "wrote $path" >>/target/srv/seen; fi
done
if ceph --connect-timeout 2 status >/dev/null 2>&1; then echo "reached the storage" >>/target/srv/seen; fi
`;
const fail = '#!/bin/sh\necho half >/target/srv/half\necho "no mirror answers" >&2\nexit 7\n';
const endless = '#!/bin/sh\necho waits\nsleep 10000 & wait\n';
const slow = '#!/bin/sh\nset -e\necho waits\nsleep 6\necho whole >/target/srv/hello\n';

export function guestBuild(lab: () => TestLab): void {
  describe('guests that a script builds', { concurrency: false }, () => {
    const pvc = (...args: string[]) => lab().pvc('hv1', ['provisioner', ...args, '--yes']);
    const run = async (...args: string[]) => (await pvc(...args)).ok();
    const sh = async (text: string, node = 'hv1') => (await lab().exec(node, ['sh', '-c', text])).stdout.trim();
    const images = () => sh('rbd ls vms | grep built | sort | tr "\\n" " "');
    /** What the node has of a build: files, mounts, loop devices, processes. */
    const left = (node: string) =>
      sh(
        'ls -A /run/pvc/builds 2>/dev/null; grep pvc/builds /proc/mounts; losetup -a | grep pvc/builds; pgrep -a "qemu-storage-d|bwrap"; true',
        node,
      );
    const scripted = async (text: string) => {
      await lab().writeFile('hv1', '/root/build.sh', text);
      await run('script', 'modify', 'build', '--file', '/root/build.sh');
    };
    const ended = async (id: string) => {
      const { state } = await lab().ask('hv1', 'task.show', { task: id });
      return ['succeeded', 'failed', 'cancelled'].includes(state) && state;
    };
    /** Begins a guest, and waits until its script runs. @returns the task */
    async function waiting(name: string): Promise<string> {
      const answer = await pvc('create', name, 'built', '--no-wait', '--no-start', '--format', 'json');
      const { tasks } = answer.ok().json() as { tasks: { id: string }[] };
      const id = tasks[0]?.id ?? assert.fail('no task');
      await lab().waitFor('the script to run', async () =>
        JSON.stringify(await lab().ask('hv1', 'task.show', { task: id })).includes('build: waits'),
      );
      return id;
    }
    async function nothingLeft(): Promise<void> {
      assert.equal(await images(), '');
      for (const node of lab().nodes) assert.equal(await left(node), '', node);
      const guests = await lab().ask('hv1', 'vm.list', {});
      assert.deepEqual(
        guests.filter(({ name }) => name.startsWith('built')),
        [],
      );
    }
    const content = (guest: string, file: string) =>
      sh(`rbd export --no-progress vms/${guest}-disk2 - >/tmp/built.img && debugfs -R 'cat /${file}' /tmp/built.img`);

    before(async () => {
      await lab().writeFile('hv1', '/root/build.sh', fill);
      await run('script', 'add', 'build', '/root/build.sh', '--needs', 'words', '--timeout', '10m');
      await run('image', 'add', 'base', 'vms/web1', '--min-memory', '64');
      await run('template', 'system', 'add', 'built', '--memory', '128', '--graphics', 'none');
      const disks = ['image=base', 'size=32M,filesystem=ext4,mountpoint=/srv', 'size=4M'];
      await run('template', 'storage', 'add', 'built', ...disks.flatMap((disk) => ['--disk', `pool=vms,${disk}`]));
      const parts = ['--system', 'built', '--storage', 'built', '--script', 'build', '--script-arg', 'words=hello'];
      await run('profile', 'add', 'built', ...parts);
    });

    it('are filled by it, confined, and boot', async (t: TestContext) => {
      const beganMs = performance.now();
      await run('create', 'built1', 'built', '--script-arg', 'words=good morning');
      t.diagnostic(`a guest with a build script is made in ${(performance.now() - beganMs).toFixed(0)} ms`);
      assert.equal(await content('built1', 'hello'), 'good morning to built1');
      assert.equal(await content('built1', 'seen'), '', 'it saw, wrote or reached what it must not');
      const told = JSON.parse(await content('built1', 'told'));
      assert.deepEqual(
        told.disks.map(({ volume, mountpoint }: Record<string, unknown>) => [volume, mountpoint]),
        [
          ['vms/built1-disk1', null],
          ['vms/built1-disk2', '/srv'],
          ['vms/built1-disk3', null],
        ],
      );
      for (const node of lab().nodes) assert.equal(await left(node), '', node);
      const { uuid } = await lab().ask('hv1', 'vm.info', { vm: 'built1' });
      assert.equal(told.guest.uuid, uuid);
      const guest = await TestGuest.find(lab(), 'built1');
      await lab().waitFor(
        'it to boot',
        async () =>
          /pvc-guest counter 1\r/.test(await sh(`cat /var/log/pvc/console/${uuid}.log`, (await guest.info()).node)),
        { timeoutMs: 120_000 },
      );
      assert.match(await guest.shell('head -c 18 /dev/vdc'), /filled for built1\./);
      (await lab().pvc('hv1', ['vm', 'stop', 'built1', '--yes'])).ok();
      (await lab().pvc('hv1', ['vm', 'undefine', 'built1', '--yes'])).ok();
      for (const disk of ['disk1', 'disk2', 'disk3', 'seed'])
        (await lab().pvc('hv1', ['storage', 'volume', 'remove', `vms/built1-${disk}`, '--yes'])).ok();
      await nothingLeft();
    });

    it('are not there when it fails, and its last words are told', async () => {
      await scripted(fail);
      const answer = await pvc('create', 'built2', 'built');
      assert.notEqual(answer.code, 0);
      assert.match(answer.stderr.replace(/\s+/g, ' '), /build script build failed for built2: exit code 7: no mirror/);
      await nothingLeft();
    });

    it('are not there when it is cancelled', async (t: TestContext) => {
      await scripted(endless);
      const id = await waiting('built3');
      const beganMs = performance.now();
      (await lab().pvc('hv1', ['task', 'cancel', id])).ok();
      assert.equal(await lab().waitFor('the task to end', () => ended(id), { timeoutMs: 60_000 }), 'cancelled');
      t.diagnostic(`nothing was left ${(performance.now() - beganMs).toFixed(0)} ms after the command`);
      await nothingLeft();
    });

    it('are whole though the daemon dies while it runs, which goes with the daemon', async (t: TestContext) => {
      await scripted(slow);
      const primary = (await lab().primary('hv1')) ?? assert.fail('no primary');
      const id = await waiting('built4');
      const beganMs = performance.now();
      await lab().daemon(primary, 'kill');
      await lab().waitFor('the script to go', async () => !/bwrap|loop|qemu/.test(await left(primary)), {
        timeoutMs: 4_000,
      });
      t.diagnostic(`all of it was gone ${(performance.now() - beganMs).toFixed(0)} ms after the death of the daemon`);
      await lab().daemon(primary, 'start');
      const end = await lab().waitFor('the task to end', () => ended(id).catch(() => false), { timeoutMs: 120_000 });
      assert.equal(end, 'succeeded');
      t.diagnostic(`the guest was whole ${((performance.now() - beganMs) / 1000).toFixed(1)} s after it`);
      assert.equal(await content('built4', 'hello'), 'whole');
      for (const node of lab().nodes) assert.equal(await left(node), '', node);
      (await lab().pvc('hv1', ['vm', 'undefine', 'built4', '--yes'])).ok();
      await run('profile', 'remove', 'built');
      await run('script', 'remove', 'build');
      await run('template', 'storage', 'remove', 'built');
      // Its clone reads on.
      await run('image', 'remove', 'base');
    });
  });
}
