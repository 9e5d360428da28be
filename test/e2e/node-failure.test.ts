/**
 * A node loses its power: its guests on replicated volumes run elsewhere within seconds, on proof, and it comes back clean.
 * One whose daemon hangs is switched off by its BMC, and on again.
 */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { guestDirectory } from '../lab/boot-script.ts';
import { bmcOf, nodeOf } from '../lab/topology.ts';
import { suiteLab } from './test-lab.ts';
import { makeStorage } from './test-storage.ts';

const patient = { timeoutMs: 180_000 };

describe('a node that dies', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  let uuid = '';
  const run = async (...args: string[]) => (await lab().pvc('hv1', [...args, '--yes'])).ok();
  /** How often it has booted there. */
  const boots = async (node: string) => {
    const log = `/var/log/pvc/console/${uuid}.log`;
    const { stdout } = await lab().exec(node, ['grep', '-c', 'pvc-guest boot', log], { accept: 'any' });
    return Number(stdout.trim() || 0);
  };
  const daemonTail = async () => (await lab().exec('hv3', ['tail', '-n', '40', '/var/log/lab/pvcd.log'])).stdout;
  const create = (name: string, ...more: string[]) =>
    run('vm', 'create', name, '--memory', '160', '--graphics', 'none', '--node', 'hv3', ...more);

  before(async () => {
    await makeStorage(lab());
    await lab().exec('hv1', [
      'qemu-img',
      'convert',
      '-O',
      'qcow2',
      `${guestDirectory}/disk.img`,
      '/var/lib/guest.qcow2',
    ]);
    await run('storage', 'volume', 'upload', 'vms/web', '/var/lib/guest.qcow2');
    await run('storage', 'volume', 'add', 'vms/off', '16M');
    await create('web', '--disk', 'volume=vms/web', '--start');
    await create('off', '--disk', 'volume=vms/off');
    ({ uuid } = await lab().ask('hv1', 'vm.info', { vm: 'web' }));
    await lab().waitFor('the guest to boot', async () => (await boots('hv3')) === 1, { timeoutMs: 120_000 });
    if ((await lab().primary('hv1')) === 'hv3') await run('node', 'primary', 'hv1');
  });

  it('has its guest run on another node, on the proof that the storage lets it in no more', async (t: TestContext) => {
    const beganMs = performance.now();
    const cutMs = Date.now();
    await lab().power('hv3', 'off');
    const since = (): string => `${((performance.now() - beganMs) / 1000).toFixed(1)} s after the power cut`;
    const place = await lab().waitFor(
      'the guest to be placed elsewhere',
      async () => {
        const { node } = await lab().ask('hv1', 'vm.info', { vm: 'web' });
        return node !== 'hv3' && node;
      },
      { timeoutMs: 120_000 },
    );
    t.diagnostic(`placed on ${place} ${since()}`);
    await lab().waitFor('it to boot there', async () => (await boots(place)) > 0, { timeoutMs: 180_000, everyMs: 100 });
    t.diagnostic(`its kernel ran on ${place} ${since()}`);
    const [fence] = await lab().ask('hv1', 'node.fences', {});
    assert.ok(fence);
    assert.deepEqual(
      [fence.node, fence.by, fence.state, fence.waiting, fence.recovered.map(({ object, to }) => [object, to])],
      ['hv3', 'pvc', 'force', [], [['web', place]]],
    );
    assert.match(fence.evidence[0]?.text ?? '', /Ceph refuses every client at /);
    for (const [what, atMs] of [
      ['opened', fence.openedMs],
      ['proven', fence.evidence[0]?.atMs ?? Number.NaN],
      ['placed', fence.recovered[0]?.atMs ?? Number.NaN],
    ] as const)
      t.diagnostic(`${what} ${((atMs - cutMs) / 1000).toFixed(1)} s after the power cut`);
    const [block] = await lab().ask('hv1', 'storage.block-list', {});
    assert.deepEqual([block?.node, block?.state], ['hv3', 'blocked']);
    const off = await lab().ask('hv1', 'vm.info', { vm: 'off' });
    assert.deepEqual([off.run, off.node], ['stopped', 'hv3']);
    const shown = (await lab().pvc('hv1', ['node', 'fences'])).ok().stdout;
    assert.match(shown, /Ceph refuses every client/);
    assert.match(shown, new RegExp(`web +${place}`));
  });

  it('is let in again when it is back, without its guest', async () => {
    await lab().power('hv3', 'on');
    await lab().waitFor(
      'its fence to end',
      async () => (await lab().ask('hv1', 'node.fences', {}))[0]?.state === 'ended',
      { timeoutMs: 240_000 },
    );
    assert.deepEqual(await lab().ask('hv1', 'storage.block-list', {}), []);
    // What was fenced of it is free again while its daemon still starts.
    const shown = async () => {
      const row = (await lab().ask('hv1', 'node.list', {})).find(({ name }) => name === 'hv3');
      return [row?.daemon, row?.domainState];
    };
    await lab().waitFor('it to run', async () => (await shown())[0] === 'run', { timeoutMs: 30_000 });
    assert.deepEqual(await shown(), ['run', 'ready']);
    const web = await lab().ask('hv1', 'vm.info', { vm: 'web' });
    assert.deepEqual([web.state, web.node !== 'hv3'], ['running', true]);
    assert.equal((await lab().exec('hv3', ['virsh', '-q', 'list', '--name'])).stdout.trim(), '');
    assert.deepEqual(await lab().ask('hv1', 'node.fences', { node: 'hv2' }), []);
  });

  it('ends its guest itself when it is cut off, and others start it', async (t: TestContext) => {
    await run('vm', 'migrate', 'web', '--node', 'hv3', '--method', 'shutdown');
    const runsOn = async (node: string) =>
      (await lab().exec(node, ['virsh', '-q', 'list', '--name'])).stdout.includes('web');
    await lab().waitFor('the guest to run on hv3', () => runsOn('hv3'), { timeoutMs: 120_000 });
    const beganMs = performance.now();
    const since = (): string => `${((performance.now() - beganMs) / 1000).toFixed(1)} s after the cut`;
    await lab().silence('hv3', 'cluster');
    await lab().waitFor('the guest to be ended on hv3', async () => !(await runsOn('hv3')), {
      timeoutMs: 120_000,
      everyMs: 200,
    });
    t.diagnostic(`ended ${since()}`);
    // What it names as ended comes with libvirt's answer, which may be later than the end itself.
    let told: unknown;
    await lab().waitFor(
      'hv3 to tell of it',
      async () => {
        const { session, lost } = await lab().ask('hv3', 'node.liveness', {});
        told = [session, lost?.finding, lost?.ended];
        return isDeepStrictEqual(told, ['lost', 'isolated', ['web']]);
      },
      { timeoutMs: 60_000, evidence: async () => `${JSON.stringify(told)}\n${await daemonTail()}` },
    );
    await lab().waitFor(
      'the guest to run elsewhere',
      async () => (await Promise.all(['hv1', 'hv2'].map((node) => runsOn(node)))).includes(true),
      { timeoutMs: 180_000 },
    );
    t.diagnostic(`runs elsewhere ${since()}`);
    await lab().endSilence('hv3', 'cluster');
    await lab().waitFor(
      'its fence to end',
      async () => (await lab().ask('hv1', 'node.fences', {}))[0]?.state === 'ended',
      { timeoutMs: 240_000 },
    );
    const { last } = await lab().ask('hv1', 'node.liveness', { node: 'hv3' });
    assert.deepEqual([last?.finding, last?.ended], ['isolated', ['web']]);
  });

  it('is switched off by its BMC when its daemon hangs, which is proof for a guest without volumes, and on again', async (t: TestContext) => {
    const bmc = bmcOf(nodeOf(lab().record.topology, 'hv3'));
    await lab().writeFile('hv1', '/root/bmc', `${bmc.password}\n`);
    const where = ['--address', bmc.address, '--user', bmc.user, '--password-file', '/root/bmc'];
    await run('node', 'bmc', 'set', 'hv3', ...where, '--cipher-suite', '3');
    await create('bare', '--start');
    const bootsBefore = await boots('hv3');
    await run('vm', 'migrate', 'web', '--node', 'hv3', '--method', 'shutdown');
    await lab().waitFor('web to boot on hv3', async () => (await boots('hv3')) === bootsBefore + 1, patient);
    const runsOn = async (name: string): Promise<string | undefined> => {
      const { state, node } = await lab().ask('hv1', 'vm.info', { vm: name });
      return state === 'running' ? node : undefined;
    };
    for (const name of ['bare', 'web'])
      await lab().waitFor(`${name} to run on hv3`, async () => (await runsOn(name)) === 'hv3', patient);
    const hungMs = Date.now();
    await lab().daemon('hv3', 'pause');
    for (const name of ['bare', 'web'])
      await lab().waitFor(
        `${name} to run elsewhere`,
        async () => ['hv1', 'hv2'].includes((await runsOn(name)) ?? ''),
        patient,
      );
    const [fence] = await lab().ask('hv1', 'node.fences', {});
    assert.deepEqual([fence?.node, fence?.waiting], ['hv3', []]);
    const power = fence?.evidence.find(({ kind }) => kind === 'power') ?? assert.fail('no proof by power');
    assert.match(power.text, /was told to cut the power, and reads off/);
    const bare = fence?.recovered.find(({ object }) => object === 'bare') ?? assert.fail('bare is not recovered');
    assert.ok(power.atMs <= bare.atMs);
    for (const [what, atMs] of [
      ['dead', fence?.openedMs ?? Number.NaN],
      ['read as off', power.atMs],
      ['bare placed', bare.atMs],
    ] as const)
      t.diagnostic(`${what} ${((atMs - hungMs) / 1000).toFixed(1)} s after its daemon hung`);
    const ended = await lab().waitFor(
      'it to be switched on again, and its fence to end',
      async () => {
        const [one] = await lab().ask('hv1', 'node.fences', {});
        return one?.state === 'ended' && one;
      },
      { timeoutMs: 240_000 },
    );
    assert.equal(ended.power?.onMs.length, 1);
    assert.equal((await lab().exec('hv3', ['virsh', '-q', 'list', '--name'])).stdout.trim(), '');
    assert.equal(await boots('hv3'), bootsBefore + 1);
    assert.match((await lab().pvc('hv1', ['node', 'fences'])).ok().stdout, /reads off/);
    const socket = ['--unix-socket', '/run/pvc/pvc.sock', 'http://localhost/metrics'];
    const told = await Promise.all(['hv1', 'hv2'].map((node) => lab().exec(node, ['curl', '-sf', ...socket])));
    const metrics = told.map(({ stdout }) => stdout).join('');
    assert.match(metrics, /^pvc_fence_proof_seconds\{(?=.*fenced="hv3")(?=.*proof="power").*\} \d/m);
    assert.match(metrics, /^pvc_fence_recovery_seconds\{(?=.*fenced="hv3")(?=.*result="all").*\} \d/m);
    assert.doesNotMatch(metrics, /^pvc_fence_open\{/m);
  });
});
