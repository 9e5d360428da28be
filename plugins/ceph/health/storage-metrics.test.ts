import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recording } from '../../../test/fixtures/recording.ts';
import { type CephStatus, nothingKnown } from '../cluster/ceph-kind.ts';
import { lookedAt } from '../testing/recorded-look.ts';
import { storageMetrics } from './storage-metrics.ts';

const told: CephStatus = {
  ...(await lookedAt(recording('ceph/bookworm/look-monitor-and-disk-down').stdout)),
  updatedMs: 1_000_000,
  conditions: [],
};

async function samples(status: CephStatus | undefined, { primary = true, nowMs = 1_005_000 } = {}) {
  const metrics = storageMetrics({
    documents: { get: async () => (status === undefined ? undefined : { status }) },
    host: { clock: { wallMs: () => nowMs } },
    isPrimary: () => primary,
  } as never);
  const all = await Promise.all(metrics.map(async ({ name, collect }) => [name, await collect()] as const));
  return Object.fromEntries(all.filter(([, found]) => found.length > 0));
}

const labelled = (found: Awaited<ReturnType<typeof samples>>, name: string) =>
  Object.fromEntries((found[name] ?? []).map(({ value, labels }) => [Object.values(labels ?? {}).join(' '), value]));

describe('metrics of the storage', () => {
  it('tell what Ceph told last', async () => {
    const found = await samples(told);
    assert.deepEqual(labelled(found, 'pvc_storage_health'), { ok: 0, warning: 1, error: 0, unknown: 0 });
    assert.deepEqual(found['pvc_storage_osds_up'], [{ value: 2 }]);
    assert.deepEqual(found['pvc_storage_monitors_quorum'], [{ value: 2 }]);
    assert.deepEqual(found['pvc_storage_age_seconds'], [{ value: 5 }]);
    assert.equal(labelled(found, 'pvc_storage_check')['OSD_DOWN warning'], 1);
    assert.equal(labelled(found, 'pvc_storage_pool_stored_bytes')['vms'], 28);
  });

  it('say unknown, and how old they are, when Ceph is silent', async () => {
    const found = await samples(told, { nowMs: 1_300_000 });
    assert.deepEqual(labelled(found, 'pvc_storage_health'), { ok: 0, warning: 0, error: 0, unknown: 1 });
    assert.deepEqual(found['pvc_storage_age_seconds'], [{ value: 300 }]);
  });

  for (const [what, status, how] of [
    ['there is no storage', undefined, {}],
    ['Ceph has never answered', nothingKnown, {}],
    ['another node is primary', told, { primary: false }],
  ] as const)
    it(`are none when ${what}`, async () => assert.deepEqual(await samples(status, how), {}));
});
