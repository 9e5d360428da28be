/** A session at a Ceph that answers, hangs, is away and is strange, on a clock that only the test advances. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExecOptions } from '../../../core/host/host.ts';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import type { ExecResult } from '../../../core/plugin/api.ts';
import { CephSession } from './session.ts';

const ended = (more: Partial<ExecResult>): ExecResult => ({ code: 0, signal: null, stdout: '', stderr: '', ...more });
const answerTo = (words: readonly string[]): string =>
  `${JSON.stringify({ code: 0, stdout: JSON.stringify(words), stderr: '' })}\n`;

type Interpreter = (words: readonly string[]) => string | Partial<ExecResult> | undefined;

/** @param interpreter what it prints, how it ends, or undefined: it hangs */
function world(interpreter: Interpreter) {
  const host = createVirtualHost();
  const stop = new AbortController();
  const starts: string[][] = [];
  let running = 0;
  const live = async (options: ExecOptions): Promise<ExecResult> => {
    for await (const line of options.input as AsyncIterable<Uint8Array>) {
      const asked = JSON.parse(Buffer.from(line).toString()) as { number: number; words: string[] };
      const told = interpreter(asked.words);
      const does =
        typeof told === 'string' && !told.includes('"number"') ? told.replace('{', `{"number":${asked.number},`) : told;
      if (does === undefined) return new Promise(() => {});
      if (typeof does !== 'string') return ended(does);
      // Answers come in pieces of any size.
      for (const piece of [does.slice(0, 7), does.slice(7)]) await options.takeOutput?.(Buffer.from(piece));
    }
    return ended({});
  };
  host.processes.exec = async (argv, options) => {
    starts.push([...argv]);
    running += 1;
    const cut = new Promise<never>((_, reject) =>
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason as Error)),
    );
    try {
      return await Promise.race([live(options), cut]);
    } finally {
      running -= 1;
    }
  };
  const session = new CephSession(host, stop.signal);
  return { host, session, starts, stop, running: () => running };
}

const askIn = async (
  { host, session }: ReturnType<typeof world>,
  words: readonly string[],
  ms = 0,
): Promise<ExecResult | undefined> => {
  const answer = session.ask(words, 20_000);
  await host.clock.advance(ms);
  return answer;
};

describe('a session at Ceph', () => {
  it('answers many questions, each with its own answer, by one interpreter', async () => {
    const here = world(answerTo);
    const asked = [['osd', 'dump'], ['df'], ['osd', 'df', 'tree']];
    const answers = Promise.all(asked.map((words) => here.session.ask(words, 20_000)));
    await here.host.clock.advance(0);
    assert.deepEqual(
      (await answers).map((one) => JSON.parse(one?.stdout ?? '')),
      asked,
    );
    assert.equal(here.starts.length, 1);
    assert.equal(here.starts[0]?.[1], '-c');
  });

  it('does not have one question wait for the other', async () => {
    const answers = [
      '',
      '{"number":2,"code":0,"stdout":"b","stderr":""}\n{"number":1,"code":0,"stdout":"a","stderr":""}\n',
    ];
    const here = world(() => `${answers.shift()}`);
    const asked = [['osd', 'down', '2'], ['df']].map((words) => here.session.ask(words, 20_000));
    await here.host.clock.advance(0);
    assert.deepEqual(
      (await Promise.all(asked)).map((one) => one?.stdout),
      ['a', 'b'],
    );
  });

  it('ends when nobody asks for half a minute, and begins again', async () => {
    const here = world(answerTo);
    await askIn(here, ['df']);
    await here.host.clock.advance(29_000);
    await askIn(here, ['df']);
    assert.deepEqual([here.starts.length, here.running()], [1, 1]);
    await here.host.clock.advance(31_000);
    assert.equal(here.running(), 0);
    assert.equal((await askIn(here, ['df']))?.code, 0);
    assert.equal(here.starts.length, 2);
  });

  it('tells what Ceph refuses', async () => {
    const refusal = { code: 2, stdout: '', stderr: 'Error ENOENT: osd.77 does not exist' };
    const here = world(() => `${JSON.stringify(refusal)}\n`);
    assert.deepEqual(await askIn(here, ['osd', 'find', '77']), { ...refusal, signal: null });
  });

  it('does not make those wait who ask while Ceph hangs, longer than two seconds', async () => {
    let hangs = false;
    const here = world((words) => (hangs ? undefined : answerTo(words)));
    await askIn(here, ['df']);
    hangs = true;
    const asked = [here.session.ask(['df'], 20_000), here.session.ask(['status'], 20_000)];
    await here.host.clock.advance(2_000);
    assert.deepEqual(await Promise.all(asked), [undefined, undefined]);
    assert.equal(here.running(), 0);
    hangs = false;
    assert.equal((await askIn(here, ['df']))?.code, 0);
  });

  it('says so when no monitor lets it in', async () => {
    const away = { code: 1, stderr: '[errno 110] RADOS timed out (error connecting to the cluster)\n' };
    assert.deepEqual(
      await askIn(
        world(() => away),
        ['df'],
      ),
      ended(away),
    );
  });

  for (const [what, interpreter] of [
    ['cannot be started', () => ({ code: 1, stderr: "ModuleNotFoundError: No module named 'rados'\n" })],
    ['prints no answer', () => 'Traceback (most recent call last)\n'],
  ] as const)
    it(`tells nothing when its interpreter ${what}, and leaves it alone for half a minute`, async () => {
      const here = world(interpreter);
      for (let i = 0; i < 3; i += 1) assert.equal(await askIn(here, ['df']), undefined);
      assert.equal(here.starts.length, 1);
      await here.host.clock.advance(31_000);
      await askIn(here, ['df']);
      assert.equal(here.starts.length, 2);
    });

  it('gives nobody more time than there is', async () => {
    const here = world(() => undefined);
    const answer = here.session.ask(['df'], 500);
    await here.host.clock.advance(500);
    assert.equal(await answer, undefined);
  });

  it('ends with the daemon', async () => {
    const here = world(answerTo);
    await askIn(here, ['df']);
    here.stop.abort(new Error('the daemon stops'));
    await here.host.clock.advance(0);
    assert.equal(here.running(), 0);
  });
});
