import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PvcError } from '../../../../core/plugin/api.ts';
import { FileBuild } from './testing/file-build.ts';

const MiB = 2 ** 20;
const root = { target: 'vda', filesystem: 'ext4', mountpoint: '/', sizeBytes: 64 * MiB } as const;

/** What is in a file system that nobody has mounted. */
const catOf = async (build: FileBuild, target: string, path: string): Promise<string> => {
  const argv = ['debugfs', '-R', `cat ${path}`, build.volume(target)] as const;
  return (await build.host.processes.exec(argv, { timeoutMs: 20_000 })).stdout;
};

async function failure(act: Promise<void>, code: string): Promise<string> {
  try {
    await act;
  } catch (error) {
    assert.ok(error instanceof PvcError, String(error));
    assert.equal(error.code, code, error.message);
    return error.message;
  }
  return assert.fail('it succeeded');
}

async function becomesTrue(what: string, probe: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await probe()) return;
    await delay(50);
  }
  assert.fail(what);
}

describe('a build script', () => {
  it('fills the disks, mounted in each other or as they are, and leaves nothing on the node', async () => {
    await using build = await FileBuild.create();
    const script = `#!/bin/sh
set -e
echo 'writes'
cat >/target/told
echo "50% $PVC_GUEST $PVC_HOSTNAME $PVC_ARG_SUITE"
printenv PVC_FSTAB >/target/fstab
echo data >/target/srv/data/file
printf boot | dd of="$PVC_DISK_VDD" conv=notrunc status=none
blockdev --getsize64 "$PVC_DISK_VDA" >/target/size
`;
    const srv = { target: 'vdb', filesystem: 'ext4', mountpoint: '/srv/data', sizeBytes: 32 * MiB } as const;
    const swap = { target: 'vdc', filesystem: 'swap', mountpoint: undefined, sizeBytes: 8 * MiB } as const;
    const raw = { target: 'vdd', filesystem: undefined, mountpoint: undefined, sizeBytes: 4 * MiB };
    await build.run(script, [srv, root, swap, raw], { given: { suite: 'bookworm' } });
    assert.deepEqual(build.heard, [
      { share: undefined, message: 'writes' },
      { share: 0.5, message: 'Web_1 web-1 bookworm' },
    ]);
    const told = JSON.parse(await catOf(build, 'vda', '/told'));
    assert.deepEqual(
      told.disks.map(({ target, device, path, filesystem }: Record<string, string>) => [
        ...[target, device?.replace(/\d+/, 'N'), path, filesystem],
      ]),
      [
        ['vdb', '/dev/loopN', '/target/srv/data', 'ext4'],
        ['vda', '/dev/loopN', '/target', 'ext4'],
        ['vdc', '/disks/vdc', null, 'swap'],
        ['vdd', '/disks/vdd', null, null],
      ],
    );
    const [srvDisk, rootDisk, swapDisk] = told.disks;
    assert.equal(
      (await catOf(build, 'vda', '/fstab')).trim(),
      `UUID=${rootDisk.uuid} / ext4 defaults 0 1\nUUID=${srvDisk.uuid} /srv/data ext4 defaults 0 2\nUUID=${swapDisk.uuid} none swap sw 0 0`,
    );
    assert.equal(await catOf(build, 'vdb', '/file'), 'data\n');
    assert.equal(await catOf(build, 'vda', '/size'), `${64 * MiB}\n`);
    assert.equal((await readFile(build.volume('vdd'), 'latin1')).slice(0, 4), 'boot');
    for (const [target, uuid] of [
      ['vda', rootDisk.uuid],
      ['vdc', swapDisk.uuid],
    ]) {
      const argv = ['blkid', '-p', '-o', 'value', '-s', 'UUID', build.volume(target)] as const;
      assert.equal((await build.host.processes.exec(argv, { timeoutMs: 20_000 })).stdout.trim(), uuid);
    }
    assert.deepEqual(await build.left(), []);
  });

  for (const filesystem of ['xfs', 'btrfs'] as const)
    it(`fills one of ${filesystem}`, async () => {
      await using build = await FileBuild.create();
      await build.run('#!/bin/sh\nstat -f -c %T /target\n', [{ ...root, filesystem, sizeBytes: 512 * MiB }]);
      assert.deepEqual(build.heard, [{ share: undefined, message: filesystem }]);
      assert.deepEqual(await build.left(), []);
    });

  it('that fails is told by its last words, and leaves nothing on the node', async () => {
    await using build = await FileBuild.create();
    const script = '#!/bin/sh\necho one >&2; sleep 1000 & echo "no \u001b[1mmirror\u001b[0m" >&2; exit 3\n';
    const words = await failure(build.run(script, [root]), 'SCRIPT_FAILED');
    assert.match(words, /script fill failed for Web_1: exit code 3: one \/ no mirror\./);
    assert.deepEqual(await build.left(), []);
  });

  it('that cannot be started is told', async () => {
    await using build = await FileBuild.create();
    const words = await failure(build.run('#!/usr/bin/no-such-program\n', [root]), 'SCRIPT_FAILED');
    assert.match(words, /No such file/);
    assert.deepEqual(await build.left(), []);
  });

  it('never ends, and is ended after its time', async () => {
    await using build = await FileBuild.create();
    build.timeoutS = 1;
    const words = await failure(build.run('#!/bin/sh\nsleep 1000\n', [root]), 'SCRIPT_FAILED');
    assert.match(words, /did not end within 1 s/);
    assert.deepEqual(await build.left(), []);
  });

  it('is ended with all that it started when it is cancelled', async () => {
    await using build = await FileBuild.create();
    const stop = new AbortController();
    const script =
      '#!/bin/sh\n(trap "" TERM; while :; do dd if=/dev/zero of=/target/x bs=1M count=30; done) 2>/dev/null &\necho runs; wait\n';
    const running = build.run(script, [root], { signal: stop.signal, heard: () => stop.abort(new Error('cancelled')) });
    await assert.rejects(running, /cancelled/);
    assert.deepEqual(await build.left(), []);
  });

  it('has what is wrong with a disk told, and is not started', async () => {
    await using build = await FileBuild.create();
    const tiny = { ...root, filesystem: 'xfs', sizeBytes: 16 * MiB } as const;
    const words = await failure(build.run('#!/bin/sh\necho started\n', [tiny]), 'BUILD_FAILED');
    assert.match(words, /mkfs\.xfs: /);
    assert.deepEqual(build.heard, []);
    assert.deepEqual(await build.left(), []);
  });

  it('goes with the daemon, in whatever way that ends', async () => {
    await using build = await FileBuild.create();
    const program = `import { FileBuild } from ${JSON.stringify(`${import.meta.dirname}/testing/file-build.ts`)};
      await new FileBuild(${JSON.stringify(build.directory)}).run('#!/bin/sh\\necho runs\\nsleep 1000\\n', [${JSON.stringify(root)}], { heard: ({ message }) => console.log(message) });`;
    const daemon = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await Promise.race([
      new Promise<[string]>((resolve) => daemon.stdout.once('data', (text) => resolve([String(text)]))),
      new Promise<[string]>((resolve) => daemon.once('exit', (code) => resolve([`it ended with ${code}`]))),
    ]);
    assert.equal(said, 'runs\n');
    assert.notDeepEqual(await build.left(), ['work']);
    daemon.kill('SIGKILL');
    // Its directory is removed when a daemon starts.
    await becomesTrue('something is left', async () => String(await build.left()) === 'work');
  });
});

describe('the confinement of a build script', () => {
  /** What each line of a script tells: of its exit code, and what it printed. */
  async function tried(build: FileBuild, lines: readonly string[]): Promise<string[]> {
    const script = [
      '#!/bin/sh',
      ...lines.map((line) => `out=$({ ${line}; } 2>&1); echo "$? $out" | tr '\\n' ' '; echo`),
    ];
    await build.run(`${script.join('\n')}\n`, [root]);
    return build.heard.map(({ message }) => message);
  }

  it('shows nothing of the node but its programs', async () => {
    await using build = await FileBuild.create();
    const [etc = '', all, run, directory, processes, system] = await tried(build, [
      'ls /etc',
      'ls /',
      'ls -A /run /var/lib /root',
      `ls ${build.directory}`,
      'ls /proc | grep -c "^[0-9]"',
      'ls /sys',
    ]);
    assert.doesNotMatch(etc, /pvc|shadow|ceph|libvirt|ssh/);
    assert.equal(all, '0 bin dev etc lib lib32 lib64 libx32 proc run sbin script target tmp usr var');
    assert.match(run ?? '', /^2 .*No such file/);
    assert.match(directory ?? '', /^2 .*No such file/);
    assert.ok(Number(processes?.split(' ')[1]) < 10, processes);
    assert.match(system ?? '', /^2 /);
  });

  it('lets it write to nothing but its disks and its scratch space', async () => {
    await using build = await FileBuild.create();
    const answers = await tried(build, [
      'touch /usr/x',
      'touch /x',
      'echo x >/etc/hosts',
      // What is there already: a test that fails shall change nothing.
      'p=$(cat /proc/sys/kernel/core_pattern); echo "$p" >/proc/sys/kernel/core_pattern',
      'p=$(cat /proc/sys/kernel/core_pattern); echo "$p" >/target/proc/sys/kernel/core_pattern',
      'echo 0 >/proc/self/oom_score_adj',
      // In a user namespace of its own it may mount, and gets nothing by it.
      ...['/usr', '/proc'].map((path) => `unshare -Urm mount -o remount,bind,rw ${path}`),
      `unshare -Urmpf sh -c 'mount -t proc proc /proc && p=$(cat /proc/sys/kernel/core_pattern) && echo "$p" >/proc/sys/kernel/core_pattern'`,
      `unshare -Urmpf sh -c 'umount -l /proc; p=$(cat /proc/sys/kernel/core_pattern) && echo "$p" >/proc/sys/kernel/core_pattern'`,
      'echo x >/script',
      'mknod /target/disk b 7 0 && dd if=/target/disk of=/dev/null count=1',
      'mknod /tmp/disk b 7 0 && dd if=/tmp/disk of=/dev/null count=1',
    ]);
    for (const answer of answers)
      assert.match(answer, /^(?:[12]|32) .*(?:Read-only|Permission denied|not permitted)/i, answers.join('\n'));
    assert.deepEqual((await tried(build, ['touch /tmp/x', 'touch /target/x'])).slice(-2), ['0', '0']);
  });

  it('lets it mount nothing, take no other namespace, and reach nobody', async () => {
    await using build = await FileBuild.create();
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    try {
      const connect = `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}'`;
      const [mount, remount, bind, enter, reach, links] = await tried(build, [
        ...['mount -t tmpfs none /tmp', 'mount -o remount,rw /usr', 'mount --bind /tmp /usr', 'nsenter -t 1 -n true'],
        ...[connect, 'ls /proc/self/net/dev && grep -c : /proc/self/net/dev'],
      ]);
      for (const answer of [mount, remount, bind]) assert.match(answer ?? '', /^(?:1|32) /);
      assert.match(enter ?? '', /^1 /);
      assert.match(reach ?? '', /^1 .*refused/);
      assert.match(links ?? '', /^0 .* 1$/);
      build.network = true;
      build.heard.length = 0;
      assert.deepEqual(await tried(build, [connect]), ['0']);
    } finally {
      server.close();
    }
  });
});
