import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { monitorAnswer, readingOf, statusAnswer } from './reading.ts';

/** As Ceph 16.2 answers, shortened to what is read. */
const status = {
  health: {
    status: 'HEALTH_WARN',
    checks: {
      OSD_DOWN: { severity: 'HEALTH_WARN', summary: { message: '1 osds down', count: 1 }, muted: false },
      POOL_NO_REDUNDANCY: { severity: 'HEALTH_WARN', summary: { message: '1 pool(s) have no replicas' }, muted: true },
    },
  },
  quorum_names: ['hv1'],
  osdmap: { num_osds: 3, num_up_osds: 2, num_in_osds: 3 },
  pgmap: {
    pgs_by_state: [{ state_name: 'active+clean', count: 33 }],
    bytes_total: 300,
    bytes_used: 100,
    bytes_avail: 200,
    write_bytes_sec: 7,
  },
};
const monitors = {
  mons: [
    {
      name: 'hv1',
      public_addrs: {
        addrvec: [
          { type: 'v1', addr: '10.0.1.11:6789', nonce: 0 },
          { type: 'v2', addr: '10.0.1.11:3300', nonce: 0 },
        ],
      },
    },
  ],
};

describe('what Ceph says of itself', () => {
  it('is told in words of PVC; what is muted is not told, what is missing is zero', () =>
    assert.deepEqual(readingOf(statusAnswer.parse(status), monitorAnswer.parse(monitors)), {
      monitors: [{ name: 'hv1', address: '10.0.1.11' }],
      quorum: ['hv1'],
      health: 'warning',
      checks: [{ code: 'OSD_DOWN', severity: 'warning', message: '1 osds down' }],
      osds: { total: 3, up: 2, in: 3 },
      pgs: { 'active+clean': 33 },
      usage: { totalBytes: 300, usedBytes: 100, availableBytes: 200 },
      load: { readBytesPerS: 0, writeBytesPerS: 7, readsPerS: 0, writesPerS: 0 },
    }));

  it('is an error when it is a word that PVC does not know', () => {
    const strange = statusAnswer.parse({ ...status, health: { status: 'HEALTH_ODD', checks: {} } });
    assert.equal(readingOf(strange, monitorAnswer.parse(monitors)).health, 'error');
  });
});
