/**
 * What survives what: the daemon killed at any moment of each operation, libvirtd killed and hung, guests
 * destroyed behind our back. Guests run on, tasks end, nothing is stuck, and never is there a second copy.
 * @module
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestGuest } from './test-guest.ts';
import { suiteLab } from './test-lab.ts';

const node = 'hv1';

describe('a node whose daemons die', () => {
  const lab = suiteLab();

  const virsh = (...argv: string[]) => lab().exec(node, ['virsh', '-q', ...argv]);

  /** QEMU processes by the name of their guest, as the kernel sees them. */
  const qemus = async (): Promise<string[]> => {
    const { stdout } = await lab().exec(node, [
      'sh',
      '-c',
      'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline 2>/dev/null | grep -o "^[^ ]*qemu-system[^ ]* -name guest=[^,]*"; done; true',
    ]);
    return [...stdout.matchAll(/guest=(\S+)/g)].map(([, name]) => name ?? '').sort();
  };

  const answers = () =>
    lab().waitFor('the cluster to answer', async () => (await lab().pvc(node, ['cluster', 'status'])).code === 0);

  /** Every task has ended, and libvirt, kernel and store agree on what runs. */
  const settled = (): Promise<unknown> =>
    lab().waitFor(
      'tasks to end and everybody to agree',
      async () => {
        const [tasks, guests, running] = [
          await lab().ask(node, 'task.list', { state: 'active' }),
          await lab().ask(node, 'vm.list', {}),
          await qemus(),
        ];
        const wanted = guests
          .filter((guest) => guest.run === 'running')
          .map((guest) => guest.name)
          .sort();
        const told = guests
          .filter((guest) => guest.state === 'running')
          .map((guest) => guest.name)
          .sort();
        return (
          tasks.length === 0 &&
          JSON.stringify(wanted) === JSON.stringify(running) &&
          JSON.stringify(told) === JSON.stringify(running)
        );
      },
      { timeoutMs: 120_000 },
    );

  /** Pid of libvirtd inside the node. */
  const libvirtd = async (): Promise<string> => (await lab().exec(node, ['pidof', '-s', 'libvirtd'])).stdout.trim();

  it('leaves a guest that nobody touches alone, however often its daemon is killed', async () => {
    const calm = await TestGuest.create(lab(), 'calm', { args: ['--start'] });
    let life = await calm.counts();
    for (let round = 0; round < 3; round += 1) {
      await lab().daemon(node, 'kill');
      await answers();
      life = await calm.countsOn(life);
    }
    assert.equal((await calm.info()).state, 'running');
    assert.deepEqual(await qemus(), ['calm']);
  });

  it('ends every operation in the middle of which its daemon is killed', async () => {
    const calm = await TestGuest.find(lab(), 'calm');
    const before = await calm.counts();
    const victim = await TestGuest.create(lab(), 'victim');
    (await victim.run('meta', '--shutdown-timeout', '20')).ok();
    // From before the command has reached the daemon to after the work is done.
    const moments: readonly (readonly [verb: string, args: readonly string[], afterMs: number])[] = [
      ['start', [], 300],
      ['restart', ['--force'], 450],
      ['stop', [], 250],
      ['start', [], 600],
      ['set memory', ['176'], 350],
      ['nic add', ['brupstream'], 400],
      ['restart', [], 900],
      ['pause', [], 300],
      ['restart', ['--force'], 1_200],
      ['shutdown', [], 500],
      ['start', [], 1_000],
      ['stop', [], 40],
    ];
    const committedBefore = (await lab().ask(node, 'cluster.audit', { limit: 1_000 })).length;
    for (const [verb, args, afterMs] of moments) {
      const asked = victim.run(verb, ...args, '--no-wait');
      await sleep(afterMs);
      await lab().daemon(node, 'kill');
      // Either it was committed before the kill or not at all; the command itself may have lost its answer.
      await asked;
      await answers();
      // A paused guest is meant to run; it shall count as such below.
      if ((await victim.info()).state === 'paused') (await victim.run('resume')).ok();
      await settled();
      assert.ok((await qemus()).filter((name) => name === 'victim').length <= 1, `one copy after ${verb}`);
    }
    const committed = (await lab().ask(node, 'cluster.audit', { limit: 1_000 })).length - committedBefore;
    assert.ok(
      committed >= 4,
      `only ${committed} operations were committed before their daemon was killed: the moments are too early to tell anything`,
    );
    const ended = await lab().ask(node, 'task.list', {});
    assert.deepEqual(
      ended.filter((task) => !['succeeded', 'failed', 'cancelled'].includes(task.state)),
      [],
    );
    (await victim.run('stop')).ok();
    await settled();
    (await victim.run('undefine')).ok();
    await calm.countsOn(before);
  });

  it('starts libvirtd again when it is killed, and tells the truth meanwhile', async () => {
    const calm = await TestGuest.find(lab(), 'calm');
    const before = await calm.counts();
    const pid = await libvirtd();
    await lab().exec(node, ['kill', '-KILL', pid]);
    await lab().waitFor('another libvirtd', async () => {
      const now = await libvirtd();
      return now !== '' && now !== pid;
    });
    await calm.countsOn(before);
    (await calm.run('pause')).ok();
    await calm.becomes('paused');
    (await calm.run('resume')).ok();
    await calm.becomes('running');
    await lab().waitFor('no fault to be left', async () => (await lab().ask(node, 'fault.list', {})).length === 0, {
      timeoutMs: 60_000,
    });
  });

  it('notices a libvirtd that hangs, says so, and goes on when it is back', async () => {
    const calm = await TestGuest.find(lab(), 'calm');
    const before = await calm.counts();
    const pid = await libvirtd();
    await lab().exec(node, ['kill', '-STOP', pid]);
    try {
      await lab().waitFor(
        'the fault',
        async () => (await lab().ask(node, 'fault.list', {})).some((fault) => fault.id.includes('libvirt')),
        { timeoutMs: 60_000 },
      );
      assert.equal((await calm.info()).run, 'running');
    } finally {
      await lab().exec(node, ['kill', '-CONT', pid]);
    }
    await calm.countsOn(before);
    await lab().waitFor('the fault to clear', async () => (await lab().ask(node, 'fault.list', {})).length === 0, {
      timeoutMs: 90_000,
    });
    (await calm.run('pause')).ok();
    (await calm.run('resume')).ok();
  });

  it('starts a guest again that was destroyed behind its back, and not one that is meant to be stopped', async () => {
    const calm = await TestGuest.find(lab(), 'calm');
    const before = await calm.counts();
    await virsh('destroy', 'calm');
    await calm.counts(before);
    const idle = await TestGuest.create(lab(), 'idle', { args: ['--start'] });
    await idle.counts();
    (await idle.run('stop')).ok();
    await settled();
    assert.deepEqual(await qemus(), ['calm']);
  });

  it('starts a guest again whose QEMU dies, each time', async () => {
    const crasher = await TestGuest.create(lab(), 'crasher', { args: ['--start'] });
    for (let round = 0; round < 3; round += 1) {
      const pid = await lab().waitFor(
        'a QEMU of the guest',
        async () =>
          (await lab().exec(node, ['pgrep', '-f', 'qemu-system.*guest=crasher,'])).stdout.trim().split('\n')[0],
      );
      await lab().exec(node, ['kill', '-KILL', pid]);
      await lab().waitFor('another QEMU', async () => {
        const now = (await lab().exec(node, ['pgrep', '-f', 'qemu-system.*guest=crasher,'])).stdout
          .trim()
          .split('\n')[0];
        return now !== undefined && now !== '' && now !== pid;
      });
    }
    await crasher.becomes('running');
    (await crasher.run('stop')).ok();
    await settled();
  });

  it('leaves a guest alone that somebody runs by hand', async () => {
    await lab().writeFile(
      node,
      '/tmp/foreign.xml',
      "<domain type='qemu'><name>foreign</name><memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os></domain>\n",
    );
    assert.equal((await virsh('create', '/tmp/foreign.xml')).code, 0);
    await lab().daemon(node, 'kill');
    await answers();
    await sleep(3_000);
    assert.deepEqual(await qemus(), ['calm', 'foreign']);
    await virsh('destroy', 'foreign');
  });
});
