import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { FaultBook } from '../fault/fault-book.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { defineKind } from '../model/kind.ts';
import { Documents, type Write } from '../store/documents.ts';
import { MemoryCluster } from '../store/memory.ts';
import { type Controller, condition, type Step } from './controller.ts';
import { Engine } from './engine.ts';

const boxSpec = z.strictObject({ colour: z.string(), node: z.string().default('hv1') });
const boxStatus = z.strictObject({ colour: z.string().nullable(), conditions: z.array(condition) });
const box = defineKind<z.infer<typeof boxSpec>, z.infer<typeof boxStatus>>({
  name: 'box',
  plural: 'boxes',
  version: 1,
  id: z.string(),
  spec: boxSpec,
  status: boxStatus,
  label: (spec) => `the ${spec.colour} one`,
});
type BoxController = Controller<z.infer<typeof boxSpec>, z.infer<typeof boxStatus>, string | null, Step>;

/** A world of painted boxes, and a controller that paints them as the store says. */
function setUp(changes: Partial<BoxController> = {}) {
  const host = createVirtualHost();
  const { clock } = host;
  const cluster = new MemoryCluster({ clock });
  const documents = new Documents(cluster.open('daemon'));
  const faults = new FaultBook(host, documents, 'hv1');
  const world = new Map<string, string>();
  const log: string[] = [];
  const controller: BoxController = {
    name: 'painter',
    summary: 'paints',
    kind: box,
    scope: 'node',
    mine: (doc, node) => doc.spec.node === node,
    present: async () => [...world.keys()],
    observe: async (id) => world.get(id) ?? null,
    plan: (doc, observed) => {
      if (doc === undefined)
        return { steps: observed === null ? [] : [{ do: 'scrap', text: 'scrap it', timeoutMs: 1000 }] };
      return {
        steps:
          observed === doc.spec.colour
            ? []
            : [{ do: doc.spec.colour, text: `paint it ${doc.spec.colour}`, timeoutMs: 1000 }],
      };
    },
    apply: async (step, id) => {
      log.push(`${clock.monotonicMs()} ${step.do} ${id}`);
      if (step.do === 'scrap') world.delete(id);
      else world.set(id, step.do);
    },
    report: (_doc, observed, conditions) => ({ colour: observed, conditions: [...conditions] }),
    ...changes,
  };
  const engine = new Engine({ host, documents, node: 'hv1', faults });
  const stopping = new AbortController();
  const start = (): void => {
    engine.start(controller, stopping.signal);
    void (async () => {
      for await (const dirty of documents.store.watch(['all', 'node:hv1'], stopping.signal)) engine.changed(dirty);
    })();
  };
  const write = async (...writes: Write[]): Promise<void> => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  };
  const create = (id: string, colour: string, node = 'hv1'): Promise<void> =>
    write({ do: 'create', kind: box, id, spec: { colour, node } });
  const paint = async (id: string, colour: string): Promise<void> => {
    const before = await documents.need(box, id);
    await write({ do: 'spec', kind: box, before, spec: { ...before.spec, colour } });
  };
  const status = async (id: string) => (await documents.need(box, id)).status;
  const conditions = async (id: string): Promise<string[]> =>
    ((await status(id))?.conditions ?? []).map(({ message }) => message);
  return {
    host,
    clock,
    cluster,
    documents,
    faults,
    world,
    log,
    engine,
    start,
    stop: () => stopping.abort(),
    write,
    create,
    paint,
    status,
    conditions,
  };
}

describe('engine', () => {
  it('does what is missing, looks again, and writes what is', async () => {
    const { clock, start, create, paint, status, world, log } = setUp();
    await create('1', 'red');
    start();
    await clock.advance(10);
    assert.deepEqual([world.get('1'), await status('1')], ['red', { colour: 'red', conditions: [] }]);
    await paint('1', 'blue');
    await clock.advance(10);
    assert.deepEqual([world.get('1'), await status('1')], ['blue', { colour: 'blue', conditions: [] }]);
    assert.deepEqual(log, ['0 red 1', '10 blue 1']);
  });

  it('writes a status only when it differs, and is not woken by it', async () => {
    let looks = 0;
    const made: ReturnType<typeof setUp> = setUp({
      observe: async (id) => {
        looks += 1;
        return made.world.get(id) ?? null;
      },
    });
    const { clock, cluster, start, create } = made;
    await create('1', 'red');
    start();
    await clock.advance(1000);
    const after = looks;
    const version = cluster.dump().find(({ key }) => key === '/box/1/status')?.version;
    await clock.advance(58_000);
    assert.equal(looks, after);
    await clock.advance(2 * 60_000);
    assert.ok(looks > after, 'a resync looks again');
    assert.equal(cluster.dump().find(({ key }) => key === '/box/1/status')?.version, version);
  });

  it('leaves the objects of other nodes alone', async () => {
    const { clock, start, create, status, log } = setUp();
    await create('1', 'red', 'hv2');
    start();
    await clock.advance(1000);
    assert.deepEqual([log, await status('1')], [[], undefined]);
  });

  it('ends what is there and not, or no longer, in the store', async () => {
    const { clock, start, create, documents, write, world, log } = setUp();
    world.set('orphan', 'grey');
    await create('1', 'red');
    start();
    await clock.advance(10);
    assert.deepEqual([...world.keys()], ['1']);
    await write({ do: 'remove', kind: box, before: await documents.need(box, '1') });
    await clock.advance(10);
    assert.deepEqual([...world.keys()], []);
    assert.deepEqual(log.at(-1), '10 scrap 1');
  });

  it('lets go of what moves to another node', async () => {
    const { clock, start, create, documents, write, world } = setUp();
    await create('1', 'red');
    start();
    await clock.advance(10);
    const before = await documents.need(box, '1');
    await write({ do: 'spec', kind: box, before, spec: { colour: 'red', node: 'hv2' } });
    await clock.advance(10);
    assert.equal(world.size, 0);
  });

  it('sees a change of the world when it is told, and by itself within a minute', async () => {
    let touch: (id: string) => void = () => undefined;
    const { clock, start, create, world } = setUp({
      watch: async (fn) => {
        touch = fn;
      },
    });
    await create('1', 'red');
    start();
    await clock.advance(10);
    world.set('1', 'scratched');
    touch('1');
    await clock.advance(0);
    assert.equal(world.get('1'), 'red');
    world.set('1', 'scratched');
    await clock.advance(61_000);
    assert.equal(world.get('1'), 'red');
  });

  describe('of a controller that can glance', () => {
    /** Counts looks; the world is told at a glance. */
    function glancing(changes: Partial<BoxController> = {}) {
      const looks: string[] = [];
      const made: ReturnType<typeof setUp> = setUp({
        glance: async () => new Map(made.world),
        sign: (observed) => observed ?? '',
        observe: async (id) => {
          looks.push(id);
          return made.world.get(id) ?? null;
        },
        ...changes,
      });
      const looksIn = async (ms: number): Promise<string[]> => {
        looks.length = 0;
        await made.clock.advance(ms);
        return [...looks];
      };
      return { ...made, looksIn };
    }
    const minute = 60_000;

    it('leaves alone what is at rest, and looks at everything each half hour', async () => {
      const { start, create, looksIn } = glancing();
      for (const id of ['1', '2']) await create(id, 'red');
      start();
      // Painted, and looked at once more since the status was written then.
      assert.deepEqual(await looksIn(minute + 10), ['1', '2', '1', '2', '1', '2']);
      assert.deepEqual(await looksIn(28 * minute), []);
      assert.deepEqual(await looksIn(minute), ['1', '2']);
    });

    it('looks at what has moved in the world or the store, though nobody tells', async () => {
      const { start, create, world, cluster, clock, documents, looksIn } = glancing();
      for (const id of ['1', '2', '3']) await create(id, 'red');
      start();
      await clock.advance(2 * minute + 10);
      world.set('2', 'scratched');
      assert.deepEqual(await looksIn(minute), ['2', '2'], 'seen, and what came of it');
      assert.equal(world.get('2'), 'red');
      await clock.advance(minute);
      world.delete('3');
      assert.deepEqual(await looksIn(minute), ['3', '3']);
      await clock.advance(minute);
      world.set('orphan', 'grey');
      assert.deepEqual(await looksIn(minute), ['orphan', 'orphan']);
      assert.equal(world.has('orphan'), false);
      await clock.advance(minute);
      const before = await documents.need(box, '1');
      const { ops } = documents.commitOf([
        { do: 'status', kind: box, before, status: { colour: 'wrong', conditions: [] } },
      ]);
      assert.equal((await cluster.open('other').commit(ops)).outcome, 'ok');
      assert.deepEqual(await looksIn(minute), ['1'], 'somebody else wrote its status');
      assert.equal((await documents.need(box, '1')).status?.colour, 'red');
    });

    it('looks each minute at what has no sign, has failed, or asked to be looked at', async () => {
      for (const changes of [
        { sign: () => undefined },
        { plan: () => ({ steps: [], againInMs: 45_000 }) },
        { report: () => assert.fail('broken') },
      ] as readonly Partial<BoxController>[]) {
        const { start, create, clock, world, looksIn } = glancing(changes);
        world.set('1', 'red');
        await create('1', 'red');
        start();
        await clock.advance(5 * minute);
        assert.ok((await looksIn(minute + 10)).length > 0, Object.keys(changes).join());
      }
    });

    it('looks at everything once the store answers again', async () => {
      const { start, create, clock, engine, looksIn } = glancing();
      await create('1', 'red');
      start();
      await clock.advance(3 * minute);
      engine.changed({ resync: true, keys: new Set() });
      assert.deepEqual(await looksIn(100), ['1']);
    });
  });

  it('looks again when the plan asks for it', async () => {
    const looks: number[] = [];
    const { clock, start, create } = setUp({
      plan: () => ({ steps: [], againInMs: 300 }),
      observe: async () => {
        looks.push(clock.monotonicMs());
        return null;
      },
    });
    await create('1', 'red');
    start();
    await clock.advance(1000);
    assert.deepEqual(
      looks.filter((at, n) => looks.indexOf(at) === n),
      [0, 300, 600, 900],
    );
  });
});

describe('a failing step', () => {
  it('shows as a condition at once, as a fault at the second time, and both go when it is cured', async () => {
    let broken = true;
    const { clock, start, create, conditions, faults, world, status } = setUp({
      apply: async (step, id) => {
        if (broken) throw new Error('no paint left');
        world.set(id, step.do);
      },
    });
    await create('1', 'red');
    start();
    await clock.advance(100);
    assert.deepEqual(await conditions('1'), ['paint it red: no paint left']);
    assert.deepEqual([...faults.open().keys()], []);
    const since = (await status('1'))?.conditions[0]?.sinceMs;
    await clock.advance(2000);
    const [[id, fault] = []] = faults.open();
    assert.deepEqual(
      [id, fault?.object, fault?.message],
      ['painter:1@hv1', 'box the red one', 'box the red one: paint it red: no paint left'],
    );
    assert.equal((await status('1'))?.conditions[0]?.sinceMs, since);
    broken = false;
    await clock.advance(5000);
    assert.deepEqual([await conditions('1'), faults.open().size, world.get('1')], [[], 0, 'red']);
  });

  it('hands what its error advises on to the fault', async () => {
    const paintError = defineErrors({
      NO_PAINT: { message: 'No paint is left.', hint: 'Buy some.', http: 503, exit: 'failed' },
    });
    for (const [thrown, advice] of [
      [paintError('NO_PAINT', {}), 'Buy some.'],
      [new Error('no paint left'), 'It is tried again by itself, and this fault goes when it has succeeded.'],
    ] as const) {
      const { clock, start, create, faults } = setUp({ apply: () => Promise.reject(thrown) });
      await create('1', 'red');
      start();
      await clock.advance(2000);
      assert.deepEqual(
        [...faults.open().values()].map(({ hint }) => hint),
        [advice],
      );
    }
  });

  it('is cut off at its deadline, and its signal aborts', async () => {
    let reason: unknown;
    const { clock, start, create, conditions } = setUp({
      apply: (_step, _id, signal) =>
        new Promise(() => {
          signal.addEventListener('abort', () => (reason = signal.reason), { once: true });
        }),
    });
    await create('1', 'red');
    start();
    await clock.advance(999);
    assert.deepEqual(await conditions('1'), []);
    await clock.advance(1);
    assert.match(String(reason), /not done within 1 s/);
    assert.deepEqual(await conditions('1'), ['paint it red: not done within 1 s']);
  });

  it('keeps the steps after it from being done', async () => {
    const done: string[] = [];
    const { clock, start, create } = setUp({
      plan: () => ({ steps: ['one', 'two', 'three'].map((name) => ({ do: name, text: name, timeoutMs: 100 })) }),
      apply: async ({ do: name }) => {
        done.push(name);
        if (name === 'two') throw new Error('no');
      },
    });
    await create('1', 'red');
    start();
    await clock.advance(0);
    assert.deepEqual(done, ['one', 'two']);
  });

  it('of one object does not hold up another', async () => {
    const { clock, start, create, world } = setUp({
      apply: async (step, id) => {
        if (id === '1') return new Promise(() => undefined);
        world.set(id, step.do);
        return undefined;
      },
    });
    await create('1', 'red');
    await create('2', 'blue');
    start();
    await clock.advance(10);
    assert.equal(world.get('2'), 'blue');
  });

  it('of looking, planning or reporting is a condition or a fault as well', async () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    for (const changes of [{ observe: fail }, { plan: fail }, { report: fail }] as readonly Partial<BoxController>[]) {
      const { clock, start, create, faults } = setUp(changes);
      await create('1', 'red');
      start();
      await clock.advance(3000);
      assert.deepEqual([...faults.open().keys()], ['painter:1@hv1'], Object.keys(changes).join());
    }
  });

  it('of watching the world leaves the resync', async () => {
    for (const watch of [
      () => {
        throw new Error('at once');
      },
      async () => {
        throw new Error('later');
      },
      (() => undefined) as unknown as () => Promise<void>,
    ]) {
      const { clock, start, create, world } = setUp({ watch });
      await create('1', 'red');
      start();
      await clock.advance(10);
      assert.equal(world.get('1'), 'red');
      world.clear();
      await clock.advance(61_000);
      assert.equal(world.get('1'), 'red');
    }
  });
});

describe('the engine and its store', () => {
  it('reports on the newest document after a conflict', async () => {
    const { clock, start, create, documents, write, status, world } = setUp();
    await create('1', 'red');
    const commit = documents.store.commit.bind(documents.store);
    let once = true;
    documents.store.commit = async (ops, topics) => {
      if (once && ops.some(({ key }) => key === '/box/1/status')) {
        once = false;
        documents.store.commit = commit;
        // Somebody is faster.
        const before = await documents.need(box, '1');
        await write({ do: 'spec', kind: box, before, spec: { ...before.spec, colour: 'blue' } });
      }
      return commit(ops, topics);
    };
    start();
    await clock.advance(1000);
    assert.deepEqual([world.get('1'), (await status('1'))?.colour], ['blue', 'blue']);
  });

  it('reports after a lost answer', async () => {
    for (const applied of [true, false]) {
      const { clock, start, create, cluster, status } = setUp();
      await create('1', 'red');
      cluster.link('daemon').loseNextAnswer(applied);
      start();
      await clock.advance(5000);
      assert.deepEqual(await status('1'), { colour: 'red', conditions: [] }, `applied ${applied}`);
    }
  });

  it('goes on when the store was away', async () => {
    const { clock, start, create, paint, cluster, world } = setUp();
    await create('1', 'red');
    start();
    await clock.advance(10);
    cluster.link('daemon').cut();
    await clock.advance(2000);
    world.delete('1');
    await clock.advance(1000);
    cluster.link('daemon').heal();
    await clock.advance(60_000);
    assert.equal(world.get('1'), 'red');
    await paint('1', 'blue');
    await clock.advance(10);
    assert.equal(world.get('1'), 'blue');
  });

  it('does not keep waiting what only the store kept from being done', async () => {
    const { clock, start, create, engine, cluster, world } = setUp();
    await create('1', 'red');
    start();
    await clock.advance(10);
    cluster.link('daemon').cut();
    world.delete('1');
    engine.touch('box', '1');
    // By now it is tried again only after half a minute.
    await clock.advance(40_000);
    cluster.link('daemon').heal();
    await clock.advance(1_000);
    assert.equal(world.get('1'), 'red');
  });

  it('stops: no step begins any more, and the one that runs is told', async () => {
    let told = false;
    const { clock, start, stop, engine, create, faults, log } = setUp({
      apply: (step, id, signal) => {
        log.push(`${step.do} ${id}`);
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            told = true;
            reject(signal.reason as Error);
          });
        });
      },
    });
    await create('1', 'red');
    start();
    await clock.advance(10);
    stop();
    const stopped = engine.stop();
    await clock.advance(0);
    await stopped;
    engine.touch('box', '1');
    await clock.advance(200_000);
    assert.deepEqual([told, log, faults.open().size, clock.pending], [true, ['red 1'], 0, 0]);
  });
});
