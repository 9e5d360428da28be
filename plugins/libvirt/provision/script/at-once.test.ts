import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AtOnce } from './at-once.ts';

describe('build scripts at once', () => {
  it('are so many, then one for each that ends or fails, in order; who goes is not waited for', async () => {
    const atOnce = new AtOnce(2);
    const told: string[] = [];
    const ends = new Map<string, (error?: Error) => void>();
    const stop = new AbortController();
    const begin = (name: string, { signal } = new AbortController()) =>
      atOnce
        .do(
          () => {
            told.push(`${name} begins`);
            return new Promise<void>((resolve, reject) =>
              ends.set(name, (error) => (error === undefined ? resolve() : reject(error))),
            );
          },
          { signal, waits: () => told.push(`${name} waits`) },
        )
        .then(
          () => told.push(`${name} ends`),
          (error: unknown) => told.push(`${name}: ${String(error)}`),
        );
    const all = [begin('a'), begin('b'), begin('c'), begin('d', stop), begin('e')];
    stop.abort(new Error('cancelled'));
    ends.get('b')?.(new Error('broken'));
    await all[1];
    await all[3];
    ends.get('a')?.();
    await all[0];
    for (const name of ['c', 'e']) ends.get(name)?.();
    await Promise.all(all);
    assert.deepEqual(
      told.filter((one) => /begins|waits/.test(one)),
      ['a begins', 'b begins', 'c waits', 'd waits', 'e waits', 'c begins', 'e begins'],
    );
    assert.ok(told.includes('d: Error: cancelled') && told.includes('b: Error: broken'));
    const last = [begin('f'), begin('g')];
    for (const name of ['f', 'g']) ends.get(name)?.();
    await Promise.all(last);
    assert.deepEqual(told.slice(-4).toSorted(), ['f begins', 'f ends', 'g begins', 'g ends']);
    await assert.rejects(
      atOnce.do(async () => told.push('never'), { signal: stop.signal, waits: () => {} }),
      /cancelled/,
    );
  });
});
