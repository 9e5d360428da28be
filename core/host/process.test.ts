import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const module = fileURLToPath(new URL('./process.ts', import.meta.url));
/** More than a pipe and the reader's shell hold together. */
const bytes = 3_000_000;
const program = `
  import { exitAfterOutput } from ${JSON.stringify(module)};
  process.on('SIGTERM', () => {});
  process.stdout.write(Buffer.alloc(${bytes}, 'x'));
  process.stderr.write('written');
  await exitAfterOutput(3);
`;

describe('the end of the process', () => {
  it('comes after a slow reader has taken all of its output', () => {
    const script = '{ "$0" --input-type=module -e "$1"; echo "code $?" >&2; } | { sleep 0.5; wc -c; }';
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', script, process.execPath, program], { encoding: 'utf8' });
    assert.equal(stdout, `${bytes}\n`);
    assert.equal(stderr, 'writtencode 3\n');
  });

  it('comes by a signal where nobody reads', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    await once(child.stderr, 'data');
    // It has come to its end a moment after that, at the latest with the second signal.
    const ended = once(child, 'exit');
    const again = setInterval(() => child.kill('SIGTERM'), 100);
    const [code, signal] = await ended;
    clearInterval(again);
    assert.deepEqual([code, signal], [null, 'SIGTERM']);
  });
});
