/** Most of a cluster loses power, or all of it: everything comes back unattended, and no guest ever runs twice. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import type { StampLife } from '../lab/stamps.ts';
import { qemus } from './node-process.ts';
import { StampingGuest } from './stamping-guest.ts';
import { suiteLab } from './test-lab.ts';
import { makeStorage } from './test-storage.ts';

const patient = { timeoutMs: 300_000, everyMs: 500 };

describe('a cluster that loses power', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  let guest: StampingGuest;
  let life: StampLife;

  /** Every daemon runs, as one of them tells, every disk and monitor works, and no fence is open. */
  async function isWhole(asked: string): Promise<void> {
    await lab().waitFor(
      'the cluster to be whole again',
      async () => {
        const nodes = await lab().ask(asked, 'node.list', {});
        const { osds, monitors } = await lab().ask(asked, 'storage.status', {});
        const fences = await lab().ask(asked, 'node.fences', {});
        return (
          nodes.every(({ daemon, domainState }) => daemon === 'run' && domainState === 'ready') &&
          nodes.some(({ coordinator }) => coordinator === 'primary') &&
          osds.up === nodes.length &&
          monitors.every(({ quorum }) => quorum) &&
          fences.every(({ state }) => state === 'ended')
        );
      },
      patient,
    );
  }

  /** By the number of the disk: its address with the number of its life, as Ceph's map has it. */
  async function lives(asked: string): Promise<Map<number, string>> {
    const { stdout } = await lab().exec(asked, ['timeout', '30', 'ceph', 'osd', 'dump', '--format', 'json']);
    const { osds } = JSON.parse(stdout) as { osds: readonly { osd: number; public_addr: string }[] };
    return new Map(osds.map(({ osd, public_addr }) => [osd, public_addr]));
  }

  before(async () => {
    await makeStorage(lab());
    guest = await StampingGuest.start(lab(), 'web', 'hv1');
    life = await guest.writes('hv1');
  });

  it('at two of its three nodes ends the guest of the third, which cannot know, and starts it when they are back', async (t: TestContext) => {
    const fromMs = performance.now();
    const tell = (what: string) => t.diagnostic(`${((performance.now() - fromMs) / 1000).toFixed(1)} s: ${what}`);
    await Promise.all(['hv2', 'hv3'].map((node) => lab().power(node, 'off')));
    await lab().waitFor('the guest to be ended', async () => !(await qemus(lab(), 'hv1')).has('web'), patient);
    tell('the guest is ended');
    const status = await lab().pvc('hv1', ['store', 'status']);
    assert.equal(status.code, 7, status.stdout);
    const refused = await lab().pvc('hv1', ['vm', 'meta', 'web', '--priority', '600']);
    assert.notEqual(refused.code, 0, refused.stdout);
    await Promise.all(['hv2', 'hv3'].map((node) => lab().power(node, 'on')));
    tell('the others have power again');
    life = await guest.writes('hv1', life, true);
    tell('the guest has booted and writes on');
    await isWhole('hv1');
    tell('the cluster is whole');
    assert.equal(await guest.node('hv1'), 'hv1');
  });

  it('at all of them comes back by itself, with its guest', async (t: TestContext) => {
    const before = await lives('hv1');
    await Promise.all(lab().nodes.map((node) => lab().power(node, 'off')));
    const fromMs = performance.now();
    const tell = (what: string) => t.diagnostic(`${((performance.now() - fromMs) / 1000).toFixed(1)} s: ${what}`);
    await Promise.all(lab().nodes.map((node) => lab().power(node, 'on')));
    life = await guest.writes('hv2', life, true);
    tell('the guest has booted and writes on');
    await isWhole('hv2');
    tell('the cluster is whole');
    assert.equal(await guest.node('hv2'), 'hv1');
    for (const node of ['hv2', 'hv3']) assert.equal((await qemus(lab(), node)).get('web'), undefined);
    // No monitor was left to say that the disks are down. One that comes back as the life before it is never let in again,
    // and pids, which Ceph takes to tell lives apart unless PVC has it draw a number, are often the same in the next boot.
    const after = await lives('hv1');
    assert.equal(after.size, lab().nodes.length);
    for (const [osd, address] of after) assert.notEqual(address, before.get(osd), `osd.${osd}`);
    for (const node of lab().nodes) {
      const pid = (await lab().exec(node, ['pgrep', '-x', 'ceph-osd'])).stdout.trim();
      for (const address of after.values())
        assert.ok(!address.endsWith(`/${pid}`), `${address} has the pid on ${node}`);
    }
  });
});
