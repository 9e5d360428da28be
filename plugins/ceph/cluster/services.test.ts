import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cephService } from './services.ts';

describe('a daemon of Ceph', () => {
  for (const [type, id, name, unit] of [
    ['mon', 'hv1', 'ceph-mon', 'ceph-mon@hv1.service'],
    ['mgr', 'hv1', 'ceph-mgr', 'ceph-mgr@hv1.service'],
    ['osd', '3', 'ceph-osd-3', 'ceph-osd@3.service'],
  ] as const)
    it(`(${type}) draws the number that tells its lives apart, instead of taking its pid`, () => {
      const service = cephService({ net: {} as never }, type, id);
      assert.deepEqual([service.name, service.unit], [name, unit]);
      assert.deepEqual(service.env, { CEPH_USE_RANDOM_NONCE: '1' });
    });
});
