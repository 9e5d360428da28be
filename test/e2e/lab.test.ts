/**
 * The lab itself: what a node is, what a power cut does, and that nothing is left behind. Needs no PVC.
 * @module
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { takeDown } from '../lab/down.ts';
import { leftovers } from '../lab/leftovers.ts';
import { namespacesOf } from '../lab/links.ts';
import { repository } from '../lab/repository.ts';
import { run } from '../lab/run.ts';
import { withLab } from './test-lab.ts';
import { waitFor } from './wait-for.ts';

const bare = { bare: true, dev: true };
const cli = [process.execPath, join(repository, 'test/lab/cli.ts')];

const pings = async (lab: Parameters<Parameters<typeof withLab>[1]>[0], from: string, to: string) =>
  (await lab.exec(from, ['ping', '-c', '1', '-W', '1', to], { accept: 'any' })).code === 0;

describe('a lab', { concurrency: false }, () => {
  it('has nodes with a disk, a name and processes of their own', async () => {
    await withLab({ ...bare, nodes: 2 }, async (lab) => {
      const out = async (argv: string[], node = 'hv1') => (await lab.exec(node, argv)).stdout;
      assert.equal(await out(['hostname']), 'hv1\n');
      assert.equal(await out(['cat', '/proc/1/comm']), 'tini\n');
      assert.notEqual(await out(['cat', '/etc/machine-id']), await out(['cat', '/etc/machine-id'], 'hv2'));
      for (const path of [
        '/etc/lab-test',
        '/usr/lib/lab-test',
        '/var/lib/lab-test',
        '/root/lab-test',
        '/run/lab-test',
        '/tmp/lab-test',
      ]) {
        await lab.writeFile('hv1', path, 'here\n');
        assert.equal(await out(['cat', path]), 'here\n');
        assert.equal(existsSync(path), false, `${path} is seen outside`);
        assert.equal(
          (await lab.exec('hv2', ['test', '-e', path], { accept: 'any' })).code,
          1,
          `${path} is seen on hv2`,
        );
      }
      assert.equal(await pings(lab, 'hv1', 'hv2'), true);
      assert.equal(await pings(lab, 'hv2', 'hv1.storage'), true);
      assert.equal(await pings(lab, 'outside', '10.10.2.12'), true);
      assert.match(await out(['ls', '/var/lib/pvc-guest']), /disk\.img/);
      assert.equal(await out(['ls', '/srv/pvc-lab']), '');
    });
  });

  it('reaps what its processes leave behind', async () => {
    await withLab(bare, async (lab) => {
      await lab.exec('hv1', ['sh', '-c', 'for i in 1 2 3 4 5; do setsid sh -c "sleep 0.321 &"; done']);
      const states = async () => (await lab.exec('hv1', ['sh', '-c', 'cat /proc/[0-9]*/stat'])).stdout.split('\n');
      await waitFor(
        'the orphans to have ended',
        async () => (await lab.exec('hv1', ['pgrep', '-f', '^sleep 0.321'], { accept: 'any' })).code === 1,
      );
      assert.deepEqual(
        (await states()).filter((line) => /\) Z /.test(line)),
        [],
      );
    });
  });

  it('loses everything but its disk when its power is cut', async () => {
    await withLab({ ...bare, nodes: 2 }, async (lab) => {
      await lab.writeFile('hv1', '/var/lib/kept', 'kept\n');
      await lab.writeFile('hv1', '/run/lost', 'lost\n');
      await lab.exec('hv1', ['setsid', '--fork', 'sh', '-c', 'exec >/dev/null 2>&1 </dev/null sleep 4242']);
      const bootId = () => lab.readFile('hv1', '/proc/sys/kernel/random/boot_id');
      const firstBoot = await bootId();
      assert.equal(await bootId(), firstBoot);
      await lab.power('hv1', 'off');
      assert.equal((await run(['pgrep', '-f', '^sleep 4242$'], { accept: 'any' })).code, 1);
      assert.equal(await pings(lab, 'hv2', 'hv1'), false);
      await assert.rejects(lab.exec('hv1', ['true']), /hv1 is off/);
      await lab.power('hv1', 'on');
      assert.equal(await lab.readFile('hv1', '/var/lib/kept'), 'kept\n');
      await assert.rejects(lab.readFile('hv1', '/run/lost'), /ENOENT/);
      assert.notEqual(await bootId(), firstBoot);
      assert.equal(await pings(lab, 'hv2', 'hv1'), true);
    });
  });

  it('has cables that can be pulled one by one', async () => {
    await withLab({ ...bare, nodes: 2 }, async (lab) => {
      await lab.cable('hv1', 'cluster', 'down');
      assert.equal(await pings(lab, 'hv2', 'hv1.cluster'), false);
      assert.equal(await pings(lab, 'hv2', 'hv1.storage'), true);
      const { stdout } = await lab.exec('hv1', ['cat', '/sys/class/net/cluster/carrier']);
      assert.equal(stdout, '0\n');
      await lab.cable('hv1', 'cluster', 'up');
      await waitFor('the link to work again', () => pings(lab, 'hv2', 'hv1.cluster'));
    });
  });

  it('lives beside another lab with the same addresses, and goes without it', async () => {
    await withLab(bare, async (one) => {
      await withLab(bare, async (two) => {
        await two.writeFile('hv1', '/var/lib/whose', 'two\n');
        await assert.rejects(one.readFile('hv1', '/var/lib/whose'), /ENOENT/);
      });
      assert.equal(await pings(one, 'hv1', '10.10.2.1'), true);
    });
  });

  it('publishes a port of a node on the loopback', async () => {
    await withLab(bare, async (lab) => {
      const hello = `require('node:net').createServer((s) => s.end('hello from ' + require('node:os').hostname())).listen(7370, '127.0.0.1')`;
      await lab.exec('hv1', [
        'setsid',
        '--fork',
        'sh',
        '-c',
        'exec </dev/null >/dev/null 2>&1; exec "$@"',
        'sh',
        process.execPath,
        '-e',
        hello,
      ]);
      await using published = await lab.publish('hv1', 7370);
      const said = await waitFor('the node to answer', async () => {
        const { stdout } = await run(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${published.port}; cat <&3`], {
          accept: 'any',
        });
        return stdout !== '' && stdout;
      });
      assert.equal(said, 'hello from hv1');
    });
  });

  it('is removed when `up` fails half-way', async () => {
    const name = `broken-${process.pid}`;
    // In the way of the second node's namespace.
    await run(['ip', 'netns', 'add', `pvclab.${name}.hv2`]);
    try {
      const { code, stderr } = await run([...cli, 'up', '--name', name, '--nodes', '2', '--bare', '--dev'], {
        accept: 'any',
      });
      assert.deepEqual(
        { code, stderr },
        { code: 0, stderr: '' },
        'a namespace left behind by a power cut is no obstacle',
      );
    } finally {
      await takeDown(name);
    }
    assert.deepEqual(await leftovers(name), []);

    await run(['ip', 'netns', 'add', `pvclab.${name}.outside`]);
    const { code, stderr } = await run([...cli, 'up', '--name', name, '--bare', '--dev'], { accept: 'any' });
    assert.equal(code, 1);
    assert.match(stderr, /File exists/);
    assert.deepEqual(await leftovers(name), []);
  });

  for (const [when, isFarEnough] of [
    ['at once', async () => true],
    ['after its fabric', async (name: string) => (await namespacesOf(name)).length >= 2],
    ['with its first node', async (name: string) => (await namespacesOf(name)).some((each) => each.endsWith('.hv1'))],
  ] as const) {
    it(`is removed when \`up\` is interrupted ${when}`, async () => {
      const name = `cut-${process.pid}`;
      const child = spawn(cli[0] ?? '', [...cli.slice(1), 'up', '--name', name, '--nodes', '6', '--bare', '--dev'], {
        detached: true,
      });
      const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
      await waitFor(when, () => isFarEnough(name), { everyMs: 5 });
      // The whole process group, as Ctrl-C in a terminal does.
      process.kill(-(child.pid ?? 0), 'SIGINT');
      const [code, signal] = await ended;
      assert.deepEqual(await leftovers(name), []);
      if (when !== 'at once') assert.deepEqual({ code, signal }, { code: 130, signal: null });
    });
  }

  it('is removed by `down` after `up` was killed', async () => {
    const name = `dead-${process.pid}`;
    const child = spawn(cli[0] ?? '', [...cli.slice(1), 'up', '--name', name, '--nodes', '6', '--bare', '--dev'], {
      detached: true,
    });
    const ended = once(child, 'exit');
    await waitFor('the second node', async () => (await namespacesOf(name)).some((each) => each.endsWith('.hv2')), {
      everyMs: 5,
    });
    process.kill(child.pid ?? 0, 'SIGKILL');
    await ended;
    assert.notDeepEqual(await leftovers(name), []);
    await run([...cli, 'down', '--name', name]);
    assert.deepEqual(await leftovers(name), []);
  });
});
