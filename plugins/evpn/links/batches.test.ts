import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Batches } from './batches.ts';
import type { Command } from './steps.ts';

/** Does what it is told as `ip -batch -` does; words that begin with `bad` fail, with `odd` cannot even be read. */
function programs() {
  const done: string[] = [];
  const started: string[][] = [];
  const unclear: string[] = [];
  const batches = new Batches({
    async exec([program], input) {
      const lines = input.trimEnd().split('\n');
      started.push(lines);
      await new Promise((resolve) => setImmediate(resolve));
      for (const [at, line] of lines.entries()) {
        if (line.includes('odd')) return { code: 255, signal: null, stdout: '', stderr: 'Error: what is this?\n' };
        if (line.includes('hang')) throw new Error('killed after 20 s');
        if (line.includes('bad'))
          return { code: 1, signal: null, stdout: '', stderr: `RTNETLINK answers: no\nCommand failed -:${at + 1}\n` };
        done.push(`${program} ${line}`);
      }
      return { code: 0, signal: null, stdout: '', stderr: '' };
    },
    reasonOf: (_command, { stderr }) => stderr.trim(),
    unclear: (reason) => unclear.push(reason),
  });
  return { batches, done, started, unclear };
}

const commands = (...lines: string[]): Command[] => lines.map((line) => line.split(' ') as [string, ...string[]]);

describe('commands for devices of many networks', () => {
  it('are told by one process where they come together, and by the next where they come meanwhile', async () => {
    const { batches, started } = programs();
    const first = [1, 2, 3].map((n) => batches.run(commands(`ip add ${n}`)));
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([...first, ...[4, 5].map((n) => batches.run(commands(`ip add ${n}`)))]);
    assert.deepEqual(started, [
      ['add 1', 'add 2', 'add 3'],
      ['add 4', 'add 5'],
    ]);
  });

  it('are told one after the other, whichever program they are for', async () => {
    const { batches, done, started } = programs();
    const each = (n: number) => commands(`ip add ${n}`, `ip master ${n}`, `bridge link ${n}`, `ip up ${n}`);
    await Promise.all([batches.run(each(1)), batches.run(each(2))]);
    assert.equal(started.length, 3);
    for (const n of [1, 2])
      assert.deepEqual(
        done.filter((line) => line.endsWith(String(n))),
        each(n).map((command) => command.join(' ')),
      );
  });

  it('end for one network at its first that fails, with what that says, and go on for others', async () => {
    const { batches, done } = programs();
    const [one, two, three] = await Promise.allSettled([
      batches.run(commands('ip add 1')),
      batches.run(commands('ip add 2', 'ip bad 2', 'ip up 2')),
      batches.run(commands('ip add 3', 'ip up 3')),
    ]);
    assert.deepEqual([one.status, two.status, three.status], ['fulfilled', 'rejected', 'fulfilled']);
    assert.match(String((two as PromiseRejectedResult).reason), /ip bad 2: RTNETLINK answers: no$/);
    assert.deepEqual(done.toSorted(), ['ip add 1', 'ip add 2', 'ip add 3', 'ip up 3']);
  });

  it('are told apart once nobody can say which of them was wrong', async () => {
    const { batches, done, unclear } = programs();
    const all = () =>
      Promise.allSettled([1, 2].map((n) => batches.run(commands(n === 1 ? 'ip odd 1' : `ip add ${n}`))));
    assert.deepEqual(
      (await all()).map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.deepEqual(unclear, ['ip -batch: Error: what is this?']);
    assert.deepEqual(
      (await all()).map(({ status }) => status),
      ['rejected', 'fulfilled'],
    );
    assert.deepEqual([done, unclear.length], [['ip add 2'], 1]);
  });

  it('fail where the process does not end, and the next are told', async () => {
    const { batches, done } = programs();
    await assert.rejects(batches.run(commands('ip hang')), /killed after 20 s/);
    await batches.run(commands('ip add 1'));
    assert.deepEqual(done, ['ip add 1']);
  });

  it('are refused with words that would be read as others', async () => {
    const { batches, started } = programs();
    for (const word of ['a b', 'a\nlink delete b', '#', '', "'", 'a\\', 'a;b'])
      await assert.rejects(batches.run([['ip', 'link', word]]), /is no word/);
    assert.deepEqual(started, []);
  });

  it('are each done once, in order, up to the first that fails', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.tuple(fc.constantFrom('ip', 'bridge'), fc.boolean()), { maxLength: 5 }), { maxLength: 9 }),
        async (works) => {
          const { batches, done } = programs();
          const told = works.map((work, at) =>
            work.map(([program, good], step): Command => [program, good ? 'set' : 'bad', `${at}.${step}`]),
          );
          const ended = await Promise.allSettled(told.map((work) => batches.run(work)));
          for (const [at, work] of told.entries()) {
            const bad = work.findIndex(([, word]) => word === 'bad');
            assert.equal(ended[at]?.status, bad === -1 ? 'fulfilled' : 'rejected');
            assert.deepEqual(
              done.filter((line) => line.split(' ')[2]?.startsWith(`${at}.`)),
              (bad === -1 ? work : work.slice(0, bad)).map((command) => command.join(' ')),
            );
          }
        },
      ),
    ));
});
