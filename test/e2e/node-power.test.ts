/** The power of nodes through their BMCs: real IPMI responders, and one that speaks Redfish. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { daemonLog } from '../lab/daemon.ts';
import { bmcName, bmcOf, namespaceName, nodeOf } from '../lab/topology.ts';
import { suiteLab, type TestLab } from './test-lab.ts';

const passwordFile = '/root/bmc';
const patient = { timeoutMs: 120_000 };

/** Command lines on this machine, of whatever node, that hold a text. */
async function commandLines(...texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    // One that has ended meanwhile has none.
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (texts.every((text) => line.includes(text))) found.push(line.replaceAll('\0', ' '));
  }
  return found;
}

describe('the power of nodes', () => {
  const opened = suiteLab({ nodes: 3 });
  const secretOf = (lab: TestLab, node: string): string => bmcOf(nodeOf(lab.record.topology, node)).password;

  const describeBmc = async (lab: TestLab, node: string, more: readonly string[] = [], password?: string) => {
    const bmc = bmcOf(nodeOf(lab.record.topology, node));
    await lab.writeFile('hv1', passwordFile, `${password ?? bmc.password}\n`);
    const where = ['--address', bmc.address, '--user', bmc.user, '--password-file', passwordFile];
    return lab.pvc('hv1', ['node', 'bmc', 'set', node, ...where, '--cipher-suite', '3', ...more]);
  };
  const faultsOf = async (lab: TestLab, node: string): Promise<string[]> =>
    (await lab.ask('hv1', 'node.info', { node })).faults.map(({ id }) => id).filter((id) => id.startsWith('bmc.'));
  const runs = (lab: TestLab, node: string) => async () =>
    (await lab.ask('hv1', 'node.info', { node })).daemon === 'run';
  const isOn = async (lab: TestLab, node: string): Promise<boolean> =>
    lab.exec(node, ['true']).then(
      () => true,
      (error: unknown) => {
        assert.match(String(error), /is off/);
        return false;
      },
    );
  /** Which boot of it runs; undefined: none. */
  const bootOf = async (lab: TestLab, node: string): Promise<string | undefined> =>
    (await isOn(lab, node))
      ? (await lab.exec(node, ['stat', '-c', '%y', '/run'], { accept: 'any' })).stdout
      : undefined;
  const bootsAgain = (lab: TestLab, node: string, before: string | undefined) =>
    lab.waitFor('it to boot again', async () => ![before, undefined, ''].includes(await bootOf(lab, node)), patient);
  /** hv1 is asked; the one that is switched is never the primary. */
  const victimOf = async (lab: TestLab): Promise<string> => ((await lab.primary('hv1')) === 'hv3' ? 'hv2' : 'hv3');

  it('is unknown until somebody describes a BMC, which is then shown without its password', async () => {
    const lab = opened();
    const none = await lab.pvc('hv1', ['node', 'power', 'hv3', 'off']);
    assert.equal(none.code, 4, none.stderr);
    assert.match(none.stderr, /BMC_NONE/);
    assert.match((await lab.pvc('hv1', ['cluster', 'status'])).ok().stdout, /Without a BMC: +hv1, hv2, hv3/);
    for (const node of lab.nodes) assert.match((await describeBmc(lab, node)).ok().stdout, /Power: +on/);
    const shown = (await lab.pvc('hv2', ['node', 'bmc', 'show', 'hv3', '--format', 'json'])).json();
    assert.equal((shown as { address: string }).address, '10.10.3.13');
    assert.doesNotMatch((await lab.pvc('hv1', ['cluster', 'status'])).ok().stdout, /Without a BMC/);
  });

  // First: what somebody has just switched on by hand is not cut by a fence.
  describe('by Redfish', () => {
    let victim = '';
    let server: ChildProcess | undefined;

    before(async () => {
      const lab = opened();
      victim = await victimOf(lab);
      const name = lab.record.topology.name;
      const place = namespaceName(name, bmcName(nodeOf(lab.record.topology, victim)));
      const program = join(import.meta.dirname, '../lab/redfish-bmc.ts');
      server = spawn('ip', ['netns', 'exec', place, process.execPath, program, name, victim], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [said] = await Promise.race([
        once(server.stdout ?? assert.fail('it has no output'), 'data'),
        once(server, 'exit'),
      ]);
      assert.match(String(said), /ready/);
    });
    after(async () => {
      const lab = opened();
      if (server?.exitCode === null) {
        server.kill();
        await once(server, 'exit');
      }
      // The simulator of the other BMC may be as busy as this machine is.
      await lab.waitFor(
        'its other BMC to be told again',
        async () => (await describeBmc(lab, victim)).code === 0,
        patient,
      );
    });

    const describeRedfish = async (lab: TestLab, ...more: readonly string[]) => {
      const { address, user } = bmcOf(nodeOf(lab.record.topology, victim));
      await lab.writeFile('hv1', passwordFile, `${secretOf(lab, victim)}\n`);
      const where = ['--driver', 'redfish', '--address', address, '--user', user, '--password-file', passwordFile];
      return lab.pvc('hv1', ['node', 'bmc', 'set', victim, ...where, ...more]);
    };

    it('is switched by a BMC that has proven itself by its pin, and by the system that it has', async () => {
      const lab = opened();
      const unproven = await describeRedfish(lab);
      assert.notEqual(unproven.code, 0);
      assert.match(unproven.stderr, /BMC_CERTIFICATE/);
      const [pin] = /sha256\/\/[A-Za-z0-9+/]{43}=/.exec(unproven.stderr) ?? assert.fail(unproven.stderr);
      const another = await describeRedfish(lab, '--pin', pin, '--system', 'blade9');
      assert.notEqual(another.code, 0);
      assert.match(another.stderr, /no blade9, only: system.*BMC_SYSTEM/s);
      assert.match((await describeRedfish(lab, '--pin', pin, '--system', 'system')).ok().stdout, /Power: +on/);
      assert.match((await lab.pvc('hv2', ['node', 'bmc', 'show', victim])).ok().stdout, /Driver: +redfish/);
      await lab.waitFor('the faults to go', async () => (await faultsOf(lab, victim)).length === 0, patient);
    });

    it('is cut when the node is fenced, and given again', async (t: TestContext) => {
      const lab = opened();
      const boot = async (): Promise<string> => (await lab.exec(victim, ['stat', '-c', '%y', '/run'])).stdout;
      const bootBefore = await boot();
      const beganMs = performance.now();
      await lab.daemon(victim, 'pause');
      const fence = await lab.waitFor(
        'its fence to end',
        async () =>
          (await lab.ask('hv1', 'node.fences', {})).find(({ node, state }) => node === victim && state === 'ended'),
        patient,
      );
      t.diagnostic(`fenced: ${Math.round(performance.now() - beganMs)} ms`);
      const power = fence.evidence.find(({ kind }) => kind === 'power') ?? assert.fail('no proof by power');
      assert.match(power.text, /was told to cut the power, and reads off/);
      await lab.waitFor('it to run again', runs(lab, victim), patient);
      assert.notEqual(await boot(), bootBefore);
    });
  });

  it('is cut, read back and given again, from any node, with the password on no command line', async (t: TestContext) => {
    const lab = opened();
    const victim = await victimOf(lab);
    const watching = new AbortController();
    let ipmitools = 0;
    const leaks: string[] = [];
    const watch = (async () => {
      while (!watching.signal.aborted) {
        ipmitools += (await commandLines('ipmitool', 'lanplus')).length;
        leaks.push(...(await commandLines(secretOf(lab, victim))));
      }
    })();
    const beganMs = performance.now();
    (await lab.pvc('hv2', ['node', 'power', victim, 'off'])).ok();
    t.diagnostic(`off, read back: ${Math.round(performance.now() - beganMs)} ms`);
    watching.abort();
    await watch;
    assert.ok(ipmitools > 0, 'the watch has seen ipmitool');
    assert.deepEqual(leaks, []);
    await assert.rejects(lab.exec(victim, ['true']), /is off/);
    assert.match((await lab.pvc('hv1', ['node', 'power', victim, 'status'])).ok().stdout, /Power: +off/);
    (await lab.pvc('hv1', ['node', 'power', victim, 'off'])).ok();
    (await lab.pvc('hv1', ['node', 'power', victim, 'on'])).ok();
    await lab.waitFor('it to run again', runs(lab, victim), patient);
    const before = await bootOf(lab, victim);
    (await lab.pvc('hv1', ['node', 'power', victim, 'netboot'])).ok();
    await bootsAgain(lab, victim, before);
    await lab.waitFor('it to run after its reset', runs(lab, victim), patient);
  });

  it('of a server that is no node is switched by the BMC that is described for the machine', async () => {
    const lab = opened();
    const victim = await victimOf(lab);
    const pvc = (...args: string[]) => lab.pvc('hv1', [...args, '--yes']);
    const machine = ['provisioner', 'machine'] as const;
    (await pvc('node', 'bmc', 'remove', victim)).ok();
    (await pvc(...machine, 'add', '52:54:00:70:76:e9', '--name', 'hv9', '--address', '10.10.0.19')).ok();
    assert.match((await pvc(...machine, 'boot', 'hv9')).stderr, /MACHINE_NO_BMC/);
    const { address, user, password } = bmcOf(nodeOf(lab.record.topology, victim));
    const where = ['--address', address, '--user', user, '--password-file', passwordFile, '--cipher-suite', '3'];
    await lab.writeFile('hv1', passwordFile, 'wrong\n');
    (await pvc(...machine, 'bmc', 'set', 'hv9', ...where)).ok();
    assert.match((await pvc(...machine, 'boot', 'hv9')).stderr, /MACHINE_NOT_BOOTED/);
    await lab.writeFile('hv1', passwordFile, `${password}\n`);
    (await pvc(...machine, 'bmc', 'set', 'hv9', ...where)).ok();
    const before = await bootOf(lab, victim);
    (await pvc(...machine, 'boot', 'hv9')).ok();
    await bootsAgain(lab, victim, before);
    (await pvc(...machine, 'remove', 'hv9')).ok();
    await lab.waitFor('it to run after its reset', runs(lab, victim), patient);
    (await describeBmc(lab, victim)).ok();
  });

  it('is cut and given again although the primary is killed meanwhile', async () => {
    const lab = opened();
    const primary = (await lab.primary('hv1')) ?? assert.fail('there is no primary');
    const victim = await victimOf(lab);
    const boot = async (): Promise<string> => (await lab.exec(victim, ['stat', '-c', '%y', '/run'])).stdout;
    const before = await boot();
    const [task = ''] = (
      (await lab.pvc('hv1', ['node', 'power', victim, 'cycle', '--no-wait', '--format', 'json'])).json() as {
        tasks: { id: string }[];
      }
    ).tasks.map(({ id }) => id);
    // Before that its daemon might become primary itself, which could not switch its own power.
    await lab.waitFor('the power to be cut', async () => !(await isOn(lab, victim)), { ...patient, everyMs: 50 });
    await lab.daemon(primary, 'kill');
    await lab.waitFor(
      'the task to succeed',
      async () => {
        const { state, error } = await lab.ask('hv1', 'task.show', { task });
        assert.notEqual(state, 'failed', JSON.stringify(error));
        return state === 'succeeded';
      },
      patient,
    );
    await lab.waitFor('it to have booted', async () => (await boot()) !== before, patient);
    await lab.waitFor('it to run again', runs(lab, victim), patient);
  });

  it('is left as it is for the primary, forced or not', async () => {
    const lab = opened();
    const primary = await lab.waitFor('a primary', () => lab.primary('hv1'), patient);
    const refused = await lab.pvc('hv1', ['node', 'power', primary, 'off', '--force']);
    assert.equal(refused.code, 4);
    assert.match(refused.stderr, /POWER_OF_PRIMARY/);
  });

  it('is told to be out of reach by a clear error and a fault: wrong password, wrong suite, dead BMC', async () => {
    const lab = opened();
    const attempt = async (more: readonly string[], code: RegExp, password?: string): Promise<void> => {
      const told = await describeBmc(lab, 'hv2', more, password);
      assert.notEqual(told.code, 0);
      assert.match(told.stderr, code);
      await lab.waitFor(
        `a fault ${code.source}`,
        async () => (await faultsOf(lab, 'hv2')).some((id) => code.test(id)),
        patient,
      );
    };
    await attempt([], /BMC_DENIED/, 'not the password');
    await attempt(['--cipher-suite', '17'], /BMC_CIPHER_SUITE/);
    await lab.cable('hv2', 'bmc', 'down');
    try {
      await attempt([], /BMC_UNREACHABLE/);
      const beganMs = performance.now();
      const off = await lab.pvc('hv1', ['node', 'power', 'hv2', 'on']);
      assert.match(off.stderr, /BMC_UNREACHABLE/);
      assert.ok(performance.now() - beganMs < 60_000);
    } finally {
      await lab.cable('hv2', 'bmc', 'up');
    }
    (await describeBmc(lab, 'hv2')).ok();
    await lab.waitFor('the faults to go', async () => (await faultsOf(lab, 'hv2')).length === 0, patient);
  });

  it('has left no password behind: not in logs, events, the audit record or faults', async () => {
    const lab = opened();
    const told = [
      ...(await Promise.all(lab.nodes.map((node) => lab.readFile(node, daemonLog)))),
      (await lab.pvc('hv1', ['event', 'list', '--limit', '4096', '--format', 'json'])).ok().stdout,
      (await lab.pvc('hv1', ['cluster', 'audit', '--format', 'json'])).ok().stdout,
      (await lab.pvc('hv1', ['fault', 'list', '--cleared', '--format', 'json'])).ok().stdout,
      (await lab.pvc('hv1', ['task', 'list', '--format', 'json'])).ok().stdout,
    ].join('\n');
    assert.match(told, /node\.bmc-set/, 'the audit record is there');
    assert.ok(!told.includes(secretOf(lab, 'hv2')) && !told.includes('not the password'));
  });
});
