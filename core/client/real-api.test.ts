/** The client against the API itself: what one writes, the other reads. @module */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openDoors } from '../../test/fixtures/api-doors.ts';
import { fingerprint } from '../cluster/certificate.ts';
import { PvcError } from '../error/error.ts';
import { linuxClock } from '../host/linux-clock.ts';
import type { FeedItem } from '../operation/operation.ts';
import { createClient } from './client.ts';

const never = new AbortController().signal;

describe('a client of the API', () => {
  it('gets through every kind of operation on the socket', async (test) => {
    const doors = await openDoors(test);
    const { address } = await doors.socket();
    using client = createClient({ socket: address });
    const made = (await client.call('pet.create', { name: 'rex', age: 21 })) as {
      result: unknown;
      warnings: string[];
      tasks: string[];
      request: string;
    };
    assert.deepEqual([made.result, made.warnings, made.tasks], [{ name: 'rex', age: 21 }, ['That is old.'], []]);
    assert.deepEqual(await client.call('pet.show', { pet: 'rex' }), { name: 'rex', age: 21 });
    const input = {
      limit: 3,
      young: false,
      tags: ['a b', '1', '[x]'],
      ages: [1],
      where: { name: 'ü&=' },
      sort: 'name',
    };
    assert.deepEqual(await client.call('pet.list', input), input);
    for (const tags of [[], ['[x]'], ['true']])
      assert.deepEqual(await client.call('pet.list', { tags }), { limit: 10, tags });
    assert.equal((await client.call('pet.remove', { pet: 'rex' }, { plan: true })).operation, 'pet.remove');
    assert.deepEqual(((await client.call('pet.remove', { pet: 'rex', force: true })) as { result: unknown }).result, {
      force: true,
    });
    await assert.rejects(client.call('pet.show', { pet: 'rex' }), {
      code: 'OBJECT_NOT_FOUND',
      http: 404,
      exit: 'notFound',
    });
    await assert.rejects(
      client.call('pet.create', { name: 'rex', age: 'x' }),
      (error) => error instanceof PvcError && error.code === 'INPUT_INVALID' && error.details.length === 1,
    );
  });

  it('starts a task and finds it', async (test) => {
    const doors = await openDoors(test);
    const { address } = await doors.socket();
    using client = createClient({ socket: address });
    await client.call('pet.create', { name: 'rex' });
    const { tasks } = (await client.call('pet.walk', { pet: 'rex' })) as { tasks: string[] };
    assert.equal(tasks.length, 1);
  });

  it('resumes a feed across a restart of the listener', async (test) => {
    const doors = await openDoors(test);
    const first = await doors.socket();
    doors.hooks.follow = async function* (signal, resumeAfter): AsyncIterable<FeedItem<unknown>> {
      for (let number = Number(resumeAfter ?? 0) + 1; !signal.aborted; number += 1) {
        yield { id: String(number), data: number };
        await linuxClock.sleep(10, signal).catch(() => undefined);
      }
    };
    using client = createClient({ socket: first.address });
    await client.call('pet.create', { name: 'rex' });
    const seen: unknown[] = [];
    let restarted = false;
    for await (const item of client.follow('pet.follow', { pet: 'rex' }, { signal: never })) {
      seen.push(item.data);
      if (seen.length === 3) {
        await first.close();
        setTimeout(() => void doors.socket(first.address).then(() => (restarted = true)), 300);
      }
      if (seen.length >= 6 && restarted) break;
    }
    assert.ok(restarted);
    assert.deepEqual(
      seen,
      seen.map((_, index) => index + 1),
    );
  });

  it('talks through a channel over HTTPS with a token, and not without', async (test) => {
    const doors = await openDoors(test);
    const { port } = await doors.https();
    const url = `https://localhost:${port}`;
    const pair = await doors.renew();
    void pair;
    const token = await doors.token('operator');
    using byAuthority = createClient({ url, token, caPem: doors.ca.cert });
    await byAuthority.call('pet.create', { name: 'rex' });
    const channel = await byAuthority.channel('pet.talk', { pet: 'rex' }, never);
    const big = Buffer.alloc(3 * 1024 * 1024, 'woof');
    channel.end(big);
    const back = Buffer.concat(await channel.toArray());
    assert.ok(back.equals(big), `${back.length} of ${big.length} bytes came back`);
    await assert.rejects(byAuthority.channel('pet.talk', { pet: 'tom' }, never), { code: 'OBJECT_NOT_FOUND' });
    await assert.rejects(byAuthority.call('pet.remove', { pet: 'rex' }), { code: 'ROLE_TOO_LOW', exit: 'denied' });
    using nobody = createClient({ url, caPem: doors.ca.cert });
    await assert.rejects(nobody.call('pet.list', {}), { exit: 'denied', http: 401 });
    using stranger = createClient({ url, token, fingerprint: fingerprint(doors.ca.cert) });
    await assert.rejects(stranger.call('pet.list', {}), { code: 'CERTIFICATE_MISMATCH' });
  });
});
