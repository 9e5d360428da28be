/**
 * Metrics of the storage as a whole, from the last look that the primary took; Ceph is not asked for them. Only the
 * primary tells them, so that sums over all nodes are right.
 * @module
 */
import type { MetricDefinition, MetricSample, Runtime } from '../../../core/plugin/api.ts';
import { type CephStatus, cephHealth, cephId, ceph as cephKind } from '../cluster/ceph-kind.ts';
import { healthNow } from '../cluster/figures.ts';

type Read = (status: CephStatus, nowMs: number) => readonly MetricSample[];

interface Figure {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: Read;
}

const one =
  (value: (status: CephStatus) => number): Read =>
  (status) => [{ value: value(status) }];

const perPool =
  (value: (pool: CephStatus['pools'][number]) => number): Read =>
  ({ pools }) =>
    pools.map((pool) => ({ value: value(pool), labels: { pool: pool.name } }));

const healthWords = [...cephHealth.options, 'unknown'] as const;

const figures: readonly Figure[] = [
  {
    name: 'pvc_storage_health',
    help: 'Health of the storage: 1 for the state that it is in; unknown when Ceph has not answered for a minute.',
    labels: ['state'],
    read: (status, nowMs) => {
      const now = healthNow(status, nowMs);
      return healthWords.map((state) => ({ value: state === now ? 1 : 0, labels: { state } }));
    },
  },
  {
    name: 'pvc_storage_age_seconds',
    help: 'Age of the figures of the storage: time since Ceph has answered last.',
    read: ({ updatedMs }, nowMs) => [{ value: Math.max(0, (nowMs - updatedMs) / 1000) }],
  },
  {
    name: 'pvc_storage_check',
    help: 'Health checks of Ceph that fail now, each 1.',
    labels: ['code', 'severity'],
    read: ({ checks }) => checks.map(({ code, severity }) => ({ value: 1, labels: { code, severity } })),
  },
  { name: 'pvc_storage_monitors', help: 'Monitors that there are.', read: one(({ monitors }) => monitors.length) },
  { name: 'pvc_storage_monitors_quorum', help: 'Monitors that agree.', read: one(({ quorum }) => quorum.length) },
  { name: 'pvc_storage_osds', help: 'Disks (OSDs) that there are.', read: one(({ osds }) => osds.total) },
  { name: 'pvc_storage_osds_up', help: 'Disks (OSDs) that answer.', read: one(({ osds }) => osds.up) },
  { name: 'pvc_storage_osds_in', help: 'Disks (OSDs) that are given data.', read: one(({ osds }) => osds.in) },
  {
    name: 'pvc_storage_placement_groups',
    help: 'Placement groups by state.',
    labels: ['state'],
    read: ({ pgs }) => Object.entries(pgs).map(([state, value]) => ({ value, labels: { state } })),
  },
  { name: 'pvc_storage_size_bytes', help: 'Room on all disks.', read: one(({ usage }) => usage.totalBytes) },
  {
    name: 'pvc_storage_used_bytes',
    help: 'Room that is used on all disks, with all replicas.',
    read: one(({ usage }) => usage.usedBytes),
  },
  { name: 'pvc_storage_available_bytes', help: 'Free room.', read: one(({ usage }) => usage.availableBytes) },
  {
    name: 'pvc_storage_pool_stored_bytes',
    help: 'Data in a pool, each piece once.',
    labels: ['pool'],
    read: perPool(({ storedBytes }) => storedBytes),
  },
  {
    name: 'pvc_storage_pool_free_bytes',
    help: 'Data that still fits into a pool.',
    labels: ['pool'],
    read: perPool(({ freeBytes }) => freeBytes),
  },
  {
    name: 'pvc_storage_degraded_ratio',
    help: 'Share of copies that are missing, 0 to 1.',
    read: one(({ recovery }) => recovery.degradedShare),
  },
  {
    name: 'pvc_storage_misplaced_ratio',
    help: 'Share of copies that are not yet where they belong, 0 to 1.',
    read: one(({ recovery }) => recovery.misplacedShare),
  },
  {
    name: 'pvc_storage_recovery_bytes_per_second',
    help: 'Data copied anew per second.',
    read: one(({ recovery }) => recovery.bytesPerS),
  },
  {
    name: 'pvc_storage_read_bytes_per_second',
    help: 'Data read by guests and others.',
    read: one(({ load }) => load.readBytesPerS),
  },
  {
    name: 'pvc_storage_write_bytes_per_second',
    help: 'Data written by guests and others.',
    read: one(({ load }) => load.writeBytesPerS),
  },
  { name: 'pvc_storage_reads_per_second', help: 'Reads.', read: one(({ load }) => load.readsPerS) },
  { name: 'pvc_storage_writes_per_second', help: 'Writes.', read: one(({ load }) => load.writesPerS) },
];

export function storageMetrics({
  documents,
  host,
  isPrimary,
}: Pick<Runtime, 'documents' | 'host' | 'isPrimary'>): MetricDefinition[] {
  let reading: Promise<CephStatus | undefined> | undefined;
  /** All metrics of a page are read at once: they share one look at the store. */
  const lastStatus = (): Promise<CephStatus | undefined> =>
    (reading ??= documents
      .get(cephKind, cephId)
      .then((doc) => doc?.status)
      .finally(() => {
        reading = undefined;
      }));
  return figures.map(({ name, help, labels = [], read }) => ({
    name,
    help,
    type: 'gauge',
    labels,
    async collect() {
      const status = isPrimary() ? await lastStatus() : undefined;
      return status === undefined || status.updatedMs === 0 ? [] : read(status, host.clock.wallMs());
    },
  }));
}
