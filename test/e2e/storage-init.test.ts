/** Storage that comes with the cluster: `pvc cluster init --storage-network` on blank machines, and what keeps it away. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clusterNetwork, floatingAddress, storageNetwork } from '../lab/topology.ts';
import { suiteLab } from './test-lab.ts';

const init = ['cluster', 'init', '--store', 'zookeeper', '--cluster-network', clusterNetwork];
const options = ['--floating', floatingAddress, '--coordinators', '3', '--storage-network'];

describe('a cluster that is made with storage', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3, bare: true });
  const agreeing = async (): Promise<string[]> =>
    (await lab().ask('hv1', 'storage.status', {})).monitors.filter((one) => one.quorum).map((one) => one.name);

  it('is refused, and planned, without a trace', async () => {
    for (const [network, code, text] of [
      ['10.10.1.0/33', 2, /--storage-network: a network is written like/],
      ['10.9.9.0/24', 4, /no address in the storage network 10\.9\.9\.0\/24: hv1/],
      // The floating address is nobody's own.
      [`${floatingAddress}/32`, 4, /no address in the storage network/],
    ] as const) {
      const refused = await lab().pvc('hv1', [...init, ...options, network]);
      assert.equal(refused.code, code, refused.stderr);
      assert.match(refused.stderr, text);
    }
    const plan = (await lab().pvc('hv1', [...init, ...options, storageNetwork, '--plan'])).ok();
    assert.match(plan.stdout, /\+ create node hv1[\s\S]*\+ create ceph storage[\s\S]*network: 10\.10\.1\.0\/24/);
    assert.match(plan.stdout, /then: make the first monitor and manager on hv1/);
    assert.doesNotMatch(plan.stdout, /pvcjoin_|Administrator/);
    assert.equal((await lab().exec('hv1', ['ls', '/var/lib/pvc'], { accept: 'any' })).stdout, '');
  });

  let joinTokens: string[] = [];
  it('runs also when something keeps its storage away, and tells what', async () => {
    const foreign = '[global]\nfsid = 00000000-1111-4222-8333-444444444444\n';
    await lab().writeFile('hv1', '/etc/ceph/ceph.conf', foreign);
    const made = (await lab().pvc('hv1', [...init, ...options, storageNetwork, '--format', 'json'])).ok();
    ({ joinTokens } = JSON.parse(made.stdout) as { joinTokens: string[] });
    assert.equal(joinTokens.length, 2);
    const again = await lab().pvc('hv1', [...init, ...options, storageNetwork, '--plan']);
    assert.equal(again.code, 4, again.stderr);
    await lab().daemon('hv1', 'start');
    await lab().waitFor('the cluster to run and to tell what is wrong', async () => {
      const told = await lab().pvc('hv1', ['fault', 'list']);
      return /ceph\.conf is not PVC's: this machine belongs to another Ceph cluster/.test(told.stdout);
    });
    assert.equal(await lab().primary('hv1'), 'hv1');
    assert.equal(await lab().readFile('hv1', '/etc/ceph/ceph.conf'), foreign);
    const second = await lab().pvc('hv1', ['storage', 'init', '--network', storageNetwork]);
    assert.match(second.stderr, /has its storage already/);

    await lab().exec('hv1', ['rm', '/etc/ceph/ceph.conf']);
    await lab().waitFor('the monitor once the file is away', async () => (await agreeing()).join() === 'hv1', {
      timeoutMs: 90_000,
    });
    await lab().waitFor('the fault to go', async () => {
      const open = await lab().pvc('hv1', ['fault', 'list']);
      return !/is not PVC's/.test(open.stdout);
    });
  });

  it('has a monitor and a manager on each coordinator that joins', async () => {
    for (const [index, node] of ['hv2', 'hv3'].entries()) {
      (await lab().pvc(node, ['node', 'join', joinTokens[index] ?? ''])).ok();
      await lab().daemon(node, 'start');
    }
    await lab().waitFor('three monitors to agree', async () => (await agreeing()).length === 3, { timeoutMs: 90_000 });
    await lab().waitFor('three managers', async () => {
      const { stdout } = await lab().exec('hv3', ['ceph', 'mgr', 'dump', '--format', 'json'], { accept: 'any' });
      if (stdout.trim() === '') return false;
      const map = JSON.parse(stdout) as { active_name: string; standbys: { name: string }[] };
      return map.active_name !== '' && map.standbys.length === 2;
    });
  });
});
