/** Names in MariaDB with Galera, one database for all coordinators: chosen while the cluster runs, and mended by itself. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { daemonPid } from './node-process.ts';
import { suiteLab } from './test-lab.ts';

const local = ['-p', '5300', '@127.0.0.1'];
const pdnsConf = '/etc/powerdns/pdns-pvc.conf';
/** Of a machine that has much else to do. */
const patience = { timeoutMs: 240_000 };

describe('names that all coordinators share', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  const run = async (...args: string[]) => (await lab().pvc('hv1', [...args, '--yes'])).ok();
  const ask = async (node: string, name: string): Promise<string> =>
    (
      await lab().exec(node, ['dig', '+tries=1', '+time=2', ...local, '+short', `${name}.office.example`, 'A'], {
        accept: 'any',
      })
    ).stdout.trim();
  const tells = (node: string, name: string, address: string) =>
    lab().waitFor(`${node} to tell ${name}`, async () => (await ask(node, name)) === address, patience);
  const allTell = (name: string, address: string) => Promise.all(lab().nodes.map((node) => tells(node, name, address)));
  /** Answers prove themselves by the key that the state of the cluster has, also that a name is not there. */
  const allSign = async () => {
    const ds = (await lab().ask('hv1', 'network.dns-keys', {})).map((row) => row.ds.split(' ').slice(3));
    const anchors = ds.map(
      ([tag, algorithm, type, digest]) => `office.example. static-ds ${tag} ${algorithm} ${type} "${digest}";`,
    );
    const delv = ['delv', ...local, '-a', '/root/anchors', '+root=office.example'];
    for (const node of lab().nodes) {
      await lab().writeFile(node, '/root/anchors', `trust-anchors {\n${anchors.join('\n')}\n};\n`);
      for (const [name, wanted] of [
        ['www.office.example', /^; fully validated/m],
        ['nobody.office.example', /^; negative response, fully validated/m],
      ] as const)
        await lab().waitFor(
          `${name} of ${node} to be proved`,
          async () => wanted.test((await lab().exec(node, [...delv, name, 'A'], { accept: 'any' })).stdout),
          patience,
        );
    }
  };
  const keptIn = (launch: string) =>
    Promise.all(
      lab().nodes.map((node) =>
        lab().waitFor(
          `PowerDNS of ${node} to have ${launch}`,
          async () => (await lab().readFile(node, pdnsConf)).includes(`launch=${launch}\n`),
          patience,
        ),
      ),
    );
  const whole = (epoch: number) =>
    lab().waitFor(
      `three members of group ${epoch} or later`,
      async () => {
        const status = await lab().ask('hv1', 'network.dns-status', {});
        return (
          status.epoch !== null &&
          status.epoch >= epoch &&
          status.members.every((one) => one.state === 'primary' && one.epoch === status.epoch) &&
          status.epoch
        );
      },
      patience,
    );
  const secondsOf = async (act: () => Promise<unknown>): Promise<string> => {
    const startMs = performance.now();
    await act();
    return ((performance.now() - startMs) / 1000).toFixed(1);
  };

  before(async () => {
    await lab().waitFor('a primary', async () => lab().primary('hv1'), patience);
    await run(
      'network',
      'add',
      'office',
      '--ipv4',
      '10.20.0.0/24',
      '--gateway4',
      'first',
      '--domain',
      'office.example',
    );
    await run('network', 'dns', 'add', 'office', 'www', 'A', '10.20.0.10');
    await run('network', 'dns', 'sign', 'office');
    await allTell('www', '10.20.0.10');
    await allSign();
  });

  it('are there on every coordinator once Galera is chosen', async (t: TestContext) => {
    const seconds = await secondsOf(async () => {
      await run('network', 'dns', 'backend', 'galera');
      await whole(1);
      await keptIn('gmysql');
      await allTell('www', '10.20.0.10');
      await allSign();
    });
    t.diagnostic(`three members, and all tell names from them, after ${seconds} s`);
    await run('network', 'dns', 'add', 'office', 'shared', 'A', '10.20.0.11');
    await allTell('shared', '10.20.0.11');
    await run('network', 'dns', 'sign', 'office', '--new-key');
    await allSign();
    for (const node of lab().nodes) {
      await lab().waitFor(
        `no SQLite on ${node}`,
        async () => !(await lab().exec(node, ['ls', '/var/lib/powerdns'])).stdout.includes('pvc'),
        patience,
      );
      const listening = (await lab().exec(node, ['ss', '-Hltn', 'sport', '=', '4567'])).stdout.trim().split(/\s+/)[3];
      assert.equal(listening, `10.10.0.${10 + Number(node.slice(2))}:4567`);
    }
    const again = await lab().pvc('hv1', ['network', 'dns', 'backend', 'galera', '--yes']);
    assert.match(again.ok().stderr + again.stdout, /galera already/);
  });

  it('are told by the others while one MariaDB is dead, and it comes back by itself', async (t: TestContext) => {
    const was = await daemonPid(lab(), 'hv3', 'mariadbd');
    const { epoch } = await lab().ask('hv1', 'network.dns-status', {});
    process.kill(was, 'SIGKILL');
    const seconds = await secondsOf(async () => {
      for (const node of ['hv1', 'hv2']) assert.equal(await ask(node, 'www'), '10.20.0.10');
      await lab().waitFor(
        'another MariaDB',
        async () => (await daemonPid(lab(), 'hv3', 'mariadbd').catch(() => was)) !== was,
        patience,
      );
      await tells('hv3', 'www', '10.20.0.10');
    });
    t.diagnostic(`one killed: its node tells names again after ${seconds} s; the others never stopped`);
    assert.equal(await whole(1), epoch, 'no other group had to begin');
  });

  it('come back by themselves when every MariaDB is dead', async (t: TestContext) => {
    const epoch = await whole(1);
    const pids = await Promise.all(lab().nodes.map((node) => daemonPid(lab(), node, 'mariadbd')));
    const seconds = await secondsOf(async () => {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      await whole(epoch + 1);
      await allTell('shared', '10.20.0.11');
    });
    t.diagnostic(`all killed: every node tells names again after ${seconds} s`);
    await run('network', 'dns', 'add', 'office', 'later', 'A', '10.20.0.12');
    await allTell('later', '10.20.0.12');
    await lab().waitFor(
      'no fault of it',
      async () => !(await lab().ask('hv1', 'fault.list', {})).some(({ message }) => /MariaDB|PowerDNS/.test(message)),
      patience,
    );
  });

  it('are in SQLite again when that is chosen, and nothing of MariaDB is left', async (t: TestContext) => {
    const seconds = await secondsOf(async () => {
      await run('network', 'dns', 'backend', 'sqlite');
      await keptIn('gsqlite3');
      await allTell('later', '10.20.0.12');
      await allSign();
    });
    t.diagnostic(`all tell names from SQLite after ${seconds} s`);
    for (const node of lab().nodes)
      await lab().waitFor(
        `nothing of MariaDB on ${node}`,
        async () =>
          (await daemonPid(lab(), node, 'mariadbd').catch(() => undefined)) === undefined &&
          !/pvc-galera/.test((await lab().exec(node, ['ls', '/etc/mysql', '/var/lib', '/run'])).stdout),
        patience,
      );
  });
});
