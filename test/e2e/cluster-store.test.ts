/** From one node to many: the state moves to ZooKeeper under a running guest, a coordinator is replaced, a backup comes back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { guestDirectory } from '../lab/boot-script.ts';
import { clusterNetwork, floatingAddress } from '../lab/topology.ts';
import { suiteLab, type TestLab, withLab } from './test-lab.ts';

const bootTimeoutMs = 90_000;

const answers = (lab: TestLab, node: string): Promise<true> =>
  lab.waitFor(
    `${node} to run`,
    async () =>
      ((await lab.pvc(node, ['node', 'list', '--format', 'json'])).code === 0 &&
        (await lab.ask(node, 'node.list', {})).some((one) => one.name === node && one.daemon === 'run') &&
        (await lab.primary(node)) !== undefined) as true,
    { timeoutMs: 60_000 },
  );

interface JoinToken {
  readonly token: string;
  readonly expiresMs: number;
}

async function newToken(lab: TestLab, from: string, ...options: string[]): Promise<JoinToken> {
  const made = await lab.pvc(from, ['node', 'token', ...options, '--format', 'json']);
  return (made.json() as { result: JoinToken }).result;
}

/** @returns the token that it has used */
async function joins(lab: TestLab, node: string, from: string): Promise<JoinToken> {
  const made = await newToken(lab, from, '--role', 'coordinator');
  (await lab.pvc(node, ['node', 'join', made.token])).ok();
  await lab.daemon(node, 'start');
  await answers(lab, node);
  return made;
}

async function serving(lab: TestLab, node: string): Promise<string[]> {
  const { stdout } = await lab.pvc(node, ['store', 'status', '--format', 'json']);
  const { servers } = JSON.parse(stdout) as { servers: { node: string; role: string }[] };
  return servers.flatMap((one) => (['leader', 'follower'].includes(one.role) ? [one.node] : [])).sort();
}

describe('a cluster that grows', () => {
  const opened = suiteLab({ nodes: 4, bare: true });

  const count = async (lab: TestLab, node: string, uuid: string): Promise<number> => {
    const { stdout } = await lab.exec(node, ['cat', `/var/log/pvc/console/${uuid}.log`], { accept: 'any' });
    assert.ok([...stdout.matchAll(/pvc-guest boot /g)].length <= 1, 'the guest has booted again');
    return Number([...stdout.matchAll(/pvc-guest counter (\d+)\r?\n/g)].at(-1)?.[1] ?? 0);
  };

  it('moves its state to ZooKeeper while a guest runs, and only when that is safe', async () => {
    const lab = opened();
    (await lab.pvc('hv1', ['cluster', 'init', '--name', 'grow'])).ok();
    await lab.daemon('hv1', 'start');
    await answers(lab, 'hv1');
    const boot = ['--kernel', `${guestDirectory}/vmlinuz`, '--initrd', `${guestDirectory}/initrd`];
    const size = ['--memory', '160', '--graphics', 'none', '--cmdline', 'console=ttyS0 quiet'];
    (await lab.pvc('hv1', ['vm', 'create', 'web1', ...size, ...boot, '--start'])).ok();
    const { uuid } = await lab.ask('hv1', 'vm.info', { vm: 'web1' });
    await lab.waitFor('the guest to count', async () => (await count(lab, 'hv1', uuid)) > 0, {
      timeoutMs: bootTimeoutMs,
    });

    const alone = await lab.pvc('hv1', ['node', 'token']);
    assert.equal(alone.code, 4, alone.stderr);
    const move = ['cluster', 'move-store', '--cluster-network', clusterNetwork, '--floating', floatingAddress];
    const running = await lab.pvc('hv1', move);
    assert.equal(running.code, 4, running.stderr);
    assert.match(running.stderr, /the daemon runs/);
    await lab.daemon('hv1', 'stop');
    const elsewhere = await lab.pvc('hv1', ['cluster', 'move-store', '--cluster-network', '192.0.2.0/24']);
    assert.equal(elsewhere.code, 4, elsewhere.stderr);
    assert.match(elsewhere.stderr, /no address in the cluster network/);

    const before = await count(lab, 'hv1', uuid);
    (await lab.pvc('hv1', move)).ok();
    const twice = await lab.pvc('hv1', move);
    assert.equal(twice.code, 4, twice.stderr);
    await lab.daemon('hv1', 'start');
    await answers(lab, 'hv1');
    const info = await lab.ask('hv1', 'vm.info', { vm: 'web1' });
    assert.deepEqual([info.uuid, info.state], [uuid, 'running']);
    await lab.waitFor('the guest to count on', async () => (await count(lab, 'hv1', uuid)) > before);
  });

  it('takes two more coordinators, and nobody without a token of its own', async () => {
    const lab = opened();
    const { token: ofAnother } = await newToken(lab, 'hv1', '--node', 'hv9');
    const refused = await lab.pvc('hv2', ['node', 'join', ofAnother]);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /the token is for hv9/);
    const damaged = await lab.pvc('hv2', ['node', 'join', ofAnother.slice(0, -5)]);
    assert.equal(damaged.code, 2, damaged.stderr);
    const short = await newToken(lab, 'hv1', '--expires', '1m');
    const { token: used } = await joins(lab, 'hv2', 'hv1');
    await joins(lab, 'hv3', 'hv1');
    const second = await lab.pvc('hv4', ['node', 'join', used]);
    assert.equal(second.code, 4, second.stderr);
    assert.match(second.stderr, /has been used already, by hv2/);
    await lab.waitFor('a token to expire', async () => Date.now() > short.expiresMs, { timeoutMs: 90_000 });
    const late = await lab.pvc('hv4', ['node', 'join', short.token]);
    assert.equal(late.code, 4, late.stderr);
    assert.match(late.stderr, /expired/);
    assert.deepEqual(await serving(lab, 'hv3'), ['hv1', 'hv2', 'hv3']);
    const again = await lab.pvc('hv2', ['node', 'join', ofAnother]);
    assert.equal(again.code, 4, again.stderr);
  });

  it('replaces a coordinator that is destroyed by a fourth machine', async () => {
    const lab = opened();
    await lab.power('hv2', 'off');
    await joins(lab, 'hv4', 'hv3');
    await lab.waitFor('the daemon of hv2 to be missed', async () =>
      (await lab.ask('hv1', 'node.list', {})).some((one) => one.name === 'hv2' && one.daemon === 'dead'),
    );
    (await lab.pvc('hv1', ['node', 'remove', 'hv2', '--yes'])).ok();
    assert.deepEqual(
      (await lab.ask('hv1', 'node.list', {})).map((one) => one.name),
      ['hv1', 'hv3', 'hv4'],
    );
    await lab.waitFor('every node to know the servers', async () => {
      const known = await Promise.all(['hv1', 'hv3', 'hv4'].map((node) => serving(lab, node)));
      return known.every((names) => names.join() === 'hv1,hv3,hv4');
    });
    const last = await lab.pvc('hv1', ['node', 'remove', 'hv3', '--yes']);
    assert.equal(last.code, 4, last.stderr);
    assert.match(last.stderr, /its daemon runs/);
  });

  it('moves the guest to the new machine while it runs', async () => {
    const lab = opened();
    const { uuid } = await lab.ask('hv1', 'vm.info', { vm: 'web1' });
    const before = await count(lab, 'hv1', uuid);
    (await lab.pvc('hv3', ['vm', 'move', 'web1', '--node', 'hv4'])).ok();
    await lab.waitFor('the guest to count on there', async () => (await count(lab, 'hv4', uuid)) > before);
  });

  it('comes back from a backup in another cluster', async () => {
    const lab = opened();
    (await lab.pvc('hv1', ['cluster', 'backup', '/root/state.json'])).ok();
    const text = await lab.readFile('hv1', '/root/state.json');
    assert.doesNotMatch(text, /PRIVATE KEY|pvcjoin_/);
    const defined = await lab.ask('hv1', 'vm.list', {});
    await withLab({ nodes: 1, store: 'zookeeper' }, async (fresh) => {
      await fresh.daemon('hv1', 'stop');
      await fresh.writeFile('hv1', '/root/state.json', text);
      await fresh.writeFile('hv1', '/root/damaged.json', text.replace('web1', 'web2'));
      const damaged = await fresh.pvc('hv1', ['cluster', 'restore', '/root/damaged.json', '--yes']);
      assert.equal(damaged.code, 2, damaged.stderr);
      (await fresh.pvc('hv1', ['cluster', 'restore', '/root/state.json', '--yes'])).ok();
      const twice = await fresh.pvc('hv1', ['cluster', 'restore', '/root/state.json', '--yes']);
      assert.equal(twice.code, 4, twice.stderr);
      await fresh.daemon('hv1', 'start');
      await answers(fresh, 'hv1');
      const restored = await fresh.ask('hv1', 'vm.list', {});
      assert.deepEqual(
        restored.map((one) => [one.name, one.uuid, one.memoryMiB]),
        defined.map((one) => [one.name, one.uuid, one.memoryMiB]),
      );
    });
  });
});
