import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { guardPromise, needRoom } from './room.ts';

const figures = { storedBytes: 100, freeBytes: 900 };

describe('room in a pool', () => {
  it('is what keeps it below 80 % of data without replicas', () => {
    needRoom('vms', figures, 700);
    assert.throws(
      () => needRoom('vms', figures, 701),
      (error: Error & { code?: string }) => error.code === 'VOLUME_NO_ROOM' && /701 B more/.test(error.message),
    );
  });

  for (const [what, status, asked] of [
    ['a look of late at which there was room', {}, 0],
    [
      'one at which there was none, since there may be more by now',
      { pools: [{ name: 'vms', ...figures, freeBytes: 1 }] },
      1,
    ],
    ['one that does not know the pool', { pools: [] }, 1],
    ['an old one', { updatedMs: 60_000 }, 1],
    ['one after which Ceph fell silent', { silent: { sinceMs: 95_000, reason: 'no answer' } }, 1],
    ['none at all', undefined, 1],
  ] as const)
    it(`is looked for ${asked === 0 ? 'no further than' : 'at Ceph itself after'} ${what}`, async () => {
      let asks = 0;
      const stats = { stored: 100, max_avail: 900 };
      const ceph = { ask: async () => ((asks += 1), { pools: [{ name: 'vms', stats }] }) };
      const seen = { pools: [{ name: 'vms', ...figures }], updatedMs: 90_000, ...status };
      const view = { get: async () => ({ status: status === undefined ? undefined : seen }) };
      await guardPromise(ceph as never, { view, nowMs: 100_000 } as never, 'vms', 700, false);
      assert.equal(asks, asked);
    });
});
