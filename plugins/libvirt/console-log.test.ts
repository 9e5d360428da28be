import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createVirtualHost } from '../../core/host/virtual-host.ts';
import { follow, tail } from './console-log.ts';

describe('console log', () => {
  it('gives the last lines', async () => {
    const host = createVirtualHost();
    await host.files.writeAtomic('/log', 'one\ntwo\nthree\n');
    assert.equal((await tail(host, '/log', 2)).text, 'two\nthree\n');
    assert.equal((await tail(host, '/log', 99)).text, 'one\ntwo\nthree\n');
    assert.equal((await tail(host, '/log', 0)).text, '');
    assert.equal((await tail(host, '/none', 5)).text, '');
  });

  it('gives as many lines as asked for any text', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'é', ' ', '\r') }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 25 }),
        async (lines, count) => {
          const host = createVirtualHost();
          await host.files.writeAtomic('/log', `${lines.join('\n')}\n`);
          assert.equal((await tail(host, '/log', count)).text, `${lines.slice(-count).join('\n')}\n`);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('follows what is appended, over a cut file and a character in two halves', async () => {
    const host = createVirtualHost();
    await host.files.writeAtomic('/log', 'a\n');
    const stop = new AbortController();
    const seen: string[] = [];
    const done = (async () => {
      for await (const part of follow(host, '/log', 2, stop.signal)) seen.push(part.text);
    })();
    const umlaut = new TextEncoder().encode('ü');
    const step = async (): Promise<void> => {
      await host.clock.advance(500);
    };
    await step();
    await host.files.append('/log', 'b\n');
    await step();
    assert.equal(seen.join(''), 'b\n');
    await host.files.writeAtomic('/log', '');
    await step();
    await host.files.append('/log', 'c');
    await step();
    assert.equal(seen.join(''), 'b\nc');
    assert.equal(umlaut.length, 2);
    stop.abort();
    await step();
    await done;
  });
});
