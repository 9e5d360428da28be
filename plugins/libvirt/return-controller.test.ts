import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aNode } from '../../test/fixtures/placement-world.ts';
import type { NodeDoc } from './ledger.ts';
import { returnController } from './return-controller.ts';

const left = (then: 'ready' | 'flushed'): NodeDoc => {
  const base = aNode('hv1', 1000, 'flush');
  return { ...base, spec: { ...base.spec, leaving: { boot: 'one', then } } };
};

const stepsOf = (doc: NodeDoc | undefined, bootId: string): string[] => {
  const controller = returnController({} as never);
  return controller.plan(doc, { bootId }, { node: 'hv1', nowMs: 0 }).steps.map(({ text }) => text);
};

describe('a node whose machine went down', () => {
  it('is what it was once that has booted anew', () => {
    assert.deepEqual(stepsOf(left('ready'), 'two'), ['hv1 is back: make it ready again']);
    assert.deepEqual(stepsOf(left('flushed'), 'two'), ['hv1 is back: make it flushed again']);
  });

  it('stays as it is in the boot that ends, and where nobody has left', () => {
    assert.deepEqual(stepsOf(left('ready'), 'one'), []);
    assert.deepEqual(stepsOf(aNode('hv1', 1000, 'flush'), 'two'), []);
    assert.deepEqual(stepsOf(undefined, 'two'), []);
  });
});
