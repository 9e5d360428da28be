/** Storage that hangs, dies, half-answers: what needs none works on, and what comes back is taken up by itself. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { daemonPid, nodeProcesses } from './node-process.ts';
import { NodeSession } from './node-session.ts';
import { TestGuest } from './test-guest.ts';
import { suiteLab } from './test-lab.ts';
import { makeStorage } from './test-storage.ts';

/** An answer that waited for Ceph takes its five seconds for connecting at least. */
const atOnceMs = 4_000;
const recoverMs = 180_000;

describe('storage that is away', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  let guest: TestGuest;

  const signal = async (daemon: string, nodes: readonly string[], name: NodeJS.Signals): Promise<void> => {
    for (const node of nodes) process.kill(await daemonPid(lab(), node, daemon), name);
  };
  /** Runs `body` while these daemons stand still; they go on afterwards, whatever became of it. */
  const whileStopped = async (daemon: string, nodes: readonly string[], body: () => Promise<void>): Promise<void> => {
    await signal(daemon, nodes, 'SIGSTOP');
    try {
      await body();
    } finally {
      await signal(daemon, nodes, 'SIGCONT');
    }
  };
  const openFaults = async (asked = 'hv2'): Promise<string[]> =>
    (await lab().ask(asked, 'fault.list', {})).map(({ id }) => id).filter((id) => id.startsWith('storage:'));
  const faultComes = (id: string, asked = 'hv2') =>
    lab().waitFor(`the fault ${id}`, async () => (await openFaults(asked)).includes(id), { timeoutMs: 120_000 });
  const allWell = (): Promise<unknown> =>
    lab().waitFor(
      'the storage to be well, and no fault of it to be open',
      async () => {
        const status = await lab().ask('hv2', 'storage.status', {});
        const agreeing = status.monitors.filter((one) => one.quorum).length;
        const well = status.health === 'ok' && status.osds.up === 3 && agreeing === 3;
        return well && (await openFaults()).length === 0;
      },
      { timeoutMs: recoverMs },
    );
  /** How often the guest has had a write to its volume acknowledged. */
  const written = async (): Promise<number> =>
    Number([...(await guest.console()).matchAll(/pvc-guest written (\d+)\r?\n/g)].at(-1)?.[1] ?? 0);
  const writesOn = async (timeoutMs = 60_000): Promise<void> => {
    const known = await written();
    await guest.waitFor('write on', async () => (await written()) > known + 1, timeoutMs);
  };

  /** What needs no storage is answered at once, and the nodes are well. */
  async function othersWorkOn(asked: string): Promise<void> {
    for (const query of ['node.list', 'vm.list', 'cluster.status', 'volume.list', 'storage.status'] as const) {
      const beganMs = performance.now();
      const answer: unknown = await lab().ask(asked, query, {});
      const tookMs = performance.now() - beganMs;
      assert.ok(tookMs < atOnceMs, `${query} took ${tookMs.toFixed(0)} ms`);
      if (query === 'node.list')
        for (const node of answer as { name: string; daemon: string }[])
          assert.equal(node.daemon, 'run', `${node.name} is ${node.daemon} because of the storage`);
    }
  }

  before(async () => {
    await makeStorage(lab());
    (await lab().pvc('hv1', ['storage', 'volume', 'add', 'vms/data', '64M'])).ok();
    guest = await TestGuest.create(lab(), 'writer', { args: ['--node', 'hv1', '--disk', 'volume=vms/data'] });
    (await guest.run('start')).ok();
    await guest.counts();
    await using session = await NodeSession.onTerminal(lab(), 'hv1', ['pvc', 'vm', 'console', 'writer', '--force']);
    const write = 'dd if=/dev/zero of=/dev/vda bs=4096 count=1 conv=notrunc,fsync';
    const loop = `n=0; while :; do ${write} 2>/dev/null && n=$((n+1)) && say written $n; sleep 1; done`;
    session.send(`counter off; (${loop}) </dev/null >/dev/null 2>&1 &\n`);
    await guest.waitFor('write to its volume', async () => (await written()) > 1);
  });

  it('has no pool that nobody asked for', async () => {
    const pools = await lab().exec('hv1', ['ceph', 'osd', 'pool', 'ls']);
    assert.deepEqual(pools.stdout.trim().split('\n'), ['vms']);
    const page = (await lab().exec('hv1', ['pvc', 'cluster', 'status'])).stdout;
    assert.match(page, /Storage:\s+ok, 3 of 3 disks up/);
  });

  it('is measured before it is needed; a benchmark that is cut off goes on and leaves no image', async (t: TestContext) => {
    const options = ['--node', 'hv2', '--seconds', '2', '--size', '64M', '--yes'];
    const run = (...args: string[]) => lab().pvc('hv2', ['storage', 'benchmark', ...args]);
    assert.match((await run('run', 'vms', '--size', '100G', '--yes')).stderr, /no room for an image of 100 GiB/);
    assert.match((await run('run', 'none', '--yes')).stderr, /no pool none/);
    (await run('run', 'vms', ...options)).ok();
    (await run('run', 'vms', ...options, '--no-wait')).ok();
    assert.match((await run('run', 'vms', ...options)).stderr, /is running on hv2/);
    const listed = async () => lab().ask('hv1', 'benchmark.list', {});
    await lab().waitFor('the first results', async () => ((await listed())[0]?.results.length ?? 0) > 1, {
      timeoutMs: 120_000,
    });
    await lab().daemon('hv2', 'kill');
    await lab().daemon('hv2', 'start');
    await lab().waitFor('the benchmark to end', async () => (await listed())[0]?.state !== 'running', {
      timeoutMs: 240_000,
    });
    const [second, first] = await listed();
    assert.deepEqual([second?.state, second?.message, second?.results.length], ['done', null, 6]);
    assert.equal(first?.results.length, 6);
    for (const { test, iops, bytesPerS, latencyMs, clientCores } of first?.results ?? []) {
      assert.ok(iops > 0 && bytesPerS > 0 && latencyMs.p99 >= latencyMs.p95 && clientCores > 0, test);
      t.diagnostic(
        `${test}: ${(bytesPerS / 2 ** 20).toFixed(1)} MiB/s, ${iops.toFixed(0)}/s, ${latencyMs.mean.toFixed(2)} ms`,
      );
    }
    assert.deepEqual([first?.conditions?.osds, first?.conditions?.cephVersions.length], [3, 1]);
    const shown = (await run('info', second?.benchmark ?? '', first?.benchmark ?? '')).ok().stdout;
    assert.match(shown, /compared with[\s\S]*random write, one by one.* %/);
    const images = async () => (await lab().exec('hv1', ['rbd', 'ls', 'vms'])).stdout.trim().split('\n');
    assert.deepEqual(await images(), ['data']);

    (await run('run', 'vms', ...options, '--no-wait')).ok();
    await lab().waitFor('its image', async () => (await images()).length > 1, { timeoutMs: 60_000 });
    const [task] = await lab().ask('hv1', 'task.list', { state: 'active' });
    (await lab().pvc('hv1', ['task', 'cancel', task?.id ?? ''])).ok();
    await lab().waitFor('the image of the cancelled one to go', async () => (await images()).length === 1, {
      timeoutMs: 120_000,
    });
    const [third] = await listed();
    assert.deepEqual([third?.state, third?.imageLeft], ['failed', false]);
    (await run('remove', first?.benchmark ?? '', '--yes')).ok();
    assert.equal((await listed()).length, 2);
  });

  it('because all monitors stand still keeps nobody waiting but who needs it, and not him twice', async (t: TestContext) => {
    let late: Promise<{ code: number; stderr: string }> | undefined;
    await whileStopped('ceph-mon', lab().nodes, async () => {
      await assert.rejects(lab().ask('hv2', 'pool.list', {}), { code: 'CEPH_AWAY' });
      const beganMs = performance.now();
      for (let n = 0; n < 3; n += 1)
        await assert.rejects(lab().ask('hv2', 'pool.list', {}), (error: Error & { code?: string }) => {
          assert.equal(error.code, 'CEPH_AWAY');
          assert.match(error.message, /does not answer: .*\(found .* ago/);
          return true;
        });
      const tookMs = (performance.now() - beganMs) / 3;
      t.diagnostic(`a storage command is refused after ${tookMs.toFixed(0)} ms`);
      assert.ok(tookMs < atOnceMs, `a refusal took ${tookMs.toFixed(0)} ms`);
      const told = await lab().pvc('hv2', ['storage', 'pool', 'list']);
      assert.match(told.stderr, /storage does not answer/);
      assert.notEqual(told.code, 0);

      await faultComes('storage:away');
      // A task that was begun meanwhile waits for the storage.
      late = lab().pvc('hv1', ['storage', 'volume', 'add', 'vms/late', '16M', '--force']);
      const until = performance.now() + 15_000;
      while (performance.now() < until) for (const node of lab().nodes) await othersWorkOn(node);

      const burst = Array.from({ length: 60 }, () => lab().ask('hv3', 'pool.list', {}));
      const ended = await Promise.allSettled(burst);
      assert.ok(ended.every(({ status }) => status === 'rejected'));
      for (const node of lab().nodes) {
        const asking = await nodeProcesses(lab(), node, (words) =>
          words.slice(0, 2).some((word) => /\/(?:ceph|rbd)$|^(?:ceph|rbd)$/.test(word)),
        );
        assert.ok(asking.length <= 8, `${asking.length} commands wait for Ceph on ${node}`);
      }

      const status = await lab().ask('hv3', 'storage.status', {});
      assert.deepEqual([status.health, status.osds.total], ['unknown', 3]);
      // No monitor lets anybody in; or a look that was under way when they stopped was not answered in its time.
      assert.match(status.silent?.reason ?? '', /no monitor|did not end within/);
      assert.match((await lab().pvc('hv3', ['cluster', 'status'])).ok().stdout, /Storage:\s+does not answer/);
      await writesOn();
    });
    await allWell();
    const made = await late;
    assert.equal(made?.code, 0, made?.stderr);
    assert.ok((await lab().ask('hv1', 'volume.list', {})).some((one) => one.name === 'late' && one.state === 'ready'));
    await writesOn();
  });

  it('because all monitors were killed comes back by itself', async () => {
    const old = await Promise.all(lab().nodes.map((node) => daemonPid(lab(), node, 'ceph-mon')));
    const killedMs = Date.now();
    for (const pid of old) process.kill(pid, 'SIGKILL');
    await othersWorkOn('hv3');
    await lab().waitFor(
      'each monitor to be started again, and to agree',
      async () => {
        const now = await Promise.all(lab().nodes.map((node) => daemonPid(lab(), node, 'ceph-mon')));
        const status = await lab().ask('hv2', 'storage.status', {});
        return now.every((pid, index) => pid !== old[index]) && (status.updatedMs ?? 0) > killedMs;
      },
      { timeoutMs: recoverMs },
    );
    await allWell();
    await writesOn();
  });

  it('in one disk is a fault with its name, and the guest writes on', async () => {
    await whileStopped('ceph-osd', ['hv3'], async () => {
      await faultComes('storage:OSD_DOWN');
      const fault = (await lab().ask('hv2', 'fault.list', {})).find(({ id }) => id === 'storage:OSD_DOWN');
      assert.match(fault?.message ?? '', /host=hv3/);
      assert.match(fault?.hint ?? '', /pvc storage osd list/);
      await othersWorkOn('hv3');
      await writesOn(120_000);
    });
    await allWell();
    await writesOn();
  });

  it('keeps no primary from being replaced, and no daemon from starting', async () => {
    const primary = (await lab().primary('hv2')) ?? '';
    assert.notEqual(primary, '');
    const [asked = ''] = lab().nodes.filter((node) => node !== primary);
    // It is to be replaced, not fenced.
    (await lab().pvc(asked, ['cluster', 'maintenance', 'on'])).ok();
    await whileStopped('ceph-mon', lab().nodes, async () => {
      await faultComes('storage:away', asked);
      await lab().daemon(primary, 'kill');
      await lab().waitFor('another primary', async () => {
        const now = await lab().primary(asked);
        return now !== undefined && now !== primary;
      });
      await lab().daemon(primary, 'start');
      // It answers before it has started.
      await lab().waitFor('the daemon to have started', async () =>
        (await lab().ask(primary, 'node.list', {})).some(({ name, daemon }) => name === primary && daemon === 'run'),
      );
      await othersWorkOn(primary);
      assert.deepEqual(await openFaults(asked), ['storage:away'], 'a fault of the storage goes with the primary');
    });
    (await lab().pvc(asked, ['cluster', 'maintenance', 'off'])).ok();
    // The one that has not raised it clears it.
    await allWell();
    await writesOn();
  });
});
