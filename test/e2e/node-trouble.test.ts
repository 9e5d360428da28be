/**
 * A node in trouble that is not simply dead: cut off from one network or the other, its daemon or its libvirtd standing still, its
 * daemon without time, its BMC lying.
 * A guest that stamps its disk shows that it never wrote from two places, and for how long it was away.
 */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeBmcLie } from '../lab/bmc.ts';
import type { StampLife } from '../lab/stamps.ts';
import { addressOf, bmcOf, nodeOf } from '../lab/topology.ts';
import { daemonPid, qemus } from './node-process.ts';
import { StampingGuest } from './stamping-guest.ts';
import { suiteLab } from './test-lab.ts';
import { makeStorage } from './test-storage.ts';

const patient = { timeoutMs: 240_000, everyMs: 500 };

describe('a node in trouble', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  let guest: StampingGuest;
  let life: StampLife;

  /** The node of the guest, and two others, the first of which is made primary. */
  async function scene(): Promise<{ readonly victim: string; readonly asked: string }> {
    const victim = await guest.node('hv1');
    const asked = lab().nodes.find((node) => node !== victim) ?? assert.fail('no other node');
    if ((await lab().primary(asked)) !== asked) (await lab().pvc(asked, ['node', 'primary', asked])).ok();
    life = await guest.writes(asked, life);
    return { victim, asked };
  }

  const fencesOf = (asked: string, node: string) => lab().ask(asked, 'node.fences', { node });

  /** What the test prints: when something was seen, since the trouble began. */
  function clock(t: TestContext): (what: string) => void {
    const fromMs = performance.now();
    return (what) => t.diagnostic(`${((performance.now() - fromMs) / 1000).toFixed(1)} s: ${what}`);
  }

  /** Waits until the node is let in again, and asserts that nothing of the guest is left there. */
  async function isBack(victim: string, asked: string, tell: (what: string) => void): Promise<void> {
    await lab().waitFor(
      `the fence of ${victim} to end`,
      async () => (await fencesOf(asked, victim))[0]?.state === 'ended',
      patient,
    );
    tell('its fence has ended');
    assert.equal((await qemus(lab(), victim)).get('web'), undefined);
    await lab().waitFor(
      'the storage to be whole',
      async () => {
        const { osds } = await lab().ask(asked, 'storage.status', {});
        return osds.up === lab().nodes.length;
      },
      patient,
    );
  }

  /** The guest goes on elsewhere, once. */
  async function goesOn(victim: string, asked: string, tell: (what: string) => void): Promise<void> {
    const place = await guest.leaves(victim, asked);
    tell(`its guest is placed on ${place}`);
    life = await guest.writes(asked, life, true);
    tell('the guest writes there');
    const [fence] = await fencesOf(asked, victim);
    assert.match(fence?.evidence[0]?.text ?? '', /Ceph refuses every client at /);
  }

  before(async () => {
    await makeStorage(lab());
    guest = await StampingGuest.start(lab(), 'web', 'hv3');
    life = await guest.writes('hv1');
  });

  it('that is cut off from the cluster network ends its guest and is fenced, and the guest goes on elsewhere', async (t: TestContext) => {
    const { victim, asked } = await scene();
    await lab().cable(victim, 'cluster', 'down');
    const tell = clock(t);
    try {
      await goesOn(victim, asked, tell);
      assert.equal((await qemus(lab(), victim)).get('web'), undefined, 'the node ends its copy itself');
    } finally {
      await lab().cable(victim, 'cluster', 'up');
    }
    tell('the cable is back');
    await isBack(victim, asked, tell);
    life = await guest.writes(asked, life);
  });

  it('that is cut off from the storage network alone runs on; its guest waits, and writes on afterwards', async (t: TestContext) => {
    const { victim, asked } = await scene();
    const fences = (await fencesOf(asked, victim)).length;
    await lab().cable(victim, 'storage', 'down');
    const tell = clock(t);
    try {
      await lab().waitFor(
        'Ceph to miss its disk',
        async () => (await lab().ask(asked, 'fault.list', {})).some(({ id }) => id.includes('OSD_DOWN')),
        patient,
      );
      tell('Ceph misses its disk');
      assert.equal(await guest.node(asked), victim);
      assert.equal((await fencesOf(asked, victim)).length, fences, 'a node whose daemon answers is not dead');
    } finally {
      await lab().cable(victim, 'storage', 'up');
    }
    tell('the cable is back');
    life = await guest.writes(asked, life);
    tell('the guest writes on');
  });

  it('whose daemon stands still is fenced, and its guest is ended when it goes on', async (t: TestContext) => {
    const { victim, asked } = await scene();
    await lab().daemon(victim, 'pause');
    const tell = clock(t);
    const stood = delay(20_000);
    try {
      await goesOn(victim, asked, tell);
      assert.equal((await qemus(lab(), victim)).get('web')?.length, 1, 'nobody ends the old copy meanwhile');
      await stood;
    } finally {
      await lab().daemon(victim, 'resume');
    }
    tell('the daemon goes on');
    await isBack(victim, asked, tell);
    life = await guest.writes(asked, life);
  });

  it('that Ceph refuses though nothing asks for it is let in again, and its guest, which has lost its disks, begins anew', async (t: TestContext) => {
    const { victim, asked } = await scene();
    const fences = (await fencesOf(asked, victim)).length;
    const address = addressOf(nodeOf(lab().record.topology, victim), 'storage');
    await lab().exec(asked, ['ceph', 'osd', 'blocklist', 'range', 'add', `${address}/32`]);
    const tell = clock(t);
    life = await guest.writes(asked, life, true);
    tell('the guest writes, in a new boot');
    assert.equal(await guest.node(asked), victim);
    assert.equal((await fencesOf(asked, victim)).length, fences);
    const { stdout } = await lab().exec(asked, ['ceph', 'osd', 'blocklist', 'ls', '--format', 'json']);
    assert.doesNotMatch(stdout, new RegExp(`cidr:${address}:`.replaceAll('.', '\\.')));
    const log = await lab().exec(victim, ['grep', 'has lost its disks', '/var/log/lab/pvcd.log'], { accept: 'any' });
    assert.match(log.stdout, /ended=.*web/);
  });

  it('whose libvirtd hangs says so, is not fenced, and its guest writes on', async (t: TestContext) => {
    const { victim, asked } = await scene();
    const fences = (await fencesOf(asked, victim)).length;
    const pid = await daemonPid(lab(), victim, 'libvirtd');
    const libvirtFault = async () =>
      (await lab().ask(asked, 'fault.list', {})).some(({ id }) => id === `health.libvirt:${victim}`);
    process.kill(pid, 'SIGSTOP');
    const tell = clock(t);
    try {
      await lab().waitFor('a fault', libvirtFault, patient);
      tell('there is a fault');
      life = await guest.writes(asked, life);
      assert.equal((await fencesOf(asked, victim)).length, fences);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await lab().waitFor('the fault to go', async () => !(await libvirtFault()), patient);
    tell('the fault has gone');
    assert.equal(await guest.node(asked), victim);
    life = await guest.writes(asked, life);
  });

  it('whose daemon gets a tenth of the time runs on, and its guest is nowhere else', async (t: TestContext) => {
    const { victim, asked } = await scene();
    const fences = (await fencesOf(asked, victim)).length;
    const tell = clock(t);
    try {
      for (let turn = 0; turn < 30; turn += 1) {
        await lab().daemon(victim, 'pause');
        await delay(900);
        await lab().daemon(victim, 'resume');
        await delay(100);
      }
    } finally {
      await lab().daemon(victim, 'resume');
    }
    tell('it has its time again');
    const more = (await fencesOf(asked, victim)).length - fences;
    t.diagnostic(`fenced ${more} times`);
    // A machine that is busy itself may take the last tenth: then it is fenced, and its guest goes on elsewhere, once.
    if (more === 0) assert.equal(await guest.node(asked), victim);
    else await isBack(victim, asked, tell);
    life = await guest.writes(asked, life, more > 0);
  });

  it('without power whose BMC says for ever that it is on: what the storage proves goes on, the rest waits for the truth', async (t: TestContext) => {
    const { victim, asked } = await scene();
    const plan = nodeOf(lab().record.topology, victim);
    const bmc = bmcOf(plan);
    const run = async (...args: string[]) => (await lab().pvc(asked, [...args, '--yes'])).ok();
    await lab().writeFile(asked, '/root/bmc', `${bmc.password}\n`);
    const where = ['--address', bmc.address, '--user', bmc.user, '--password-file', '/root/bmc'];
    await run('node', 'bmc', 'set', victim, ...where, '--cipher-suite', '3');
    await run('vm', 'create', 'bare', '--memory', '160', '--graphics', 'none', '--node', victim, '--start');
    const bareNode = async () => {
      const { state, node } = await lab().ask(asked, 'vm.info', { vm: 'bare' });
      return state === 'running' ? node : undefined;
    };
    await lab().waitFor('bare to run', async () => (await bareNode()) === victim, patient);
    await makeBmcLie(lab().record, plan, true);
    await lab().power(victim, 'off');
    const tell = clock(t);
    try {
      await goesOn(victim, asked, tell);
      const waiting = await lab().waitFor(
        'the guest without volumes to wait for proof',
        async () => (await fencesOf(asked, victim))[0]?.waiting.find(({ object }) => object === 'bare'),
        patient,
      );
      t.diagnostic(`bare waits: ${waiting.reason}`);
      const fault = await lab().waitFor(
        'a fault to name it',
        async () => (await lab().ask(asked, 'fault.list', {})).find(({ message }) => message.includes('bare')),
        patient,
      );
      assert.equal(fault.severity, 'critical');
      assert.equal((await lab().ask(asked, 'vm.info', { vm: 'bare' })).node, victim);
      const evidence = (await fencesOf(asked, victim))[0]?.evidence ?? [];
      assert.ok(!evidence.some(({ kind }) => kind === 'power'), JSON.stringify(evidence));
    } finally {
      await makeBmcLie(lab().record, plan, false);
    }
    tell('the BMC tells the truth');
    const place = await lab().waitFor(
      'bare to run elsewhere',
      async () => {
        const node = await bareNode();
        return node !== victim && node;
      },
      patient,
    );
    tell(`bare runs on ${place}`);
    await isBack(victim, asked, tell);
    life = await guest.writes(asked, life);
    await run('vm', 'stop', 'bare');
    await run('vm', 'undefine', 'bare');
    await run('node', 'bmc', 'remove', victim);
  });
});
