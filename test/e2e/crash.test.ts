/**
 * What survives what: daemons that are killed or hang, guests that are destroyed, crash or are started behind
 * our back. Guests run on, intents hold, and never is there a second copy. Kills in the middle of operations
 * are in `crash-moments.test.ts`.
 * @module
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { daemonPid, qemus } from './node-process.ts';
import { settled } from './settled.ts';
import { TestGuest } from './test-guest.ts';
import { suiteLab } from './test-lab.ts';

const node = 'hv1';

describe('a node whose daemons die', () => {
  const lab = suiteLab();

  const virsh = (...argv: string[]) => lab().exec(node, ['virsh', '-q', ...argv]);

  const running = async (): Promise<string[]> => [...(await qemus(lab(), node)).keys()].sort();

  const libvirtd = (): Promise<number> => daemonPid(lab(), node, 'libvirtd');

  const faults = () => lab().ask(node, 'fault.list', {});

  const answers = () =>
    lab().waitFor('the cluster to answer', async () => (await lab().pvc(node, ['cluster', 'status'])).code === 0);

  it('leaves a guest that nobody touches alone, however often its daemon is killed', async () => {
    const calm = await TestGuest.create(lab(), 'calm', { args: ['--start'] });
    let life = await calm.counts();
    for (let round = 0; round < 3; round += 1) {
      await lab().daemon(node, 'kill');
      await answers();
      life = await calm.countsOn(life);
    }
    assert.equal((await calm.info()).state, 'running');
    assert.deepEqual(await running(), ['calm']);
  });

  it('starts libvirtd again when it is killed, and tells the truth meanwhile', async () => {
    const calm = await TestGuest.find(lab(), 'calm');
    const before = await calm.counts();
    const pid = await libvirtd();
    process.kill(pid, 'SIGKILL');
    await lab().waitFor('another libvirtd', async () => (await libvirtd()) !== pid);
    await calm.countsOn(before);
    (await calm.run('pause')).ok();
    await calm.becomes('paused');
    (await calm.run('resume')).ok();
    await calm.becomes('running');
    await lab().waitFor('no fault to be left', async () => (await faults()).length === 0, {
      timeoutMs: 60_000,
    });
  });

  it('notices a libvirtd that hangs, says so, and goes on when it is back', async () => {
    const calm = await TestGuest.find(lab(), 'calm');
    const before = await calm.counts();
    const pid = await libvirtd();
    process.kill(pid, 'SIGSTOP');
    try {
      await lab().waitFor('the fault', async () => (await faults()).some((fault) => fault.id.includes('libvirt')), {
        timeoutMs: 60_000,
      });
      assert.equal((await calm.info()).run, 'running');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await calm.countsOn(before);
    await lab().waitFor('the fault to clear', async () => (await faults()).length === 0, {
      timeoutMs: 90_000,
    });
    (await calm.run('pause')).ok();
    (await calm.run('resume')).ok();
  });

  it('starts a guest again that was destroyed behind its back, and tells so', async () => {
    const calm = await TestGuest.find(lab(), 'calm');
    const before = await calm.counts();
    await virsh('destroy', 'calm');
    await calm.bootsAgain(before);
    const info = await calm.becomes('running');
    assert.deepEqual([info.ends?.count, info.ends?.reason], [1, 'destroyed']);
    const events = await lab().ask(node, 'event.list', { kind: 'vm', object: 'calm' });
    // The end may be told before its reason is known: "gone", then "destroyed", in two events.
    const told = events.map(({ summary }) => summary);
    const ended = told.findLastIndex((one) => /state running → stopped/.test(one));
    const again = told.findIndex((one, at) => at > ended && /state stopped → running/.test(one));
    assert.ok(ended >= 0 && again > ended, JSON.stringify(told));
    assert.ok(
      told.slice(ended, again).some((one) => /destroyed/.test(one)),
      JSON.stringify(told),
    );
  });

  it('ends a guest that is meant to be stopped, whoever started it', async () => {
    const idle = await TestGuest.create(lab(), 'idle', { args: ['--start'] });
    const { xml } = await lab().ask(node, 'vm.live-xml', { vm: 'idle' });
    (await idle.run('stop')).ok();
    await settled(lab(), node);
    await lab().writeFile(node, '/tmp/idle.xml', xml);
    await virsh('create', '/tmp/idle.xml');
    await settled(lab(), node);
    assert.deepEqual(await running(), ['calm']);
    await lab().daemon(node, 'kill');
    await answers();
    await settled(lab(), node);
    assert.deepEqual(await running(), ['calm']);
  });

  it('starts a guest again whose QEMU dies, after longer and longer pauses, and says so', async () => {
    const crasher = await TestGuest.create(lab(), 'crasher', { args: ['--start'] });
    let last: number | undefined;
    for (let round = 0; round < 3; round += 1) {
      last = await lab().waitFor('another QEMU', async () => {
        const [pid] = (await qemus(lab(), node)).get('crasher') ?? [];
        return pid !== last && pid;
      });
      // Not before libvirt counts it as running: a QEMU that dies earlier is a failed start.
      await lab().waitFor(
        'libvirt to know it',
        async () => (await virsh('domstate', 'crasher')).stdout === 'running\n',
      );
      process.kill(last, 'SIGKILL');
    }
    const info = await crasher.waitFor('have been started anew', async () => {
      const now = await crasher.info();
      return now.state === 'running' && now.ends?.count === 3 && now;
    });
    assert.ok(['crashed', 'failed'].includes(info.ends?.reason ?? ''), info.ends?.reason);
    assert.ok((await faults()).some(({ message }) => /crasher ends again and again: 3 times/.test(message)));
    assert.match((await crasher.run('info')).stdout, /^Ended by itself: +3 times of late/m);
    (await crasher.run('stop')).ok();
    await settled(lab(), node);
    assert.deepEqual(await faults(), []);
  });

  it('starts a guest again that panics', async () => {
    const before = (await lab().ask(node, 'event.list', { kind: 'vm' })).at(-1)?.seq ?? 0;
    const boom = await TestGuest.create(lab(), 'boom', { cmdline: 'pvc.crash=1', args: ['--start'] });
    const first = await boom.waitFor('boot', () => boom.life());
    await boom.bootsAgain(first);
    assert.match(await boom.console(), /Kernel panic/);
    const events = await lab().ask(node, 'event.list', { kind: 'vm', object: 'boom' });
    assert.ok(
      events.some(({ seq, summary }) => seq > before && /running → stopped.*crashed/.test(summary)),
      JSON.stringify(events),
    );
    (await boom.run('stop')).ok();
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
    // Long enough for the new daemon to have looked at all that libvirt has.
    await sleep(3_000);
    await settled(lab(), node, ['foreign']);
    assert.deepEqual(await running(), ['calm', 'foreign']);
    assert.equal((await lab().pvc(node, ['vm', 'info', 'foreign'])).code, 3);
    await virsh('destroy', 'foreign');
  });
});
