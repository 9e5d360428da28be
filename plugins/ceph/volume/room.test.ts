import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { needRoom } from './room.ts';

const figures = { storedBytes: 100, freeBytes: 900 };

describe('room in a pool', () => {
  it('is what keeps it below 80 % of data without replicas', () => {
    needRoom('vms', figures, 700);
    assert.throws(
      () => needRoom('vms', figures, 701),
      (error: Error & { code?: string }) => error.code === 'VOLUME_NO_ROOM' && /701 B more/.test(error.message),
    );
  });
});
