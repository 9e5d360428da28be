import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { busyShare, cpuSeconds, cpuTime, measured } from './cpu-time.ts';

describe('the time of the cores', () => {
  it('is busy with everything but waiting; what guests take is counted once', () => {
    const from = cpuTime('cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n');
    assert.deepEqual(from, { busy: 150, total: 1000 });
    const to = cpuTime('cpu  250 0 50 850 50 0 0 0 150 0\n');
    assert.equal(busyShare(from, to), 0.75);
    assert.equal(busyShare(from, from), 0);
  });
  it('is read from this machine', () => assert.ok(cpuTime(readFileSync('/proc/stat', 'utf8')).total > 0));
  it('is nothing without a text of the kernel', () => assert.throws(() => cpuTime(''), /does not begin/));
});

describe('a command whose time is measured', () => {
  const run = (...argv: string[]) => {
    const [file, ...args] = measured(argv);
    return spawnSync(file, args, { encoding: 'utf8' });
  };
  it('says what it says, ends as it ends, and tells its time last', () => {
    const { status, stdout, stderr } = run(
      'python3',
      '-c',
      'import sys; print("out"); sum(range(3000000)); sys.exit(3)',
    );
    assert.deepEqual([status, stdout], [3, 'out\n']);
    assert.ok((cpuSeconds(stderr) ?? 0) > 0.01, stderr);
  });
  it('that is killed has not succeeded', () =>
    assert.notEqual(run('python3', '-c', 'import os; os.kill(os.getpid(), 9)').status, 0));
  it('that is not there has no time', () => {
    const { status, stderr } = run('/nothing/of/that/name');
    assert.notEqual(status, 0);
    assert.equal(cpuSeconds(stderr), undefined);
  });
  it('is found by its words: no shell reads them', () =>
    assert.equal(
      execFileSync('python3', measured(['echo', '$HOME; `id`']).slice(1), { encoding: 'utf8' }),
      '$HOME; `id`\n',
    ));
});
