import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { eventually, withCode } from '../../test/fixtures/expect.ts';
import { PvcError } from '../error/error.ts';
import { launchedProcesses, startLauncher } from './launcher/launched-processes.ts';
import { linuxClock } from './linux-clock.ts';
import { linuxProcesses } from './linux-processes.ts';

const directory = mkdtempSync(join(tmpdir(), 'pvc-exec-'));
after(() => rmSync(directory, { recursive: true }));
const direct = linuxProcesses(linuxClock);
const launched = launchedProcesses(direct, linuxClock, () => startLauncher(join(import.meta.dirname, '../main.ts')));
const timeoutMs = 10_000;

for (const [who, processes] of [
  ['this process', direct],
  ['its launcher', launched],
] as const) {
  describe(`exec by ${who}`, () => {
    it('gives exit code, output and errors', async () => {
      const result = await processes.exec(['sh', '-c', 'echo out; echo err >&2; exit 3'], { timeoutMs });
      assert.deepEqual(result, { code: 3, signal: null, stdout: 'out\n', stderr: 'err\n' });
      assert.equal((await processes.exec(['sh', '-c', 'kill -9 $$'], { timeoutMs })).signal, 'SIGKILL');
    });

    it('passes arguments as they are, never to a shell', async () => {
      const { stdout } = await processes.exec(['printf', '%s|', '$HOME', '`id`', 'a b', ';ls', ''], { timeoutMs });
      assert.equal(stdout, '$HOME|`id`|a b|;ls||');
    });

    it('gives a small fixed environment', async () => {
      process.env['PVC_TEST_LEAK'] = 'leaked';
      const { stdout } = await processes.exec(['env'], { timeoutMs, env: { EXTRA: 'x' } });
      delete process.env['PVC_TEST_LEAK'];
      assert.deepEqual(stdout.trim().split('\n').sort(), [
        'EXTRA=x',
        'LANG=C.UTF-8',
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      ]);
    });

    it('writes the input and closes it; without input there is none', async () => {
      const text = 'ä'.repeat(300_000);
      assert.equal((await processes.exec(['cat'], { timeoutMs, input: text })).stdout, text);
      assert.equal((await processes.exec(['cat'], { timeoutMs })).stdout, '');
      assert.equal(
        (await processes.exec(['true'], { timeoutMs, input: text })).code,
        0,
        'a command may ignore its input',
      );
    });

    it('writes an input of many pieces as the command takes it', async () => {
      let made = 0;
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        for (; made < 200; made += 1) yield Buffer.alloc(65_536, 1);
      };
      const { stdout } = await processes.exec(['wc', '-c'], { timeoutMs, input: pieces() });
      assert.equal(stdout.trim(), String(200 * 65_536));
      made = 0;
      const result = await processes.exec(['sh', '-c', 'sleep 0.3; exit 3'], { timeoutMs, input: pieces() });
      assert.equal(result.code, 3);
      assert.ok(made < 20, `${made} pieces were made for a command that takes none`);
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('x');
        throw new Error('no more');
      };
      await assert.rejects(processes.exec(['cat'], { timeoutMs, input: broken() }), /no more/);
    });

    it('gives its output piece by piece to who asks for it, and holds it back', async () => {
      let bytes = 0;
      const take = async (piece: Uint8Array): Promise<void> => {
        bytes += piece.length;
        await linuxClock.sleep(1);
      };
      const script = 'head -c 3000000 /dev/zero; echo end >&2; exit 4';
      const result = await processes.exec(['sh', '-c', script], { timeoutMs, takeOutput: take });
      assert.deepEqual([bytes, result], [3_000_000, { code: 4, signal: null, stdout: '', stderr: 'end\n' }]);
      const full = (): Promise<void> => Promise.reject(new Error('the disk is full'));
      await assert.rejects(processes.exec(['cat', '/dev/zero'], { timeoutMs, takeOutput: full }), /the disk is full/);
    });

    it('takes a long output whole', async () => {
      const { stdout } = await processes.exec(['head', '-c', '5000000', '/dev/zero'], { timeoutMs });
      assert.equal(stdout.length, 5_000_000);
    });

    it('bounds the output', async () => {
      await assert.rejects(
        processes.exec(['cat', '/dev/zero'], { timeoutMs: 60_000 }),
        (error: unknown) => withCode('EXEC_FAILED')(error) && /64 MiB/.test((error as Error).message),
      );
    });

    it('kills the whole group on time-out', async () => {
      const file = join(directory, 'pid');
      const script = 'sleep 1000 & echo $! > "$1"; wait';
      await assert.rejects(
        processes.exec(['sh', '-c', script, 'sh', file], { timeoutMs: 300 }),
        withCode('EXEC_TIMEOUT'),
      );
      const child = Number(readFileSync(file, 'utf8'));
      await eventually('the child of the child is gone', async () => !(await processes.alive(child)));
    });

    it('ends with the signal, with its reason, also one that was aborted before', async () => {
      const abort = new AbortController();
      const running = processes.exec(['sleep', '1000'], { timeoutMs, signal: abort.signal });
      setTimeout(() => abort.abort(new Error('enough')), 50);
      await assert.rejects(running, /enough/);
      await assert.rejects(processes.exec(['true'], { timeoutMs, signal: abort.signal }), /enough/);
    });

    it('does not wait for a daemon that the command left behind', async () => {
      const started = linuxClock.monotonicMs();
      const script = 'setsid sleep 60 & echo $!; echo done';
      const { stdout, code } = await processes.exec(['sh', '-c', script], { timeoutMs: 30_000 });
      const pid = Number(stdout.split('\n')[0]);
      assert.equal(code, 0);
      assert.match(stdout, /done/);
      assert.ok(linuxClock.monotonicMs() - started < 20_000, 'less than the time-out, which would have killed it');
      assert.equal(await processes.alive(pid), true);
      processes.kill(pid, 'SIGKILL');
    });

    it('tells a missing command from a missing directory and from one that may not run', async () => {
      await assert.rejects(processes.exec(['pvc-no-such-command'], { timeoutMs }), withCode('EXEC_NOT_FOUND'));
      await assert.rejects(processes.exec(['true'], { timeoutMs, cwd: '/no/such' }), (error: unknown) => {
        assert.ok(error instanceof PvcError);
        assert.equal(error.code, 'EXEC_FAILED');
        assert.match(error.message, /\/no\/such/);
        return true;
      });
      const file = join(directory, 'not-executable');
      writeFileSync(file, 'x', { mode: 0o600 });
      await assert.rejects(processes.exec([file], { timeoutMs }), /permission denied/);
    });
  });

  describe(`processes of ${who}`, () => {
    it('detaches a process with a session of its own and its output in a file', async () => {
      const logFile = join(directory, 'detached.log');
      writeFileSync(logFile, 'before\n');
      const script = 'echo out; echo err >&2; exec sleep 1000';
      const pid = await processes.detach(['sh', '-c', script], { logFile });
      await eventually('its output', () => readFileSync(logFile, 'utf8') === 'before\nout\nerr\n');
      const session = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3]);
      assert.equal(session, pid);
      const ticks = await processes.startTicks(pid);
      assert.ok(ticks !== undefined && ticks > 0);
      assert.equal(await processes.alive(pid, ticks), true);
      assert.equal(await processes.alive(pid, ticks + 1), false, 'the same pid, another process');
      assert.equal(processes.kill(pid, 'SIGTERM'), true);
      await eventually('it is gone', async () => !(await processes.alive(pid)));
      assert.equal(await processes.startTicks(pid), undefined);
      await eventually('it is reaped', () => !processes.kill(pid, 'SIGTERM'));
    });

    it('reports a detached command that does not exist, and a log that cannot be written', async () => {
      await assert.rejects(
        processes.detach(['pvc-no-such-command'], { logFile: join(directory, 'l') }),
        withCode('EXEC_NOT_FOUND'),
      );
      await assert.rejects(processes.detach(['true'], { logFile: join(directory, 'none/l') }), withCode('FILE_FAILED'));
    });

    it('never signals a group or init', () => {
      for (const pid of [0, 1, -1, -5, 1.5, Number.NaN])
        assert.throws(() => processes.kill(pid, 'SIGTERM'), RangeError);
    });

    it('counts a zombie as gone', async () => {
      // `sleep` takes the place of the shell, before the child ends, and never asks how it ended.
      const logFile = join(directory, `zombie of ${who}`);
      const parent = await processes.detach(['sh', '-c', 'sleep 0.3 & echo $!; exec sleep 1000'], { logFile });
      await eventually('a child', () => readFileSync(logFile, 'utf8').endsWith('\n'));
      const zombie = Number(readFileSync(logFile, 'utf8'));
      await eventually('its end', () => readFileSync(`/proc/${zombie}/stat`, 'utf8').includes(') Z '));
      assert.equal(await processes.alive(zombie), false);
      assert.equal(processes.kill(parent, 'SIGKILL'), true);
      assert.equal(await processes.alive(process.pid), true);
    });
  });
}
