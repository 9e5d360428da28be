import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { eventually, withCode } from '../../../test/fixtures/expect.ts';
import { linuxClock } from '../linux-clock.ts';
import { linuxProcesses } from '../linux-processes.ts';
import { launchedProcesses, startLauncher } from './launched-processes.ts';

const program = join(import.meta.dirname, '../../main.ts');
const direct = linuxProcesses(linuxClock);
const timeoutMs = 10_000;

/** Processes with their launchers, one after the other. */
function scene() {
  const launchers: ChildProcess[] = [];
  const processes = launchedProcesses(direct, linuxClock, () => {
    const launcher = startLauncher(program);
    launchers.push(launcher);
    return launcher;
  });
  return { processes, launchers };
}

describe('the launcher', () => {
  it('is one for all commands, and asks for an input that is told late once its command runs', async () => {
    const { processes, launchers } = scene();
    let asked = 0;
    const input = (): string => `${++asked}`;
    const results = await Promise.all(Array.from({ length: 20 }, () => processes.exec(['cat'], { timeoutMs, input })));
    assert.deepEqual(
      results.map(({ stdout }) => Number(stdout)).toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    await assert.rejects(processes.exec(['pvc-no-such-command'], { timeoutMs, input }), withCode('EXEC_NOT_FOUND'));
    const broken = (): string => {
      throw new Error('nothing to say');
    };
    await assert.rejects(processes.exec(['cat'], { timeoutMs, input: broken }), /nothing to say/);
    assert.equal(launchers.length, 1);
  });

  it('that stood still does not tell a command what was true before', async () => {
    const { processes, launchers } = scene();
    await processes.exec(['true'], { timeoutMs });
    const input = (): string => {
      // It has asked for this, and sees the answer half a second later.
      launchers[0]?.kill('SIGSTOP');
      setTimeout(() => launchers[0]?.kill('SIGCONT'), 500);
      return 'old';
    };
    await assert.rejects(
      processes.exec(['cat'], { timeoutMs, input }),
      /a command failed: what it is told came too late/,
    );
    assert.equal((await processes.exec(['cat'], { timeoutMs, input: () => 'new' })).stdout, 'new');
  });

  it('that dies fails what it had begun, and the next command has another one', async () => {
    const { processes, launchers } = scene();
    await processes.exec(['true'], { timeoutMs });
    const running = processes.exec(['sleep', '1'], { timeoutMs });
    const detaching = processes.detach(['sleep', '1'], { logFile: '/dev/null' }).catch(() => 0);
    launchers[0]?.kill('SIGKILL');
    await assert.rejects(running, (error: Error) => {
      assert.ok(withCode('EXEC_FAILED')(error));
      assert.match(error.message, /^sleep failed: the process that starts commands is lost: ended with SIGKILL/);
      return true;
    });
    await detaching;
    assert.equal((await processes.exec(['echo', 'again'], { timeoutMs })).stdout, 'again\n');
    assert.equal(launchers.length, 2);
  });

  it('that cannot be started fails the command', async () => {
    const processes = launchedProcesses(direct, linuxClock, () =>
      spawn('/no/such', { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }),
    );
    await assert.rejects(processes.exec(['true'], { timeoutMs }), withCode('EXEC_FAILED'));
    await assert.rejects(processes.exec(['true'], { timeoutMs }), withCode('EXEC_FAILED'));
  });

  it('that stands still is replaced once its command should long have ended', async () => {
    const { processes, launchers } = scene();
    await processes.exec(['true'], { timeoutMs });
    launchers[0]?.kill('SIGSTOP');
    await assert.rejects(processes.exec(['true'], { timeoutMs: 100 }), withCode('EXEC_TIMEOUT'));
    assert.equal((await processes.exec(['echo', 'again'], { timeoutMs })).stdout, 'again\n');
  });

  it('ends with the process that it serves, and not by a signal that is meant for that', async () => {
    const script = `
      import { spawn } from 'node:child_process';
      const child = spawn(process.execPath, [${JSON.stringify(program)}, '__launcher'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      child.once('spawn', () => console.log(child.pid));
      setInterval(() => {}, 1000);`;
    const served = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(served.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await eventually('its program to run', async () => (await direct.startTicks(pid)) !== undefined);
    served.kill('SIGKILL');
    await eventually('it to be gone', async () => !(await direct.alive(pid)));
  });

  it('does not keep a process from its end', async () => {
    const file = join(import.meta.dirname, 'launched-processes.ts');
    const script = `
      const { launchedProcesses, startLauncher } = await import(${JSON.stringify(file)});
      const { linuxClock } = await import(${JSON.stringify(join(import.meta.dirname, '../linux-clock.ts'))});
      const processes = launchedProcesses({}, linuxClock, () => startLauncher(${JSON.stringify(program)}));
      console.log((await processes.exec(['echo', 'done'], { timeoutMs: 10_000 })).stdout);`;
    const { stdout, code } = await direct.exec([process.execPath, '--input-type=module', '-e', script], {
      timeoutMs: 60_000,
    });
    assert.deepEqual([code, stdout], [0, 'done\n\n']);
  });
});
