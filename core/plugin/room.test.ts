import assert from 'node:assert/strict';
import { it } from 'node:test';
import { lackOfRoom } from './room.ts';

const GiB = 1024 ** 3;

it('half a GiB stays free whatever is copied', async () => {
  const files = { space: async () => ({ free: 2 * GiB, total: 8 * GiB }) };
  assert.equal(await lackOfRoom(files, '/var/lib', 1.5 * GiB), undefined);
  assert.deepEqual(await lackOfRoom(files, '/var/lib', 1.5 * GiB + 1), { wanted: '1.5 GiB', free: '2 GiB' });
  const none = { space: async () => undefined };
  assert.deepEqual(await lackOfRoom(none, '/nowhere', 0), { wanted: '0 B', free: '0 B' });
});
