import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../host/virtual-clock.ts';
import { CollectHook, FirstHook, FoldHook, type HookInfo, ListHook, StageHook, StrictHook } from './hook-point.ts';
import type { HookContext, TappingPlugin, Trouble } from './tap-guard.ts';

const own: TappingPlugin = { name: 'own', builtin: true };
const other: TappingPlugin = { name: 'other', builtin: false };
const third: TappingPlugin = { name: 'third', builtin: false };

/** A context that notes what it is told. */
function setUp() {
  const clock = new VirtualClock();
  const troubles: Trouble[] = [];
  const cured: string[] = [];
  const context: HookContext = {
    clock,
    trouble: (trouble) => troubles.push(trouble),
    cured: (plugin, where) => cured.push(`${plugin} ${where}`),
  };
  return { clock, context, troubles, cured };
}

const fail = (): never => {
  throw new Error('broken');
};
const hang = (): Promise<never> => new Promise(() => undefined);

describe('list hook', () => {
  it('collects items in the order of stage, before and tapping', () => {
    const hook = new ListHook<string>('things', setUp().context);
    hook.tap(own, () => ['own 1', 'own 2']);
    hook.tap(other, () => ['other'], { stage: -1 });
    hook.tap(third, () => ['third'], { before: 'own' });
    assert.deepEqual(
      hook.items().map(({ item, plugin }) => `${plugin.name}: ${item}`),
      ['other: other', 'third: third', 'own: own 1', 'own: own 2'],
    );
    assert.deepEqual(hook.tappedBy(), ['other', 'third', 'own']);
  });

  it('leaves all items of a failing tap out, also those given before it failed', () => {
    const { context, troubles } = setUp();
    const hook = new ListHook<string>('things', context);
    hook.tap(other, function* () {
      yield 'half';
      fail();
    } as unknown as () => string[]);
    hook.tap(third, () => undefined as unknown as string[]);
    hook.tap(own, () => ['whole']);
    assert.deepEqual(
      hook.items().map(({ item }) => item),
      ['whole'],
    );
    assert.deepEqual(
      troubles.map(({ plugin, where }) => `${plugin} ${where}`),
      ['other hook things', 'third hook things'],
    );
  });

  it('passes on what a built-in tap throws, with its name', () => {
    const hook = new ListHook<string>('things', setUp().context);
    hook.tap(own, fail);
    assert.throws(() => hook.items(), /plugin own, hook things: broken/);
  });

  it('leaves out items with a problem, and the second one of a key', () => {
    const { context, troubles } = setUp();
    const hook = new ListHook<{ name: string }>('things', context, {
      problem: (item) => (typeof (item as { name?: unknown }).name === 'string' ? undefined : 'no name'),
      key: (item) => `the thing ${item.name}`,
    });
    hook.tap(own, () => [{ name: 'a' }]);
    hook.tap(other, () => [{ name: 'a' }, {} as { name: string }, { name: 'b' }]);
    assert.deepEqual(
      hook.items().map(({ item }) => item.name),
      ['a', 'b'],
    );
    assert.deepEqual(
      troubles.map((trouble) => trouble.message),
      ['gave the thing a, which own has already', 'gave no name'],
    );
    hook.tap(own, () => [{ name: 'b' }, { name: 'b' }]);
    assert.throws(() => hook.items(), /plugin own, hook things: gave the thing b/);
  });
});

describe('stage hook', () => {
  it('is called in the order of stages, or in the reverse one', async () => {
    const { context } = setUp();
    for (const [order, expected] of [
      ['ascending', ['first', 'plain', 'last']],
      ['reverse', ['last', 'plain', 'first']],
    ] as const) {
      const hook = new StageHook<string>('duties', context, 1000, order);
      const log: string[] = [];
      hook.tap(own, () => void log.push('last'), { stage: 30 });
      hook.tap(other, () => void log.push('plain'));
      hook.tap(own, () => void log.push('first'), { stage: -10 });
      assert.deepEqual([await hook.call('x'), log], [[], expected]);
    }
  });

  it('runs all taps whichever fails or hangs, and names the built-in ones', async () => {
    const { clock, context, troubles } = setUp();
    const hook = new StageHook<void>('duties', context, 2000, 'ascending');
    const log: string[] = [];
    hook.tap(own, fail);
    hook.tap(other, fail);
    hook.tap(third, () => new Promise(() => {}));
    hook.tap(own, () => void log.push('reached'));
    const done = hook.call();
    await clock.advance(2500);
    assert.deepEqual([await done, log], [['own'], ['reached']]);
    assert.deepEqual(
      troubles.map(({ plugin }) => plugin),
      ['own', 'other', 'third'],
    );
  });
});

describe('strict hook', () => {
  it('runs the taps one after the other, by stage', async () => {
    const { clock, context } = setUp();
    const hook = new StrictHook<string>('go', context, 1000);
    const log: string[] = [];
    const tap = (name: string) => async (argument: string) => {
      log.push(`${name} begins ${argument}`);
      await clock.sleep(10);
      log.push(`${name} ends`);
    };
    hook.tap(own, tap('late'), { stage: 5 });
    hook.tap(other, tap('early'));
    const done = hook.call('x');
    await clock.advance(30);
    await done;
    assert.deepEqual(log, ['early begins x', 'early ends', 'late begins x', 'late ends']);
    assert.equal(clock.pending, 0, 'no timer is left');
  });

  it('goes on after the error of a third-party tap, stops at that of a built-in', async () => {
    const { context, troubles } = setUp();
    const hook = new StrictHook<void>('go', context, 1000);
    const log: string[] = [];
    hook.tap(other, fail);
    hook.tap(own, () => void log.push('own'));
    await hook.call();
    assert.deepEqual(log, ['own']);
    assert.deepEqual(troubles, [{ plugin: 'other', where: 'hook go', message: 'broken' }]);
    hook.tap(own, async () => fail());
    hook.tap(third, () => void log.push('third'));
    await assert.rejects(hook.call(), /plugin own, hook go: broken/);
    assert.deepEqual(log, ['own', 'own']);
  });

  it('does not wait longer than the deadline', async () => {
    const { clock, context, troubles } = setUp();
    const hook = new StrictHook<void>('go', context, 2000);
    let reached = false;
    hook.tap(other, hang);
    hook.tap(third, () => {
      reached = true;
    });
    const done = hook.call();
    await clock.advance(1999);
    assert.equal(reached, false);
    await clock.advance(1);
    await done;
    assert.equal(reached, true);
    assert.match(troubles[0]?.message ?? '', /did not return within 2 s/);
    hook.tap(own, hang);
    const failing = assert.rejects(hook.call(), /plugin own, hook go: did not return within 2 s/);
    await clock.advance(2000);
    await failing;
    assert.equal(clock.pending, 0);
  });
});

it('a third-party tap has ten seconds at most', async () => {
  const { clock, context } = setUp();
  const hook = new StrictHook<void>('go', context, 60_000);
  hook.tap(other, hang);
  const done = hook.call();
  await clock.advance(10_000);
  await done;
  hook.tap(own, hang);
  const failing = assert.rejects(hook.call(), /within 60 s/);
  await clock.advance(60_000);
  await failing;
});

describe('a tap that was late', () => {
  it('is left out for a minute, then tried again, and cured when it returns', async () => {
    const { clock, context, troubles, cured } = setUp();
    const hook = new CollectHook<void, string>('ask', context, 1000);
    let calls = 0;
    hook.tap(other, () => {
      calls += 1;
      return calls === 1 ? hang() : 'well again';
    });
    const late = hook.call();
    await clock.advance(1000);
    assert.deepEqual(await late, []);
    assert.deepEqual(await hook.call(), [], 'no second of waiting this time');
    assert.equal(calls, 1);
    assert.equal(troubles.length, 1);
    assert.deepEqual(cured, []);
    await clock.advance(60_000);
    assert.deepEqual(await hook.call(), [{ plugin: 'other', result: 'well again' }]);
    assert.deepEqual(cured, ['other hook ask']);
  });

  it('may end in an error after its deadline without harm', async () => {
    const { clock, context, troubles } = setUp();
    const hook = new StrictHook<void>('go', context, 1000);
    hook.tap(other, async () => {
      await clock.sleep(5000);
      fail();
    });
    const done = hook.call();
    await clock.advance(10_000);
    await done;
    assert.equal(troubles.length, 1, 'an unhandled rejection would have failed this test');
  });
});

describe('collect hook', () => {
  it('runs all side by side and keeps the order of the taps', async () => {
    const { clock, context } = setUp();
    const hook = new CollectHook<number, number>('ask', context, 1000);
    hook.tap(own, async (n) => {
      await clock.sleep(300);
      return n;
    });
    hook.tap(other, (n) => n + 1);
    const asked = hook.call(1);
    await clock.advance(300);
    assert.deepEqual(await asked, [
      { plugin: 'own', result: 1 },
      { plugin: 'other', result: 2 },
    ]);
  });

  it('reports each error, of built-in plugins too, and gives the other results', async () => {
    const { context, troubles } = setUp();
    const hook = new CollectHook<void, string>('ask', context, 1000, (value) => (value === '' ? 'nothing' : undefined));
    hook.tap(own, fail);
    hook.tap(other, () => '');
    hook.tap(third, () => 'answer');
    assert.deepEqual(await hook.call(), [{ plugin: 'third', result: 'answer' }]);
    assert.deepEqual(troubles.map(({ plugin, message }) => `${plugin}: ${message}`).sort(), [
      'other: returned nothing',
      'own: broken',
    ]);
  });

  it('forgets what failed when that for which it was called is over', async () => {
    const { context, troubles, cured } = setUp();
    const hook = new CollectHook<void, number>('ask', context, 1000);
    hook.tap(own, fail);
    hook.tap(other, () => 1);
    await hook.call();
    hook.over();
    hook.over();
    assert.deepEqual([troubles.length, cured], [1, ['own hook ask']]);
    await hook.call();
    assert.equal(troubles.length, 2, 'and tells it when it fails again');
  });

  it('tells nothing of what fails after that for which it was called was over', async () => {
    const { clock, context, troubles } = setUp();
    const hook = new CollectHook<void, number>('ask', context, 1000);
    hook.tap(own, hang);
    const asked = hook.call();
    hook.over();
    await clock.advance(1000);
    assert.deepEqual([await asked, troubles], [[], []]);
  });

  it('keeps two taps of one plugin apart', async () => {
    const hook = new CollectHook<void, number>('ask', setUp().context, 1000);
    hook.tap(own, () => 1);
    hook.tap(own, () => 2);
    assert.deepEqual(
      (await hook.call()).map(({ result }) => result),
      [1, 2],
    );
  });
});

describe('first hook', () => {
  it('ends at the first answer, whatever it is but undefined', async () => {
    const hook = new FirstHook<string, string | null>('veto', setUp().context, 1000);
    const asked: string[] = [];
    const answering = (name: string, answer: string | null | undefined) => () => {
      asked.push(name);
      return answer;
    };
    hook.tap(own, answering('own', undefined));
    hook.tap(other, answering('other', null));
    hook.tap(third, answering('third', 'no'));
    assert.deepEqual(await hook.call('x'), { plugin: 'other', answer: null });
    assert.deepEqual(asked, ['own', 'other']);
  });

  it('takes an error, a late answer and a wrong one of a third-party plugin for none', async () => {
    const { clock, context, troubles } = setUp();
    const hook = new FirstHook<void, string>('veto', context, 1000, (value) =>
      typeof value === 'string' ? undefined : 'no text',
    );
    hook.tap(other, fail);
    hook.tap(third, hang);
    hook.tap({ name: 'fourth', builtin: false }, () => ({}) as string);
    hook.tap(own, () => 'the answer');
    const asked = hook.call();
    await clock.advance(1000);
    assert.deepEqual(await asked, { plugin: 'own', answer: 'the answer' });
    assert.deepEqual(
      troubles.map(({ plugin }) => plugin),
      ['other', 'third', 'fourth'],
    );
  });

  it('answers undefined when nobody does, and fails with a built-in', async () => {
    const hook = new FirstHook<void, string>('veto', setUp().context, 1000);
    assert.equal(await hook.call(), undefined);
    hook.tap(own, fail);
    await assert.rejects(hook.call(), /plugin own, hook veto: broken/);
  });
});

describe('fold hook', () => {
  it('hands the value from tap to tap', async () => {
    const hook = new FoldHook<string[], string>('value', setUp().context, 1000);
    hook.tap(own, (value, about) => [...value, `own ${about}`]);
    hook.tap(other, async (value, about) => [...value, `other ${about}`], { before: 'own' });
    assert.deepEqual(await hook.call(['start'], 'x'), { value: ['start', 'other x', 'own x'], without: [] });
  });

  it('keeps the value of before a tap that fails, also what that has half changed', async () => {
    const { clock, context, troubles } = setUp();
    const hook = new FoldHook<{ list: string[] }>('value', context, 1000, (value) =>
      Array.isArray((value as { list?: unknown }).list) ? undefined : 'no list',
    );
    hook.tap(other, (value) => {
      value.list.push('half');
      return fail();
    });
    hook.tap(third, (value) => {
      value.list.push('late');
      return hang();
    });
    hook.tap({ name: 'fourth', builtin: false }, () => ({ list: 'no' }) as unknown as { list: string[] });
    hook.tap({ name: 'fifth', builtin: false }, () => undefined as unknown as { list: string[] });
    hook.tap({ name: 'sixth', builtin: false }, () => ({ list: [], run: () => 0 }));
    hook.tap(own, (value) => ({ list: [...value.list, 'own'] }));
    const start = { list: ['start'] };
    const folding = hook.call(start, undefined);
    await clock.advance(1000);
    assert.deepEqual(await folding, {
      value: { list: ['start', 'own'] },
      without: ['other', 'third', 'fourth', 'fifth', 'sixth'],
    });
    assert.deepEqual(start, { list: ['start'] });
    assert.deepEqual(
      troubles.map(({ message }) => message.replace(/;.*| could not be cloned.*/s, '')),
      ['broken', 'did not return within 1 s', 'returned no list', 'returned nothing', '() => 0'],
    );
  });

  it('does not let a tap change what it has returned', async () => {
    const hook = new FoldHook<{ list: string[] }>('value', setUp().context, 1000);
    let kept: { list: string[] } = { list: [] };
    hook.tap(other, (value) => {
      kept = value;
      return value;
    });
    hook.tap(own, (value) => {
      kept.list.push('behind the back');
      return value;
    });
    assert.deepEqual((await hook.call({ list: [] }, undefined)).value, { list: [] });
  });

  it('fails as a whole with a built-in', async () => {
    const hook = new FoldHook<number>('value', setUp().context, 1000);
    hook.tap(own, fail);
    await assert.rejects(hook.call(1, undefined), /plugin own, hook value: broken/);
  });
});

it('every hook tells its name, policy and who taps it, and leaves no timer', async () => {
  const { clock, context } = setUp();
  const hooks: readonly (HookInfo & { tap(plugin: TappingPlugin, run: never): void })[] = [
    new ListHook('list', context),
    new StrictHook('strict', context, 1000),
    new CollectHook('collect', context, 1000),
    new FirstHook('first', context, 1000),
    new FoldHook('fold', context, 1000),
  ];
  for (const hook of hooks) {
    assert.equal(hook.policy, hook.name);
    hook.tap(other, ((value: unknown) => value ?? []) as never);
    assert.deepEqual(hook.tappedBy(), ['other']);
    if ('call' in hook) await (hook as StrictHook<number>).call(1);
  }
  await clock.advance(0);
  assert.equal(clock.pending, 0);
});
