import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeChange, outlineOf } from './outline.ts';

const change = (half: 'spec' | 'status', before: unknown, after: unknown): string =>
  describeChange(outlineOf(before, half), outlineOf(after, half));

describe('the words for a change', () => {
  it('name plain fields with both values', () => {
    assert.equal(
      change('spec', { memoryMiB: 512, name: 'a', same: 1 }, { memoryMiB: 1024, name: 'b', same: 1 }),
      'memoryMiB 512 → 1024, name a → b',
    );
    assert.equal(change('spec', { autostart: true }, { autostart: false }), 'autostart true → false');
    assert.equal(change('spec', { description: '' }, { description: 'x' }), 'description "" → x');
  });

  it('say what came and what went', () =>
    assert.equal(change('spec', { home: 'hv1' }, { node: 'hv2' }), 'home hv1 → none, node hv2'));

  it('only name what has parts or is long', () => {
    assert.equal(change('spec', { disks: [1] }, { disks: [1, 2] }), 'disks');
    assert.equal(change('spec', { text: 'a'.repeat(100) }, { text: 'b'.repeat(100) }), 'text');
  });

  it('never hold a secret', () => {
    const words = change(
      'spec',
      { tokenHash: 'abc', password: 'hunter2', apiKey: 'k1' },
      { tokenHash: 'def', password: 'hunter3', apiKey: 'k2' },
    );
    assert.equal(words, 'tokenHash, password, apiKey');
  });

  it('leave times and measurements of a status out', () => {
    assert.equal(
      change(
        'status',
        { state: 'a', updatedMs: 1, load: { a: 1 }, progress: 0.1, message: 'x', facts: {} },
        { state: 'a', updatedMs: 2, load: { a: 2 }, progress: 0.2, message: 'y', facts: { b: {} } },
      ),
      '',
    );
    assert.equal(
      change('status', { state: 'running', notes: [] }, { state: 'stopped', notes: ['x'] }),
      'state running → stopped, notes',
    );
  });

  it('are empty for nothing', () => {
    assert.equal(change('status', null, null), '');
    assert.equal(change('spec', { a: { b: 1 } }, { a: { b: 1 } }), '');
  });
});
