import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { PvcError } from '../error/error.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { defineKind } from '../model/kind.ts';
import { Documents, type Write } from '../store/documents.ts';
import { MemoryCluster } from '../store/memory.ts';
import { task } from '../task/task-kind.ts';
import { audit } from './audit.ts';
import { Executor, type ExecutorParts, type RemoteNodes } from './execute.ts';
import { type Actor, defineMutation, defineQuery, type Operation, type PlanContext } from './operation.ts';
import type { PlanBuilder } from './plan.ts';

const boxSpec = z.strictObject({ name: z.string(), size: z.int().min(0).default(1), key: z.string().optional() });
const box = defineKind<z.infer<typeof boxSpec>, null>({
  name: 'box',
  plural: 'boxes',
  version: 1,
  id: z.string().min(1),
  spec: boxSpec,
  status: z.null(),
  unique: (spec) => ({ name: [spec.name] }),
  label: (spec) => spec.name,
});

const admin: Actor = { name: 'anna', role: 'admin', via: 'socket' };
const viewer: Actor = { name: 'vera', role: 'viewer', via: 'https' };

type AnyMutation = Extract<Operation, { type: 'mutation' }>;
type AnyQuery = Extract<Operation, { type: 'query' }>;

const make: AnyMutation = defineMutation({
  name: 'box.make',
  summary: 'Make a box',
  http: { method: 'POST', path: '/boxes' },
  cli: { command: 'box make' },
  role: 'operator',
  input: z.strictObject({
    name: z.string().max(20),
    size: z.coerce.number().int().default(1),
    secret: z.string().optional(),
  }),
  output: z.object({ id: z.string(), bytes: z.string() }),
  secrets: ['secret'],
  async plan(plan, context, input) {
    const id = context.uuid();
    plan.create(box, id, { name: input.name, size: input.size });
    plan.task({
      action: 'box.paint',
      target: { kind: 'box', id, label: input.name },
      node: undefined,
      input: null,
      timeoutMs: 1000,
    });
    plan.act(`make ${input.name}`);
    if (input.size > 5) plan.warn('that is large');
    return { id, bytes: Buffer.from(context.bytes(4)).toString('hex') };
  },
});

/** A mutation that does what the test says. */
const custom = (plan: (builder: PlanBuilder, context: PlanContext) => Promise<unknown>): AnyMutation =>
  defineMutation({
    name: 'box.custom',
    summary: 'Do it',
    http: { method: 'POST', path: '/custom' },
    role: 'operator',
    input: z.strictObject({}),
    output: z.unknown(),
    plan,
  });

const grow = custom(async (plan, { view }) => {
  const found = await view.find(box, 'name', 'a');
  assert.ok(found);
  plan.update(box, found, { ...found.spec, size: found.spec.size + 1 });
  return null;
});

function setUp(parts: Partial<ExecutorParts> = {}) {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const store = cluster.open('daemon');
  const documents = new Documents(store);
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined, ...parts });
  const write = async (...writes: Write[]): Promise<void> => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await store.commit(ops, topics)).outcome, 'ok');
  };
  /** Runs it while time passes. */
  const run = async <T>(work: Promise<T>): Promise<T> => {
    let over = false;
    const ended = work.finally(() => {
      over = true;
    });
    ended.catch(() => undefined);
    while (!over) await host.clock.advance(50);
    return ended;
  };
  const records = async () => (await documents.list(audit)).map(({ spec }) => spec);
  return { host, cluster, store, documents, executor, write, run, records, link: cluster.link('daemon') };
}

const rejects = (work: Promise<unknown>, code: string): Promise<PvcError> =>
  work.then(
    () => assert.fail(`${code} was expected`),
    (error: unknown) => {
      assert.ok(error instanceof PvcError, String(error));
      assert.equal(error.code, code);
      return error;
    },
  );

describe('a mutation', () => {
  it('writes the documents, the task and its record in one commit', async () => {
    const { executor, documents, store, records } = setUp();
    let commits = 0;
    const commit = store.commit.bind(store);
    store.commit = (...args) => {
      commits += 1;
      return commit(...args);
    };
    const answer = await executor.mutate(make, { name: 'a', size: '7', secret: 'hush' }, admin);
    assert.equal(commits, 1);
    const result = answer.result as { id: string };
    assert.deepEqual((await documents.need(box, result.id)).spec, { name: 'a', size: 7 });
    assert.deepEqual([answer.actions, answer.warnings], [['make a'], ['that is large']]);
    assert.equal((await documents.need(task, answer.tasks[0] ?? '')).spec.requestedBy, 'anna');
    const [record] = await records();
    assert.deepEqual(record, {
      atMs: Date.UTC(2030, 0, 1),
      actor: 'anna',
      role: 'admin',
      via: 'socket',
      operation: 'box.make',
      input: { name: 'a', size: 7, secret: '***' },
      changes: ['box a created', 'task box.paint created'],
      tasks: answer.tasks,
    });
    assert.ok(await documents.get(audit, answer.request));
  });

  it('never stores or logs a secret, and shortens long texts in its record', async () => {
    const { executor, cluster, host } = setUp();
    await executor.mutate(make, { name: 'a', secret: 'hush-hush' }, admin);
    assert.ok(!JSON.stringify([cluster.dump(), host.logLines]).includes('hush-hush'));
    const long = {
      ...make,
      input: z.strictObject({ name: z.string(), size: z.int().default(1), text: z.string() }),
    } as unknown as AnyMutation;
    await executor.mutate(long, { name: 'b', text: 'x'.repeat(2000) }, admin);
    assert.ok(JSON.stringify(cluster.dump()).includes('(2000 characters)'));
  });

  it('is refused with every problem of its input, and changes nothing', async () => {
    const { executor, cluster } = setUp();
    const error = await rejects(executor.mutate(make, { size: 'big', colour: 1 }, admin), 'INPUT_INVALID');
    assert.equal(error.details.length, 3, error.details.join('; '));
    assert.match(error.hint, /pvc box make --help/);
    for (const wrong of [7, [], 'text']) await rejects(executor.mutate(make, wrong, admin), 'INPUT_INVALID');
    assert.deepEqual(cluster.dump(), []);
  });

  it('needs its role, before its input is looked at', async () => {
    const { executor, cluster } = setUp();
    const error = await rejects(executor.mutate(make, { nonsense: true }, viewer), 'ROLE_TOO_LOW');
    assert.match(error.message, /needs the role operator; vera has viewer/);
    await rejects(executor.plan(make, { name: 'a' }, viewer), 'ROLE_TOO_LOW');
    assert.deepEqual(cluster.dump(), []);
  });

  it('that writes nothing leaves no record', async () => {
    const { executor, cluster } = setUp();
    assert.deepEqual(
      (
        await executor.mutate(
          custom(async () => 'same'),
          {},
          admin,
        )
      ).result,
      'same',
    );
    assert.deepEqual(cluster.dump(), []);
  });

  it('refuses a document that would not be valid', async () => {
    const { executor, cluster } = setUp();
    const wrong = custom(async (plan, { uuid }) => plan.create(box, uuid(), { name: 'a', size: -1 }));
    await rejects(executor.plan(wrong, {}, admin), 'DOCUMENT_INVALID');
    await rejects(executor.mutate(wrong, {}, admin), 'DOCUMENT_INVALID');
    assert.deepEqual(cluster.dump(), []);
  });

  it('is refused whole when it writes more than one commit can hold', async () => {
    const { executor, cluster } = setUp();
    const many = custom(async (plan) => {
      for (let n = 0; n < 300; n += 1) plan.create(box, `${n}`, { name: `n${n}`, size: 1 });
    });
    await rejects(executor.mutate(many, {}, admin), 'STORE_TOO_LARGE');
    assert.deepEqual(cluster.dump(), []);
  });

  it('reveals what only its caller may see after the commit, not in the plan', async () => {
    const { executor } = setUp();
    const revealing: AnyMutation = {
      ...make,
      output: z.object({ id: z.string(), bytes: z.string(), token: z.string().optional() }),
      reveal: (_context, _input, answer) => ({ ...answer, token: 'once' }),
    };
    assert.equal(
      ((await executor.plan(revealing, { name: 'a' }, admin)).result as { token?: string }).token,
      undefined,
    );
    assert.equal(((await executor.mutate(revealing, { name: 'a' }, admin)).result as { token?: string }).token, 'once');
  });
});

describe('a plan', () => {
  it('shows what would be written and writes nothing', async () => {
    const { executor, cluster } = setUp();
    const plan = await executor.plan(make, { name: 'a', size: 7 }, admin);
    assert.deepEqual(cluster.dump(), []);
    assert.deepEqual(
      plan.writes.map(({ change, kind, label, after }) => [change, kind, label, after]),
      [['create', 'box', 'a', { name: 'a', size: 7 }]],
    );
    assert.deepEqual([plan.actions, plan.warnings], [['make a'], ['that is large']]);
    assert.deepEqual(
      plan.tasks.map(({ action, node }) => [action, node]),
      [['box.paint', undefined]],
    );
  });

  it('is what execution then does', async () => {
    // Two hosts of one seed draw the same ids, so plan and execution can be compared word by word.
    const [planned, done] = [setUp(), setUp()];
    for (const input of [{ name: 'a' }, { name: 'b', size: 9 }]) {
      const plan = await planned.executor.plan(make, input, admin);
      await planned.executor.mutate(make, input, admin);
      await done.executor.plan(make, input, admin);
      const answer = await done.executor.mutate(make, input, admin);
      const id = plan.writes[0]?.id ?? '';
      assert.match(id, /^[0-9a-f-]{36}$/);
      const written = (await done.documents.list(box)).find(({ spec }) => spec.name === input.name);
      assert.deepEqual(written?.spec, plan.writes[0]?.after);
      assert.deepEqual(
        [answer.actions, answer.warnings, answer.tasks.length],
        [plan.actions, plan.warnings, plan.tasks.length],
      );
    }
    assert.deepEqual(planned.cluster.dump(), done.cluster.dump());
  });

  it('shows before and after of a change, and what is removed or looked at', async () => {
    const { executor, write } = setUp();
    await write(
      { do: 'create', kind: box, id: '1', spec: { name: 'a' } },
      { do: 'create', kind: box, id: '2', spec: { name: 'b' } },
      { do: 'create', kind: box, id: '3', spec: { name: 'c' } },
    );
    const plan = await executor.plan(
      custom(async (builder, { view }) => {
        builder.update(box, await view.need(box, '1'), { name: 'a', size: 3 });
        builder.remove(box, await view.need(box, '2'));
        builder.unchanged(box, await view.need(box, '3'));
      }),
      {},
      admin,
    );
    assert.deepEqual(
      plan.writes.map(({ change, id, before, after }) => [change, id, before, after]),
      [
        ['update', '1', { name: 'a', size: 1 }, { name: 'a', size: 3 }],
        ['remove', '2', { name: 'b', size: 1 }, undefined],
        ['check', '3', undefined, undefined],
      ],
    );
  });
});

describe('a conflict', () => {
  it('is planned again on what is there then, with the ids of the first try', async () => {
    const { executor, documents, write, run } = setUp();
    await write({ do: 'create', kind: box, id: '1', spec: { name: 'a' } });
    const drawn: string[][] = [];
    const operation = custom(async (plan, context) => {
      const found = await context.view.need(box, '1');
      drawn.push([context.uuid(), context.uuid(), Buffer.from(context.bytes(3)).toString('hex')]);
      plan.task({
        action: 'box.paint',
        target: { kind: 'box', id: '1', label: 'a' },
        node: undefined,
        input: null,
        timeoutMs: 1,
      });
      drawn.at(-1)?.push(plan.tasks[0]?.id ?? '', `${context.nowMs}`);
      if (drawn.length < 3)
        await write({ do: 'spec', kind: box, before: found, spec: { name: 'a', size: found.spec.size + 10 } });
      plan.update(box, found, { ...found.spec, size: found.spec.size + 1 });
    });
    const answer = await run(executor.mutate(operation, {}, admin));
    assert.equal((await documents.need(box, '1')).spec.size, 22);
    assert.equal(drawn.length, 3);
    assert.deepEqual(drawn[1], drawn[0]);
    assert.deepEqual(drawn[2], drawn[0]);
    assert.equal(new Set(drawn[0]).size, 5);
    assert.deepEqual(answer.tasks, [drawn[0]?.[3]]);
  });

  it('is given up after several tries', async () => {
    const { executor, documents, write, run, records } = setUp();
    await write({ do: 'create', kind: box, id: '1', spec: { name: 'a' } });
    let tries = 0;
    const operation = custom(async (plan, { view }) => {
      tries += 1;
      const found = await view.need(box, '1');
      await write({ do: 'spec', kind: box, before: found, spec: { name: 'a', size: found.spec.size + 1 } });
      plan.update(box, found, { name: 'a', size: 0 });
    });
    await rejects(run(executor.mutate(operation, {}, admin)), 'TOO_CONTENDED');
    assert.equal(tries, 8);
    assert.equal((await documents.need(box, '1')).spec.size, 9);
    assert.deepEqual(await records(), []);
  });

  it('never loses an update of many at once', async () => {
    const { executor, documents, write, run } = setUp();
    await write({ do: 'create', kind: box, id: '1', spec: { name: 'a', size: 0 } });
    const outcomes = await run(Promise.allSettled(Array.from({ length: 6 }, () => executor.mutate(grow, {}, admin))));
    const done = outcomes.filter(({ status }) => status === 'fulfilled').length;
    assert.ok(done > 0);
    assert.equal((await documents.need(box, '1')).spec.size, done);
  });

  it('about a unique value names who has it', async () => {
    const { executor, write, cluster, run } = setUp();
    await write({ do: 'create', kind: box, id: 'first', spec: { name: 'a' } });
    const before = cluster.dump();
    const error = await rejects(run(executor.mutate(make, { name: 'a' }, admin)), 'OBJECT_EXISTS');
    assert.match(error.message, /already a box with name a \(first\)/);
    assert.deepEqual(cluster.dump(), before);
  });

  it('about an id says so', async () => {
    const { executor, write, run } = setUp();
    await write({ do: 'create', kind: box, id: '1', spec: { name: 'a' } });
    const again = custom(async (plan) => plan.create(box, '1', { name: 'b', size: 1 }));
    assert.match((await rejects(run(executor.mutate(again, {}, admin)), 'OBJECT_EXISTS')).message, /box with id 1/);
  });

  it('with a task that works on the object says which', async () => {
    const { executor, run } = setUp();
    const { result, tasks } = await executor.mutate(make, { name: 'a' }, admin);
    const { id } = result as { id: string };
    const busy = (builder: (plan: PlanBuilder) => void): AnyMutation => custom(async (plan) => builder(plan));
    for (const operation of [
      busy((plan) => plan.needIdle({ kind: 'box', id, label: 'a' })),
      busy((plan) =>
        plan.task({
          action: 'box.paint',
          target: { kind: 'box', id, label: 'a' },
          node: undefined,
          input: null,
          timeoutMs: 1,
        }),
      ),
    ]) {
      const error = await rejects(run(executor.mutate(operation, {}, admin)), 'TARGET_BUSY');
      assert.match(error.message, new RegExp(`box a is busy: task ${tasks[0]} \\(box\\.paint\\)`));
      await rejects(executor.plan(operation, {}, admin), 'TARGET_BUSY');
    }
  });
});

describe('an answer that was lost', () => {
  it('of a commit that was done is a success, done once', async () => {
    const { executor, link, run, records, documents } = setUp();
    link.loseNextAnswer(true);
    const answer = await run(executor.mutate(make, { name: 'a' }, admin));
    assert.equal((await documents.list(box)).length, 1);
    assert.equal((await records()).length, 1);
    assert.ok(await documents.get(audit, answer.request));
  });

  it('of a commit that was not done is tried again, with the same ids', async () => {
    const { executor, link, run, documents, records } = setUp();
    link.loseNextAnswer(false);
    link.loseNextAnswer(false);
    const { result } = await run(executor.mutate(make, { name: 'a' }, admin));
    assert.deepEqual(
      (await documents.list(box)).map(({ id }) => id),
      [(result as { id: string }).id],
    );
    assert.equal((await records()).length, 1);
  });

  it('is waited for while the store is away, and found out afterwards', async () => {
    for (const applied of [true, false]) {
      const { executor, link, host, run, documents, store } = setUp();
      link.loseNextAnswer(applied);
      const commit = store.commit.bind(store);
      store.commit = async (...args) => {
        const result = await commit(...args);
        store.commit = commit;
        link.cut();
        host.clock.after(3000, () => link.heal());
        return result;
      };
      await run(executor.mutate(make, { name: 'a' }, admin));
      assert.ok(host.clock.monotonicMs() >= 3000);
      assert.equal((await documents.list(box)).length, 1, `applied ${applied}`);
    }
  });

  it('of an operation without a record is planned again, and does nothing twice', async () => {
    const note = { ...make, recorded: false } as const;
    for (const applied of [true, false]) {
      const { executor, link, run, documents, records } = setUp();
      link.loseNextAnswer(applied);
      await run(
        executor.mutate(
          {
            ...note,
            async plan(plan, context, input) {
              const [known] = await context.view.list(box);
              return known === undefined ? make.plan(plan, context, input) : { id: known.id, bytes: '' };
            },
          },
          { name: 'a' },
          admin,
        ),
      );
      assert.deepEqual([(await documents.list(box)).length, (await records()).length], [1, 0], `applied ${applied}`);
    }
  });

  it('is told as unknown when the store stays away', async () => {
    const { executor, link, run, cluster } = setUp();
    link.loseNextAnswer(true);
    const mutating = executor.mutate(make, { name: 'a' }, admin);
    // The commit reaches the cluster before the cable is cut.
    await Promise.resolve();
    while (cluster.dump().length === 0) await Promise.resolve();
    link.cut();
    const error = await rejects(run(mutating), 'OUTCOME_UNKNOWN');
    assert.match(error.hint, /request [0-9a-z]{16}/);
    assert.ok(cluster.dump().length > 0);
  });

  it('again and again ends as a store that cannot be used', async () => {
    const { executor, link, run, cluster } = setUp();
    link.loseAnswers({ rate: 1, applied: false });
    await rejects(run(executor.mutate(make, { name: 'a' }, admin)), 'STORE_UNAVAILABLE');
    assert.deepEqual(cluster.dump(), []);
  });
});

describe('a veto', () => {
  it('of a plugin refuses plan and execution, with its name and reason', async () => {
    const seen: string[] = [];
    const { executor, cluster } = setUp({
      admit: async (operation, plan) => {
        seen.push(`${operation} ${plan.writes.length}`);
        return { plugin: 'careful', reason: 'not on a Friday' };
      },
    });
    for (const asked of [executor.mutate(make, { name: 'a' }, admin), executor.plan(make, { name: 'a' }, admin)])
      assert.match((await rejects(asked, 'VETOED')).message, /refused by the plugin careful: not on a Friday/);
    assert.deepEqual(seen, ['box.make 2', 'box.make 2']);
    assert.deepEqual(cluster.dump(), []);
  });
});

describe('a query', () => {
  const signal = new AbortController().signal;
  const where = (on?: string): AnyQuery =>
    defineQuery({
      name: 'box.where',
      summary: 'Say where',
      http: { method: 'GET', path: '/where' },
      role: 'viewer',
      input: z.strictObject({ n: z.coerce.number() }),
      output: z.object({ node: z.string(), n: z.number() }),
      ...(on === undefined ? {} : { on: async () => on }),
      run: async ({ localNode }, { n }) => ({ node: localNode ?? 'none', n, more: 'is cut off' }),
    });

  it('answers in the shape that it declares', async () => {
    const { executor } = setUp();
    assert.deepEqual(await executor.query(where(), { n: '3' }, viewer, signal), { node: 'hv1', n: 3 });
    assert.deepEqual(await executor.query(where('hv1'), { n: 3 }, viewer, signal), { node: 'hv1', n: 3 });
    await rejects(executor.query(where(), { n: 'x' }, viewer, signal), 'INPUT_INVALID');
  });

  it('is asked of the node that knows', async () => {
    const asked: unknown[] = [];
    const remote = { query: async (...args: unknown[]) => asked.push(args.slice(0, 4)) } as unknown as RemoteNodes;
    const query = where('hv2');
    await setUp({ remote }).executor.query(query, { n: 3 }, viewer, signal);
    assert.deepEqual(asked, [['hv2', query, { n: 3 }, viewer]]);
    await rejects(setUp().executor.query(query, { n: 3 }, viewer, signal), 'NODE_UNREACHABLE');
    await rejects(setUp({ localNode: undefined }).executor.query(query, { n: 3 }, viewer, signal), 'NEEDS_DAEMON');
  });
});
