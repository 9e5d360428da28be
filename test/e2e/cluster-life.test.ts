/** Three coordinators: the primary and its address, guests that move while they run, daemons and servers that die. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fingerprint } from '../../core/cluster/certificate.ts';
import { watchAddress } from '../lab/address-watch.ts';
import { guestDirectory } from '../lab/boot-script.ts';
import { floatingAddress } from '../lab/topology.ts';
import { suiteLab, type TestLab } from './test-lab.ts';

/** How long the ensemble is away. Five minutes show that no time limit ends a guest; each run of all tests has a few seconds. */
const outageS = Number(process.env['PVC_TEST_OUTAGE_S'] ?? 5);

interface NodeRow {
  readonly name: string;
  readonly daemon: string;
  readonly coordinator: string | null;
}

describe('a cluster of three', () => {
  const opened = suiteLab({ nodes: 3 });

  const other = (lab: TestLab, ...not: (string | undefined)[]): string =>
    lab.nodes.find((name) => !not.includes(name)) ?? assert.fail('no other node');

  /** A guest without disks, counting on its console. */
  async function guest(lab: TestLab, name: string, node: string): Promise<string> {
    const boot = ['--kernel', `${guestDirectory}/vmlinuz`, '--initrd', `${guestDirectory}/initrd`];
    const size = ['--memory', '160', '--graphics', 'none', '--cmdline', 'console=ttyS0 quiet'];
    (await lab.pvc(node, ['vm', 'create', name, '--node', node, ...size, ...boot, '--start'])).ok();
    const { uuid } = await lab.ask(node, 'vm.info', { vm: name });
    await lab.waitFor(`${name} to count`, async () => (await lastCount(lab, node, uuid)) > 0, { timeoutMs: 90_000 });
    return uuid;
  }

  const consoleOn = async (lab: TestLab, node: string, uuid: string): Promise<string> =>
    (await lab.exec(node, ['cat', `/var/log/pvc/console/${uuid}.log`], { accept: 'any' })).stdout;

  async function lastCount(lab: TestLab, node: string, uuid: string): Promise<number> {
    const counts = [...(await consoleOn(lab, node, uuid)).matchAll(/pvc-guest counter (\d+)\r?\n/g)];
    return Number(counts.at(-1)?.[1] ?? 0);
  }

  const bootsOn = async (lab: TestLab, node: string, uuid: string): Promise<number> =>
    [...(await consoleOn(lab, node, uuid)).matchAll(/pvc-guest boot /g)].length;

  /** The nodes on which libvirt itself runs the guest. */
  async function runningOn(lab: TestLab, uuid: string): Promise<string[]> {
    const found = await Promise.all(
      lab.nodes.map(async (name) => {
        const { stdout } = await lab.exec(name, ['virsh', 'list', '--uuid', '--state-running'], { accept: 'any' });
        return stdout.includes(uuid) ? [name] : [];
      }),
    );
    return found.flat();
  }

  /** Waits until no task is left and the guest runs on one node, the one that its document names. */
  async function settled(lab: TestLab, asked: string, uuid: string): Promise<string> {
    await lab.waitFor('every task to end', async () => {
      const tasks = await lab.ask(asked, 'task.list', {});
      return tasks.every((one) => !['pending', 'running'].includes(one.state));
    });
    return lab.waitFor('the guest to run where it shall', async () => {
      const info = await lab.ask(asked, 'vm.info', { vm: uuid });
      const on = await runningOn(lab, uuid);
      assert.ok(on.length <= 1, `it runs on ${on.join(' and ')}`);
      return info.state === 'running' && on.length === 1 && on[0] === info.node && info.node;
    });
  }

  /** Asks each daemon itself: what the others tell of one just killed is its last word, for a session's time. */
  async function allRun(lab: TestLab): Promise<void> {
    for (const node of lab.nodes) {
      const runs = async () => (await lab.ask(node, 'node.info', { node })).daemon === 'run';
      await lab.waitFor(`the daemon of ${node} to run`, runs, { timeoutMs: 60_000 });
    }
  }

  /** SIGNAL to the ZooKeeper server of a node. */
  async function signalServer(lab: TestLab, node: string, signal: 'KILL' | 'STOP' | 'CONT'): Promise<void> {
    const { pid } = JSON.parse(await lab.readFile(node, '/run/pvc/services/zookeeper.json')) as { pid: number };
    await lab.exec(node, ['kill', `-${signal}`, String(pid)]);
  }

  it('runs on every node, with one primary that has the floating address', async () => {
    const lab = opened();
    const rows = (await lab.pvc('hv1', ['node', 'list', '--format', 'json'])).json() as NodeRow[];
    assert.deepEqual(
      rows.map((row) => [row.name, row.daemon]),
      [
        ['hv1', 'run'],
        ['hv2', 'run'],
        ['hv3', 'run'],
      ],
    );
    assert.equal(rows.filter((row) => row.coordinator === 'primary').length, 1);
    await lab.exec('hv3', ['ping', '-c', '1', '-W', '2', floatingAddress]);
  });

  it('hands the primary role over, with its address, to where it is asked', async () => {
    const lab = opened();
    const before = await lab.waitFor('a primary', () => lab.primary('hv1'));
    const to = other(lab, before);
    const watch = watchAddress(lab.record.topology, floatingAddress);
    try {
      (await lab.pvc(before, ['node', 'primary', to])).ok();
      assert.equal(await lab.primary(before), to);
      await lab.waitFor('the address to follow', () => watch.holder() === to);
      (await lab.pvc(before, ['node', 'secondary', to])).ok();
      assert.notEqual(await lab.primary(before), to);
      const refused = await lab.pvc('hv1', ['node', 'primary', 'hv9']);
      assert.equal(refused.code, 3, refused.stderr);
    } finally {
      await watch.stop();
    }
    assert.deepEqual(watch.overlaps, []);
  });

  it('moves a guest through all nodes while it runs', async () => {
    const lab = opened();
    const uuid = await guest(lab, 'walker', 'hv1');
    let count = await lastCount(lab, 'hv1', uuid);
    for (const to of ['hv2', 'hv3', 'hv1']) {
      (await lab.pvc('hv2', ['vm', 'migrate', 'walker', '--node', to, '--method', 'live'])).ok();
      assert.equal(await settled(lab, 'hv2', uuid), to);
      const before = count;
      count = await lab.waitFor(`it to count on, on ${to}`, async () => {
        const now = await lastCount(lab, to, uuid);
        return now > before && now;
      });
    }
    assert.deepEqual(await Promise.all(lab.nodes.map((name) => bootsOn(lab, name, uuid))), [1, 0, 0]);
    const info = await lab.ask('hv3', 'vm.info', { vm: uuid });
    assert.equal(info.node, 'hv1');
    assert.equal(info.home, null, 'it is at home again');
    const refused = await lab.pvc('hv2', ['vm', 'migrate', 'walker', '--node', 'hv1']);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /on hv1 already/);
  });

  it('answers for a guest on another node, on the socket and over HTTPS', async () => {
    const lab = opened();
    const { node } = await lab.ask('hv1', 'vm.info', { vm: 'walker' });
    const asked = other(lab, node);
    assert.match((await lab.pvc(asked, ['vm', 'log', 'walker'])).ok().stdout, /pvc-guest counter/);
    const { stdout } = await lab.exec(asked, ['cat', '/var/lib/pvc/tls/node.pem']);
    const environment = [`PVC_TOKEN=${await lab.token()}`, `PVC_FINGERPRINT=${fingerprint(stdout)}`];
    const over = async (...args: string[]) => {
      const url = `https://10.10.0.${10 + Number(asked.slice(2))}:7370`;
      return lab.exec(node, ['env', ...environment, 'pvc', '--url', url, ...args]);
    };
    assert.match((await over('vm', 'log', 'walker')).stdout, /pvc-guest counter/);
    const rows = JSON.parse((await over('vm', 'list', '--format', 'json')).stdout) as { name: string }[];
    assert.ok(rows.some((row) => row.name === 'walker'));
  });

  it('keeps one copy of a guest when daemons are killed in the middle of its move', async () => {
    const lab = opened();
    const { uuid } = await lab.ask('hv1', 'vm.info', { vm: 'walker' });
    for (const [index, afterMs] of [30, 150, 350, 600, 900].entries()) {
      for (const side of ['source', 'target'] as const) {
        const from = await settled(lab, 'hv1', uuid);
        const to = other(lab, from, index % 2 === 0 ? undefined : 'hv3');
        const boots = await Promise.all(lab.nodes.map((name) => bootsOn(lab, name, uuid)));
        const victim = side === 'source' ? from : to;
        const watcher = other(lab, from, to);
        (await lab.pvc(watcher, ['vm', 'migrate', 'walker', '--node', to, '--no-wait'])).ok();
        await delay(afterMs);
        await lab.daemon(victim, 'kill');
        const on = await settled(lab, watcher, uuid);
        assert.ok([from, to].includes(on), `${side} killed after ${afterMs} ms: it is on ${on}`);
        assert.deepEqual(
          await Promise.all(lab.nodes.map((name) => bootsOn(lab, name, uuid))),
          boots,
          `${side} killed after ${afterMs} ms: it was started again`,
        );
        const count = await lastCount(lab, on, uuid);
        await lab.waitFor('it to count on', async () => (await lastCount(lab, on, uuid)) > count);
        await allRun(lab);
      }
    }
  });

  it('empties a node and brings its guests back', async () => {
    const lab = opened();
    const { node: at } = await lab.ask('hv1', 'vm.info', { vm: 'walker' });
    (await lab.pvc(at, ['vm', 'move', 'walker', '--node', other(lab, at)])).ok();
    const home = other(lab, at);
    await guest(lab, 'sitter', home);
    (await lab.pvc('hv1', ['node', 'flush', home])).ok();
    const flushed = await lab.ask('hv1', 'node.info', { node: home });
    assert.equal(flushed.domainState, 'flushed');
    // Where a guest has arrived its new node tells, a moment after the move has ended.
    await lab.waitFor('the guests to be told elsewhere', async () =>
      (await lab.ask('hv1', 'vm.list', {})).every(({ node }) => node !== home),
    );
    (await lab.pvc('hv1', ['node', 'ready', home])).ok();
    await lab.waitFor('both to be told at home', async () =>
      (await lab.ask('hv1', 'vm.list', {})).every(({ node, state }) => node === home && state === 'running'),
    );
    (await lab.pvc('hv1', ['vm', 'stop', 'sitter', '--yes'])).ok();
  });

  it('starts a guest that ends again and again on each node once, and fails it then', async () => {
    const lab = opened();
    const first = await lab.ask('hv1', 'vm.info', { vm: 'sitter' });
    const { uuid } = first;
    (await lab.pvc('hv1', ['vm', 'meta', 'sitter', '--restart-tries', '0'])).ok();
    (await lab.pvc('hv1', ['vm', 'start', 'sitter'])).ok();
    const been: string[] = [];
    for (const _ of lab.nodes) {
      const on = await settled(lab, 'hv1', uuid);
      assert.ok(!been.includes(on), `it is on ${on} again`);
      been.push(on);
      await lab.exec(on, ['virsh', 'destroy', uuid]);
      await lab.waitFor('its node to give it up', async () => {
        const { state, node } = await lab.ask('hv1', 'vm.info', { vm: uuid });
        return state === 'failed' || node !== on;
      });
    }
    assert.equal(been[0], first.node);
    const failed = await lab.waitFor('it to fail', async () => {
      const info = await lab.ask('hv2', 'vm.info', { vm: uuid });
      return info.state === 'failed' && info;
    });
    assert.equal(
      failed.reason,
      `${been.map((on) => `it ended once on ${on} (destroyed)`).join(', ')}; no other node is left`,
    );
    assert.deepEqual(
      failed.givenUp.map(({ node }) => node),
      been,
    );
    assert.deepEqual(await runningOn(lab, uuid), []);
    const faults = async () => (await lab.ask('hv1', 'fault.list', {})).map(({ message }) => message);
    assert.ok((await faults()).some((message) => message.startsWith('The guest sitter has failed')));
    (await lab.pvc('hv3', ['vm', 'start', 'sitter'])).ok();
    assert.equal(await settled(lab, 'hv1', uuid), been.at(-1));
    assert.deepEqual((await lab.ask('hv1', 'vm.info', { vm: uuid })).givenUp, []);
    await lab.waitFor('the fault to clear', async () =>
      (await faults()).every((message) => !message.startsWith('The guest sitter')),
    );
    (await lab.pvc('hv1', ['vm', 'meta', 'sitter', '--restart-tries', '5'])).ok();
    (await lab.pvc('hv1', ['vm', 'stop', 'sitter', '--yes'])).ok();
    // The others rely on it being there.
    (await lab.pvc('hv1', ['vm', 'move', 'sitter', '--node', first.node])).ok();
  });

  it('keeps guests together and apart as strict rules say', async () => {
    const lab = opened();
    const nodeOf = async (name: string): Promise<string> => (await lab.ask('hv1', 'vm.info', { vm: name })).node;
    // Where a guest has arrived its new node tells, a moment after the move has ended.
    const comesTo = (name: string, node: string): Promise<boolean> =>
      lab.waitFor(`${name} to be told on ${node}`, async () => (await nodeOf(name)) === node);
    const from = await nodeOf('walker');
    const to = other(lab, from);
    if ((await nodeOf('sitter')) !== from) (await lab.pvc('hv2', ['vm', 'move', 'sitter', '--node', from])).ok();
    (await lab.pvc('hv1', ['vm', 'rule', 'add', 'pair', 'together', 'walker', 'sitter'])).ok();
    (await lab.pvc('hv2', ['vm', 'move', 'walker', '--node', to])).ok();
    for (const name of ['walker', 'sitter']) await comesTo(name, to);
    const contrary = await lab.pvc('hv3', ['vm', 'rule', 'add', 'spread', 'apart', 'walker', 'sitter']);
    assert.equal(contrary.code, 4, contrary.stderr);
    assert.match(contrary.stderr, /walker and sitter are kept together by pair/);
    (await lab.pvc('hv1', ['vm', 'rule', 'remove', 'pair'])).ok();
    const made = (await lab.pvc('hv3', ['vm', 'rule', 'add', 'spread', 'apart', 'walker', 'sitter'])).ok();
    assert.match(made.stderr, /spread is not kept now: walker, sitter are on/);
    const start = await lab.pvc('hv1', ['vm', 'start', 'sitter']);
    assert.equal(start.code, 4, start.stderr);
    assert.match(start.stderr, /the rule spread keeps sitter apart from walker/);
    (await lab.pvc('hv1', ['vm', 'move', 'sitter', '--node', from])).ok();
    (await lab.pvc('hv1', ['vm', 'start', 'sitter'])).ok();
    const move = await lab.pvc('hv2', ['vm', 'migrate', 'walker', '--node', from]);
    assert.equal(move.code, 4, move.stderr);
    assert.match(move.stderr, /the rule spread keeps walker apart from sitter, which is there/);
    (await lab.pvc('hv1', ['node', 'flush', to])).ok();
    await comesTo('walker', other(lab, from, to));
    (await lab.pvc('hv1', ['node', 'ready', to])).ok();
    assert.match(
      (await lab.pvc('hv1', ['vm', 'rule', 'list'])).ok().stdout,
      /spread +apart +walker, sitter +strict +kept/,
    );
    (await lab.pvc('hv1', ['vm', 'rule', 'remove', 'spread'])).ok();
    (await lab.pvc('hv1', ['vm', 'stop', 'sitter', '--yes'])).ok();
  });

  it('brings the guests of a machine that goes down to safety, and has them back when it is up', async () => {
    const lab = opened();
    const walker = await lab.ask('hv1', 'vm.info', { vm: 'walker' });
    const at = await settled(lab, 'hv1', walker.uuid);
    const asked = other(lab, at);
    (await lab.pvc(asked, ['vm', 'move', 'walker', '--node', asked])).ok();
    (await lab.pvc(asked, ['vm', 'move', 'walker', '--node', at])).ok();
    const { uuid: tied, node } = await lab.ask('hv1', 'vm.info', { vm: 'sitter' });
    if (node !== at) (await lab.pvc(asked, ['vm', 'move', 'sitter', '--node', at])).ok();
    (await lab.pvc(asked, ['vm', 'meta', 'sitter', '--limit', at])).ok();
    (await lab.pvc(asked, ['vm', 'start', 'sitter'])).ok();
    await settled(lab, asked, tied);
    const seen = await bootsOn(lab, at, tied);
    await lab.waitFor('the sitter to count', async () => (await lastCount(lab, at, tied)) > 0, { timeoutMs: 90_000 });
    const boots = await Promise.all(lab.nodes.map((name) => bootsOn(lab, name, walker.uuid)));
    const fences = await lab.ask(asked, 'node.fences', { node: at });

    (await lab.pvc(at, ['node', 'leave', '-'])).ok();
    assert.notEqual(await settled(lab, asked, walker.uuid), at);
    assert.deepEqual(await runningOn(lab, tied), []);
    const off = await lab.ask(asked, 'vm.info', { vm: tied });
    assert.deepEqual([off.state, off.run], ['stopped', 'running']);
    // In the boot that ends nothing is started, by whichever daemon.
    await lab.daemon(at, 'restart');
    await allRun(lab);
    assert.deepEqual(await runningOn(lab, tied), []);
    await lab.daemon(at, 'stop');
    await lab.power(at, 'off');
    await lab.power(at, 'on');
    await allRun(lab);
    await lab.waitFor('the node to be ready', async () => {
      const { domainState } = await lab.ask(asked, 'node.info', { node: at });
      return domainState === 'ready';
    });
    assert.equal(await settled(lab, asked, tied), at);
    await lab.waitFor('the sitter to boot', async () => (await bootsOn(lab, at, tied)) > seen, { timeoutMs: 90_000 });
    await lab.waitFor('the walker to be home', async () => (await settled(lab, asked, walker.uuid)) === at);
    assert.deepEqual(await Promise.all(lab.nodes.map((name) => bootsOn(lab, name, walker.uuid))), boots);
    assert.deepEqual(await lab.ask(asked, 'node.fences', { node: at }), fences, 'nobody took it for dead');
    (await lab.pvc(asked, ['vm', 'stop', 'sitter', '--yes'])).ok();
  });

  it('has another primary soon after the daemon of the primary stands still for 30 s, and never two addresses', async () => {
    const lab = opened();
    const before = await lab.waitFor('a primary', () => lab.primary('hv1'));
    const asked = other(lab, before);
    const watch = watchAddress(lab.record.topology, floatingAddress);
    try {
      await lab.waitFor('the address to be seen', () => watch.holder() === before);
      await lab.daemon(before, 'pause');
      const pausedFor = delay(30_000);
      const after = await lab.waitFor(
        'another primary',
        async () => {
          const now = await lab.primary(asked);
          return now !== before && now;
        },
        { timeoutMs: 20_000 },
      );
      await lab.waitFor('the address to follow', () => watch.holder() === after);
      await pausedFor;
      await lab.daemon(before, 'resume');
      await delay(3_000);
      assert.equal(await lab.primary(asked), after);
      await lab.waitFor('the one that stood still to be secondary', async () => {
        const row = (await lab.ask(asked, 'node.list', {})).find((one) => one.name === before);
        return row?.daemon === 'run' && row.coordinator === 'secondary';
      });
    } finally {
      await lab.daemon(before, 'resume').catch(() => undefined);
      await watch.stop();
    }
    assert.deepEqual(watch.overlaps, []);
    assert.ok(watch.looks() > 50);
  });

  it('has another primary after a power cut, and the node comes back', async () => {
    const lab = opened();
    const before = await lab.waitFor('a primary', () => lab.primary('hv1'));
    const asked = other(lab, before);
    const watch = watchAddress(lab.record.topology, floatingAddress);
    try {
      await lab.power(before, 'off');
      const after = await lab.waitFor(
        'another primary',
        async () => {
          const now = await lab.primary(asked);
          return now !== before && now;
        },
        { timeoutMs: 20_000 },
      );
      await lab.waitFor('the address to follow', () => watch.holder() === after);
      await lab.power(before, 'on');
      await allRun(lab);
      assert.equal(await lab.primary(asked), after);
    } finally {
      await watch.stop();
    }
    assert.deepEqual(watch.overlaps, []);
  });

  it('goes on when the leader of its ensemble is killed, and when servers come back', async () => {
    const lab = opened();
    const uuid = (await lab.ask('hv1', 'vm.info', { vm: 'walker' })).uuid;
    const status = (await lab.pvc('hv1', ['store', 'status', '--format', 'json'])).json() as {
      servers: { node: string; role: string }[];
    };
    const leader = status.servers.find((one) => one.role === 'leader')?.node ?? assert.fail('no leader');
    await signalServer(lab, leader, 'KILL');
    (await lab.pvc(other(lab, leader), ['vm', 'meta', 'walker', '--priority', '501'])).ok();
    await lab.waitFor('all servers to serve again', async () => {
      const now = await lab.pvc('hv1', ['store', 'status', '--format', 'json']);
      return (JSON.parse(now.stdout) as { answering: number }).answering === 3;
    });
    assert.equal((await lab.ask('hv1', 'vm.info', { vm: uuid })).priority, 501);
  });

  it('says what is wrong without a quorum, lets guests run on, and converges when it is back', async (t: TestContext) => {
    const lab = opened();
    const { uuid, node } = await lab.ask('hv1', 'vm.info', { vm: 'walker' });
    const silent = ['hv2', 'hv3'];
    const fences = await lab.ask('hv1', 'node.fences', {});
    for (const name of silent) await signalServer(lab, name, 'STOP');
    try {
      const answer = await lab.waitFor('a change to be refused', async () => {
        const tried = await lab.pvc('hv1', ['vm', 'meta', 'walker', '--priority', '502']);
        return tried.code !== 0 && tried;
      });
      assert.match(answer.stderr, /cluster state cannot be reached|may or may not have been done/);
      const status = await lab.pvc('hv1', ['store', 'status']);
      assert.equal(status.code, 7, status.stdout);
      assert.match(status.stdout, /LOST/);
      const count = await lastCount(lab, node, uuid);
      await lab.waitFor('the guest to count on', async () => (await lastCount(lab, node, uuid)) > count + 2);
      await delay(outageS * 1_000);
      const later = await lastCount(lab, node, uuid);
      assert.ok(later > count + 2 + outageS / 2, `it has counted from ${count} to ${later} in ${outageS} s`);
      t.diagnostic(`without a quorum for more than ${outageS} s; the guest counted from ${count} to ${later}`);
    } finally {
      for (const name of silent) await signalServer(lab, name, 'CONT');
    }
    await lab.waitFor(
      'a change to be made',
      async () => (await lab.pvc('hv1', ['vm', 'meta', 'walker', '--priority', '503'])).code === 0,
    );
    await allRun(lab);
    await lab.waitFor('a primary', () => lab.primary('hv1'));
    assert.equal(await settled(lab, 'hv1', uuid), node);
    assert.deepEqual(await lab.ask('hv1', 'node.fences', {}), fences, 'nobody was taken for dead meanwhile');
  });

  it('is shown and planned on by the command line alone, with every daemon stopped', async () => {
    const lab = opened();
    for (const name of lab.nodes) await lab.daemon(name, 'stop');
    const store = 'zk://10.10.0.11:2181,10.10.0.12:2181,10.10.0.13:2181';
    try {
      const rows = (await lab.pvc('hv2', ['--store', store, 'vm', 'list', '--format', 'json'])).json() as {
        name: string;
      }[];
      assert.ok(rows.some((row) => row.name === 'walker'));
      const planned = (
        await lab.pvc('hv3', ['--store', store, 'vm', 'meta', 'walker', '--priority', '7', '--plan'])
      ).ok();
      assert.match(planned.stdout, /priority/);
      const wrong = await lab.pvc('hv3', ['--store', 'zk://', 'vm', 'list']);
      assert.equal(wrong.code, 2, wrong.stderr);
    } finally {
      for (const name of lab.nodes) await lab.daemon(name, 'start');
    }
    await lab.waitFor('the daemons to answer', async () => (await lab.primary('hv1')) !== undefined, {
      timeoutMs: 60_000,
    });
    await allRun(lab);
  });
});
