import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CommandFailed, run } from './run.ts';

describe('run', () => {
  it('collects output and passes input', async () => {
    const result = await run(['sh', '-c', 'cat; echo told >&2'], { input: 'given' });
    assert.deepEqual(result, { code: 0, stdout: 'given', stderr: 'told\n' });
  });

  it('rejects with what the command said, unless its code is accepted', async () => {
    await assert.rejects(run(['sh', '-c', 'echo trouble >&2; exit 3']), /sh -c .*ended with 3\ntrouble/);
    assert.equal((await run(['sh', '-c', 'exit 3'], { accept: [3] })).code, 3);
    assert.equal((await run(['sh', '-c', 'kill -TERM $$'], { accept: 'any' })).code, 143);
  });

  it('kills a command and its children that take too long or are interrupted', async () => {
    await assert.rejects(run(['sh', '-c', 'sleep 300 & wait'], { timeoutMs: 50 }), /no end after 50 ms/);
    const interrupt = new AbortController();
    const running = run(['sh', '-c', 'sleep 300 & wait'], { signal: interrupt.signal });
    interrupt.abort();
    await assert.rejects(running, CommandFailed);
  });

  it('does not wait for a child of the command that keeps its output open', async () => {
    const { stdout } = await run(['sh', '-c', 'sleep 5 & echo done'], { timeoutMs: 4_500 });
    assert.equal(stdout, 'done\n');
  });

  it('rejects when there is no such command', async () => {
    await assert.rejects(run(['/nonexistent/command']), /ENOENT/);
  });
});
