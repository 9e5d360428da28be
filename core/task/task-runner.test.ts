import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../host/virtual-host.ts';
import { Documents, type Write } from '../store/documents.ts';
import { MemoryCluster } from '../store/memory.ts';
import { type AnyTaskDefinition, defineTask, type TaskRun } from './task-definition.ts';
import { type TaskSpec, type TaskStatus, task } from './task-kind.ts';
import { TaskRunner } from './task-runner.ts';

const id = '0123456789abcdef';
const pending: TaskStatus = { state: 'pending', phase: '', progress: 0, message: '', data: null, attempts: 0 };

/** One cluster; each call of `daemon` is a life of hv1's daemon. */
function setUp() {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const test = new Documents(cluster.open('test'));
  const ended: string[] = [];
  const daemon = (definitions: readonly AnyTaskDefinition[], options: { primary?: boolean; node?: string } = {}) => {
    const documents = new Documents(cluster.open('daemon'));
    const runner = new TaskRunner({
      host,
      documents,
      node: options.node ?? 'hv1',
      definitions: new Map(definitions.map((one) => [one.action, one])),
      isPrimary: () => options.primary ?? true,
      guard: () => [],
      ended: ({ label }) => ended.push(label),
    });
    const look = (): Promise<void> => runner.changed({ resync: true, keys: new Set() });
    return { runner, look, documents };
  };
  const write = async (...writes: Write[]): Promise<void> => {
    const { ops, topics } = new Documents(test.store).commitOf(writes);
    assert.equal((await test.store.commit(ops, topics)).outcome, 'ok');
  };
  const request = (spec: Partial<TaskSpec> = {}, status: Partial<TaskStatus> = {}): Promise<void> =>
    write({
      do: 'create',
      kind: task,
      id,
      spec: {
        action: 'box.paint',
        target: { kind: 'box', id: '1', label: 'a' },
        node: 'hv1',
        input: { colour: 'red' },
        requestedBy: 'anna',
        createdMs: host.clock.wallMs(),
        timeoutMs: 10_000,
        cancel: false,
        ...spec,
      },
      status: { ...pending, ...status },
    });
  const cancel = async (): Promise<void> => {
    const before = await test.need(task, id);
    await write({ do: 'spec', kind: task, before, spec: { ...before.spec, cancel: true } });
  };
  /** Asks for it, and cancels it when it has been at work for a second. */
  const cancelAtWork = async (look: () => Promise<void>): Promise<void> => {
    await request();
    await look();
    await host.clock.advance(1000);
    await cancel();
    await look();
  };
  /** As the primary does with the tasks of a node that is dead. */
  const endElsewhere = async (): Promise<void> => {
    const before = await test.need(task, id);
    await write({ do: 'status', kind: task, before, status: { ...pending, ...before.status, state: 'failed' } });
  };
  const status = async (): Promise<TaskStatus> => (await test.need(task, id)).status ?? pending;
  return {
    host,
    clock: host.clock,
    cluster,
    daemon,
    request,
    cancel,
    cancelAtWork,
    endElsewhere,
    status,
    ended,
    link: cluster.link('daemon'),
  };
}

const paint = (
  run: (run: TaskRun<unknown>) => Promise<unknown>,
  more: Partial<AnyTaskDefinition> = {},
): AnyTaskDefinition => defineTask<unknown>({ action: 'box.paint', summary: 'paint', run, ...more });
const hang = (): Promise<never> => new Promise(() => undefined);

describe('a task', () => {
  it('runs with its input and writes its progress and its result', async () => {
    const { clock, daemon, request, status, ended } = setUp();
    const { look } = daemon([
      paint(async (run) => {
        assert.deepEqual([run.spec.input, run.phase, run.data, run.resumed], [{ colour: 'red' }, '', undefined, false]);
        assert.equal(run.leftMs, 10_000);
        await run.advance('primer', { message: 'first coat', progress: 0.25, data: { coats: 1 } });
        await clock.sleep(2000);
        run.progress(0.5, 'half');
        run.progress(0.6, 'too soon after the last');
        await clock.sleep(2000);
        run.progress(7);
        await clock.sleep(2000);
        assert.equal(run.leftMs, 4000);
        return { litres: 3 };
      }),
    ]);
    await request();
    const seen: unknown[] = [];
    await look();
    for (let at = 0; at < 4; at += 1) {
      await clock.advance(1900);
      const { state, phase, progress, message, attempts, owner } = await status();
      seen.push([state, phase, progress, message, attempts, owner]);
    }
    assert.deepEqual(seen, [
      ['running', 'primer', 0.25, 'first coat', 1, 'hv1'],
      ['running', 'primer', 0.5, 'half', 1, 'hv1'],
      ['running', 'primer', 1, 'half', 1, 'hv1'],
      ['succeeded', 'primer', 1, 'half', 1, 'hv1'],
    ]);
    const last = await status();
    assert.deepEqual([last.result, (last.endedMs ?? 0) - (last.startedMs ?? 0)], [{ litres: 3 }, 6000]);
    assert.deepEqual(ended, ['a']);
    assert.equal(clock.pending, 0);
  });

  it('runs once, however often it is looked at', async () => {
    const { clock, daemon, request, status } = setUp();
    let runs = 0;
    const { look, runner } = daemon([
      paint(async () => {
        runs += 1;
        await clock.sleep(1000);
      }),
    ]);
    await request();
    await Promise.all([
      look(),
      look(),
      runner.changed({ resync: false, keys: new Set([`/task/${id}/spec`, `/task/${id}/status`]) }),
    ]);
    await clock.advance(500);
    await look();
    await clock.advance(1000);
    await look();
    await clock.advance(1000);
    assert.deepEqual([runs, (await status()).state], [1, 'succeeded']);
  });

  it('that somebody else has ended is let go of, and its end stays', async () => {
    const { clock, daemon, request, status, endElsewhere } = setUp();
    let aborted = false;
    const { look } = daemon([
      paint(async ({ signal }) => {
        signal.addEventListener('abort', () => (aborted = true));
        await clock.sleep(5_000, signal);
      }),
    ]);
    await request();
    await look();
    await clock.advance(500);
    await endElsewhere();
    // No list has it any more, and the change itself may not have been heard.
    await look();
    await clock.advance(10_000);
    assert.deepEqual([aborted, (await status()).state], [true, 'failed']);
  });

  it('that ended while the list of tasks was on its way does not run again', async () => {
    const { clock, daemon, request, status, link } = setUp();
    let runs = 0;
    const { look } = daemon([
      paint(async () => {
        runs += 1;
        await clock.sleep(100);
      }),
    ]);
    await request();
    await Promise.all([look(), clock.advance(50)]);
    // Read while the task runs; the answer arrives when it has ended.
    const late = look();
    link.setLatency({ minMs: 400, maxMs: 400 });
    await new Promise((resolve) => setImmediate(resolve));
    link.setLatency({ minMs: 0, maxMs: 0 });
    await clock.advance(2000);
    await late;
    await clock.advance(2000);
    assert.deepEqual([runs, (await status()).state], [1, 'succeeded']);
  });

  it('of another node, or of the primary elsewhere, is left alone', async () => {
    for (const [spec, options, runs] of [
      [{ node: 'hv2' }, {}, 0],
      [{ node: undefined }, { primary: false }, 0],
      [{ node: undefined }, { primary: true }, 1],
    ] as const) {
      const { clock, daemon, request } = setUp();
      let count = 0;
      const { look } = daemon([paint(async () => void (count += 1))], options);
      const { node, ...rest } = { ...spec };
      await request(node === undefined ? { ...rest, node: undefined as unknown as string } : { node });
      await look();
      await clock.advance(100);
      assert.equal(count, runs, JSON.stringify([spec, options]));
    }
  });

  it('that nobody knows fails with a code', async () => {
    const { clock, daemon, request, status } = setUp();
    const { look } = daemon([]);
    await request();
    await look();
    await clock.advance(0);
    const { state, error } = await status();
    assert.deepEqual([state, error?.code], ['failed', 'TASK_UNKNOWN']);
    assert.match(error?.message ?? '', /knows the task box\.paint/);
  });

  it('that throws fails with the reason and its causes', async () => {
    for (const run of [
      async () => {
        throw new Error('no paint', { cause: new Error('shop is closed') });
      },
      (() => {
        throw new Error('no paint: shop is closed');
      }) as () => Promise<never>,
    ]) {
      const { clock, daemon, request, status, ended } = setUp();
      let abandoned = 0;
      const { look } = daemon([paint(run, { abandoned: async () => void (abandoned += 1) })]);
      await request();
      await look();
      await clock.advance(0);
      const { state, error } = await status();
      assert.deepEqual([state, error?.code, error?.message], ['failed', 'TASK_FAILED', 'no paint: shop is closed']);
      assert.deepEqual([ended, abandoned], [['a'], 0]);
    }
  });
});

describe('a task that is ended early', () => {
  it('by its deadline has failed, and is put right', async () => {
    const { clock, daemon, request, status } = setUp();
    const told: unknown[] = [];
    let aborted: unknown;
    const { look } = daemon([
      paint(
        async (run) => {
          run.signal.addEventListener('abort', () => (aborted = run.signal.reason));
          await run.advance('half', { data: { coats: 1 } });
          await clock.sleep(60_000);
          await run.advance('must not be written');
        },
        { abandoned: async ({ phase, data }, why) => void told.push([phase, data, why]) },
      ),
    ]);
    await request();
    await look();
    await clock.advance(9999);
    assert.equal((await status()).state, 'running');
    await clock.advance(1);
    // What takes no notice of its end is waited for no longer than this.
    await clock.advance(10_000);
    const { state, error, phase } = await status();
    assert.deepEqual([state, error?.code, phase], ['failed', 'TASK_TIMEOUT', 'half']);
    assert.match(error?.message ?? '', /within 10 s/);
    assert.deepEqual(told, [['half', { coats: 1 }, 'timeout']]);
    assert.match(String(aborted), /within 10 s/);
    await clock.advance(100_000);
    assert.equal((await status()).phase, 'half', 'what goes on in the background is not written');
  });

  it('by somebody is cancelled, and is put right', async () => {
    const { clock, daemon, status, cancelAtWork } = setUp();
    const told: string[] = [];
    const { look } = daemon([paint(hang, { abandoned: async (_, why) => void told.push(why) })]);
    await cancelAtWork(look);
    await clock.advance(10_000);
    const { state, error } = await status();
    assert.deepEqual([state, error?.code, told], ['cancelled', 'TASK_CANCELLED', ['cancelled']]);
  });

  it('is put right once what was cut off has come to rest', async () => {
    const { clock, daemon, cancelAtWork } = setUp();
    const told: string[] = [];
    const work = async ({ signal }: TaskRun): Promise<void> => {
      await clock.sleep(60_000, signal).catch(() => undefined);
      await clock.sleep(500);
      told.push('at rest');
      signal.throwIfAborted();
    };
    const { look } = daemon([paint(work, { abandoned: async (_, why) => void told.push(why) })]);
    await cancelAtWork(look);
    await clock.advance(499);
    assert.deepEqual(told, []);
    await clock.advance(1);
    assert.deepEqual(told, ['at rest', 'cancelled']);
  });

  it('too late is done, and nothing is put right', async () => {
    const { clock, daemon, status, cancelAtWork, ended } = setUp();
    const told: string[] = [];
    const work = async (): Promise<string> => {
      await clock.sleep(1500);
      return 'red';
    };
    const { look } = daemon([paint(work, { abandoned: async (_, why) => void told.push(why) })]);
    await cancelAtWork(look);
    await clock.advance(500);
    const { state, result, progress } = await status();
    assert.deepEqual([state, result, progress, told, ended], ['succeeded', 'red', 1, [], ['a']]);
  });

  it('before it began does not begin, and what its plan has written is put right', async () => {
    const { clock, daemon, request, status, cancel } = setUp();
    let runs = 0;
    const told: string[] = [];
    const { look } = daemon([
      paint(async () => void (runs += 1), { abandoned: async (_, why) => void told.push(why) }),
    ]);
    await request();
    await cancel();
    await look();
    await clock.advance(0);
    assert.deepEqual([runs, (await status()).state, told], [0, 'cancelled', ['cancelled']]);
  });

  for (const [what, abandoned] of [
    ['throws', () => Promise.reject(new Error('no'))],
    [
      'throws at once',
      () => {
        throw new Error('no');
      },
    ],
    ['returns no promise', () => undefined as unknown as Promise<void>],
    ['never returns', hang],
  ] as const) {
    it(`ends also when putting it right ${what}`, async () => {
      const { clock, daemon, request, status, ended, host } = setUp();
      const { look } = daemon([paint(hang, { abandoned })]);
      await request({ timeoutMs: 1000 });
      await look();
      await clock.advance(1000 + 10_000 + 60_000);
      assert.equal((await status()).error?.code, 'TASK_TIMEOUT');
      assert.deepEqual(ended, ['a']);
      assert.equal(
        host.logLines.some((line) => line.includes('putting things right')),
        what !== 'returns no promise',
      );
    });
  }
});

describe('a task and the end of its daemon', () => {
  /** Paints in three coats, one a second; each start of a coat is noted with its life. */
  const coats = (clock: { sleep(ms: number): Promise<void> }, log: string[], life: number): AnyTaskDefinition =>
    paint(async (run) => {
      const first = run.phase === '' ? 1 : Number(run.phase);
      log.push(`life ${life} from ${first}${run.resumed ? ' resumed' : ''}`);
      for (let coat = first; coat <= 3; coat += 1) {
        await run.advance(String(coat), { data: { coat } });
        await clock.sleep(1000);
      }
      return 'painted';
    });

  for (const [crashAtMs, from] of [
    [0, 1],
    [500, 1],
    [1500, 2],
    [2500, 3],
  ] as const) {
    it(`that crashes after ${crashAtMs} ms is continued by the next from coat ${from}`, async () => {
      const { clock, daemon, request, status, cluster } = setUp();
      const log: string[] = [];
      const first = daemon([coats(clock, log, 1)]);
      await request();
      await first.look();
      await clock.advance(crashAtMs);
      // A crash: its session ends and nothing of it is written any more.
      cluster.link('daemon').cut();
      await clock.advance(0);
      cluster.link('daemon').heal();
      const second = daemon([coats(clock, log, 2)]);
      await second.look();
      await clock.advance(4000);
      const { state, attempts, result } = await status();
      assert.deepEqual([state, result], ['succeeded', 'painted']);
      assert.equal(attempts, 2);
      assert.equal(log[1], `life 2 from ${from} resumed`);
    });
  }

  it('that stops in order is continued as well, and has not failed', async () => {
    const { clock, daemon, request, status } = setUp();
    const log: string[] = [];
    let abandoned = 0;
    const first = daemon([{ ...coats(clock, log, 1), abandoned: async () => void (abandoned += 1) }]);
    await request();
    await first.look();
    await clock.advance(1500);
    await first.runner.stop();
    assert.deepEqual([(await status()).state, abandoned], ['running', 0]);
    await first.look();
    await clock.advance(0);
    assert.equal((await status()).attempts, 1, 'a daemon that stops takes up nothing');
    await daemon([coats(clock, log, 2)]).look();
    await clock.advance(3000);
    assert.equal((await status()).state, 'succeeded');
    assert.deepEqual(log, ['life 1 from 1', 'life 2 from 2 resumed']);
  });

  it('keeps its deadline over the restart', async () => {
    const { clock, daemon, request, status } = setUp();
    await request({}, { state: 'running', attempts: 1, phase: 'x' });
    await clock.advance(8000);
    const { look } = daemon([paint(hang)]);
    await look();
    await clock.advance(1999);
    assert.equal((await status()).state, 'running');
    await clock.advance(1);
    assert.equal((await status()).error?.code, 'TASK_TIMEOUT');
    const late = setUp();
    await late.request();
    await late.clock.advance(60_000);
    await late.daemon([paint(hang)]).look();
    await late.clock.advance(1);
    assert.equal((await late.status()).error?.code, 'TASK_TIMEOUT');
  });
});

describe('a task and its store', () => {
  it('that is away while it ends: the end is written when it is back', async () => {
    const { clock, daemon, request, status, link } = setUp();
    let runs = 0;
    const { look } = daemon([
      paint(async () => {
        runs += 1;
        await clock.sleep(1000);
        return 'painted';
      }),
    ]);
    await request();
    await look();
    await clock.advance(500);
    link.cut();
    await clock.advance(3000);
    link.heal();
    await clock.advance(3000);
    assert.deepEqual([(await status()).state, (await status()).result, runs], ['succeeded', 'painted', 1]);
  });

  it('that loses answers: each state is written once', async () => {
    for (const applied of [true, false]) {
      const { clock, daemon, request, status, link } = setUp();
      let runs = 0;
      const { look } = daemon([
        paint(async (run) => {
          runs += 1;
          link.loseNextAnswer(applied);
          await run.advance('one', { data: 1 });
          link.loseNextAnswer(applied);
          return 'painted';
        }),
      ]);
      await request();
      link.loseNextAnswer(applied);
      await look();
      await clock.advance(5000);
      const { state, phase, data, attempts, result } = await status();
      assert.deepEqual(
        [state, phase, data, attempts, result, runs],
        ['succeeded', 'one', 1, 1, 'painted', 1],
        `applied ${applied}`,
      );
    }
  });

  it('that loses an answer does not write over an end that somebody else has written meanwhile', async () => {
    for (const applied of [true, false]) {
      const { clock, daemon, request, status, endElsewhere, link } = setUp();
      let runs = 0;
      const { look } = daemon([paint(async () => void (runs += 1))]);
      await request();
      link.loseNextAnswer(applied);
      await look();
      await clock.advance(0);
      await endElsewhere();
      await clock.advance(5_000);
      await look();
      await clock.advance(5_000);
      assert.deepEqual([runs, (await status()).state], [0, 'failed'], `applied ${applied}`);
    }
  });

  it('where its request is changed meanwhile goes on', async () => {
    const { clock, daemon, request, status, cancel } = setUp();
    const { look } = daemon([
      paint(async (run) => {
        await clock.sleep(1000);
        await run.advance('after the change');
        return 'painted';
      }),
    ]);
    await request();
    await look();
    await clock.advance(500);
    await cancel();
    // The change was not told; the next write meets a conflict and is done on the newest document.
    await clock.advance(2000);
    assert.deepEqual([(await status()).state, (await status()).phase], ['succeeded', 'after the change']);
  });
});
