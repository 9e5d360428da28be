import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Attempts } from './attempts.ts';

it('an attempt runs once at a time for each kind, and is ended before anybody goes on', async () => {
  const attempts = new Attempts();
  const told: string[] = [];
  const until =
    (name: string) =>
    (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => {
        told.push(`${name} begins`);
        signal.addEventListener('abort', () => {
          told.push(`${name} ends`);
          reject(signal.reason as Error);
        });
      });
  const first = attempts.run('a', 'power', until('power'));
  assert.equal(attempts.run('a', 'power', until('again')), first);
  const other = attempts.run('a', 'plugins', until('plugins'));
  const elsewhere = attempts.run('b', 'power', async () => undefined);
  const failed = Promise.all([assert.rejects(first, /is back/), assert.rejects(other, /is back/)]);
  await attempts.end('a');
  await failed;
  await elsewhere;
  assert.deepEqual(told, ['power begins', 'plugins begins', 'power ends', 'plugins ends']);
  await attempts.run('a', 'power', async () => void told.push('once more'));
  assert.equal(told.at(-1), 'once more');
});
