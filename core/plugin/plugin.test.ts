import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { PvcError } from '../error/error.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import { defineKind } from '../model/kind.ts';
import * as api from './api.ts';
import type { FoldHook } from './hook-point.ts';
import { type PluginContext, Plugins } from './plugin.ts';

function setUp() {
  const plugins = new Plugins(new VirtualClock());
  const add = (name: string, apply: (pvc: PluginContext) => unknown, builtin = false): void =>
    plugins.add(
      { name, api: '^1', apply },
      { builtin, version: '1.0.0', api, ...(builtin ? {} : { path: `/p/${name}.cjs` }) },
    );
  const troubles = (): string[] =>
    plugins.troubles.map(({ plugin, where, message }) => `${plugin}, ${where}: ${message}`);
  return { plugins, add, troubles };
}

const thing = defineKind({
  name: 'thing',
  plural: 'things',
  version: 1,
  id: z.string(),
  spec: z.strictObject({}),
  status: z.null(),
});

describe('plugins', () => {
  it('tap the hooks of core, once they have been applied as a whole', () => {
    const { plugins, add, troubles } = setUp();
    add('good', (pvc) => pvc.hooks.kinds.tap(() => [thing]));
    add('bad', (pvc) => {
      pvc.hooks.kinds.tap(() => [{ ...thing, name: 'half' }]);
      pvc.on('good.value', (value) => value);
      throw new Error('half-way');
    });
    plugins.settle();
    assert.deepEqual(
      plugins.hooks.kinds.items().map(({ item }) => item.name),
      ['thing'],
    );
    assert.deepEqual(troubles(), ['bad, apply: half-way']);
    assert.deepEqual(
      plugins.loaded.map(({ name, state, message }) => `${name} ${state} ${message}`.trim()),
      ['good loaded', 'bad failed half-way'],
    );
    assert.deepEqual([plugins.tappedBy('good'), plugins.tappedBy('bad')], [['kinds'], []]);
  });

  it('must not be asynchronous', async () => {
    const { plugins, add, troubles } = setUp();
    add('slow', async () => {
      await Promise.resolve();
      throw new Error('nobody would have caught this');
    });
    assert.match(troubles().join(), /slow, apply: apply must not be asynchronous/);
    await new Promise((resolve) => setImmediate(resolve));
    assert.match(troubles().join(), /slow, apply: nobody would have caught this/);
    assert.equal(plugins.loaded[0]?.state, 'failed');
  });

  it('cannot tap with something that is no function', () => {
    const { add, troubles } = setUp();
    add('bad', (pvc) => pvc.hooks.kinds.tap([] as unknown as () => []));
    add('worse', (pvc) => pvc.on('x', undefined as unknown as () => undefined));
    assert.deepEqual(troubles(), [
      'bad, apply: hook kinds is tapped with something that is no function',
      'worse, apply: hook x is tapped with something that is no function',
    ]);
  });

  it('have names of their own', () => {
    const { plugins, add, troubles } = setUp();
    add('one', () => undefined, true);
    add('one', (pvc) => pvc.hooks.kinds.tap(() => [thing]));
    assert.deepEqual(troubles(), ['one, load /p/one.cjs: there is already a plugin named one']);
    assert.deepEqual(plugins.hooks.kinds.items(), []);
    assert.throws(
      () => add('one', () => undefined, true),
      (error: unknown) => error instanceof PvcError && error.code === 'PLUGIN_FAILED',
    );
  });

  it('that are built in fail the program', () => {
    const { add } = setUp();
    assert.throws(
      () =>
        add(
          'own',
          () => {
            throw new Error('broken');
          },
          true,
        ),
      /broken/,
    );
  });

  it('cannot call the hooks that they tap', () => {
    const { add } = setUp();
    add(
      'curious',
      (pvc) => {
        assert.deepEqual(Object.keys(pvc.hooks.start), ['tap']);
        assert.throws(() => Object.assign(pvc.hooks, { start: 1 }), TypeError);
      },
      true,
    );
  });
});

describe('hooks of plugins', () => {
  const offering = (into: { hook?: FoldHook<number> }) => (pvc: PluginContext) => {
    into.hook = pvc.offer<number, void>('owner.value', 1000, (value) =>
      typeof value === 'number' ? undefined : 'no number',
    );
  };
  const adding = (pvc: PluginContext): void => pvc.on('owner.value', ((value: number) => value + 1) as () => unknown);

  for (const order of ['owner first', 'owner last'] as const) {
    it(`can be tapped with the ${order}`, async () => {
      const { plugins, add, troubles } = setUp();
      const into: { hook?: FoldHook<number> } = {};
      if (order === 'owner first') add('owner', offering(into));
      add('guest', adding);
      if (order === 'owner last') add('owner', offering(into));
      plugins.settle();
      assert.deepEqual(troubles(), []);
      assert.deepEqual(await into.hook?.call(1, undefined), { value: 2, without: [] });
      assert.deepEqual(plugins.tappedBy('guest'), ['owner.value']);
    });
  }

  it('that nobody offers are a trouble of who taps them', () => {
    const { plugins, add, troubles } = setUp();
    add('guest', adding);
    plugins.settle();
    assert.deepEqual(troubles(), ['guest, hook owner.value: no loaded plugin offers the hook owner.value']);
  });

  it('are offered by one plugin only', async () => {
    const { plugins, add, troubles } = setUp();
    const into: { hook?: FoldHook<number> } = {};
    add('owner', offering(into));
    add('thief', offering({}));
    add('guest', adding);
    plugins.settle();
    assert.deepEqual(troubles(), ['thief, apply: hook owner.value is offered twice']);
    assert.equal((await into.hook?.call(1, undefined))?.value, 2);
  });

  it('keep the value where a tap returns what the owner does not take', async () => {
    const { plugins, add, troubles } = setUp();
    const into: { hook?: FoldHook<number> } = {};
    add('owner', offering(into));
    add('guest', (pvc) => pvc.on('owner.value', (() => 'text') as () => unknown));
    plugins.settle();
    assert.deepEqual(await into.hook?.call(1, undefined), { value: 1, without: ['guest'] });
    assert.deepEqual(troubles(), ['guest, hook owner.value: returned no number']);
  });
});

describe('troubles', () => {
  it('are told once a place, also those of before, and their ends', async () => {
    const { plugins, add, troubles } = setUp();
    let broken = true;
    add('moody', (pvc) =>
      pvc.hooks.event.tap(() => {
        if (broken) throw new Error('not today');
      }),
    );
    const event = { kind: 'vm', id: '1', label: 'web1', type: 'created' } as const;
    await plugins.hooks.event.call(event);
    await plugins.hooks.event.call(event);
    const told: string[] = [];
    plugins.onTrouble({
      began: ({ plugin, where }) => told.push(`began ${plugin} ${where}`),
      ended: ({ plugin, where }) => told.push(`ended ${plugin} ${where}`),
    });
    assert.deepEqual(troubles(), ['moody, hook event: not today']);
    broken = false;
    await plugins.hooks.event.call(event);
    await plugins.hooks.event.call(event);
    assert.deepEqual(told, ['began moody hook event', 'ended moody hook event']);
    assert.deepEqual(troubles(), []);
  });

  it('of code that nobody waits for are laid at the plugin whose file alone is in the trace', () => {
    const { plugins, add } = setUp();
    add('hello', () => undefined);
    const thrown = (...frames: string[]): Error =>
      Object.assign(new Error('x'), { stack: ['Error: x', ...frames.map((frame) => `    at ${frame}`)].join('\n') });
    const timer = 'listOnTimeout (node:internal/timers:581:17)';
    assert.equal(plugins.blame(thrown('Timeout._onTimeout (/p/hello.cjs:3:9)', timer))?.name, 'hello');
    assert.equal(plugins.blame(thrown('/p/hello.cjs:3:9', timer))?.name, 'hello');
    assert.equal(plugins.blame(thrown('/p/hello.cjs:3:9', 'run (/opt/pvc/daemon.js:10:1)')), undefined);
    assert.equal(plugins.blame(thrown('/p/hello.cjs.other:3:9')), undefined);
    assert.equal(plugins.blame(thrown(timer)), undefined);
    assert.equal(plugins.blame('text'), undefined);
  });
});
