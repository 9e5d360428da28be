/** The storage of the cluster as one object, and its keys. @module */
import { condition, defineKind, names, z } from '../../../core/plugin/api.ts';

export const cephId = 'ceph';

export const cephSpec = z.strictObject({
  /** What Ceph calls the cluster; also the UUID of libvirt's secret. */
  fsid: names.uuid,
  /** Over which the nodes reach monitors and disks. */
  network: z.union([z.cidrv4(), z.cidrv6()]),
  /** The coordinator whose monitor is made first; the others then join it. */
  first: names.nodeName,
  createdMs: z.int(),
});
export type CephSpec = z.infer<typeof cephSpec>;

export const monitor = z.strictObject({ name: z.string(), address: z.union([z.ipv4(), z.ipv6()]) });
export type Monitor = z.infer<typeof monitor>;

/** Ceph's own words: HEALTH_OK, HEALTH_WARN, HEALTH_ERR. */
export const cephHealth = z.enum(['ok', 'warning', 'error']);

export const cephStatus = z.strictObject({
  /** The monitors of Ceph's own map. Empty until the first has answered. */
  monitors: z.array(monitor),
  /** Names of those that agree at present. */
  quorum: z.array(z.string()),
  health: cephHealth,
  /** Ceph's health checks, those that are muted left out. */
  checks: z.array(
    z.strictObject({
      code: z.string(),
      severity: cephHealth,
      message: z.string(),
      /** Which disks, which placement groups … */
      details: z.array(z.string()).default([]),
    }),
  ),
  osds: z.strictObject({ total: z.int(), up: z.int(), in: z.int() }),
  /** Placement groups by state: `{ 'active+clean': 33 }`. */
  pgs: z.record(z.string(), z.int()),
  usage: z.strictObject({ totalBytes: z.number(), usedBytes: z.number(), availableBytes: z.number() }),
  load: z.strictObject({
    readBytesPerS: z.number(),
    writeBytesPerS: z.number(),
    readsPerS: z.number(),
    writesPerS: z.number(),
  }),
  /** Shares of all copies, 0 to 1, and how fast they are made anew. */
  recovery: z
    .strictObject({ degradedShare: z.number(), misplacedShare: z.number(), bytesPerS: z.number() })
    .default({ degradedShare: 0, misplacedShare: 0, bytesPerS: 0 }),
  /** Data without replicas. */
  pools: z.array(z.strictObject({ name: z.string(), storedBytes: z.number(), freeBytes: z.number() })).default([]),
  /** When Ceph said so; it is older than a minute when Ceph, or the primary, does not answer. */
  updatedMs: z.int(),
  /** Since when looks have failed, and why the last one did; absent while Ceph answers. */
  silent: z.strictObject({ sinceMs: z.int(), reason: z.string() }).optional(),
  conditions: z.array(condition),
});
export type CephStatus = z.infer<typeof cephStatus>;

/** Before Ceph has ever answered. */
export const nothingKnown: CephStatus = {
  monitors: [],
  quorum: [],
  health: 'error',
  checks: [],
  osds: { total: 0, up: 0, in: 0 },
  pgs: {},
  usage: { totalBytes: 0, usedBytes: 0, availableBytes: 0 },
  load: { readBytesPerS: 0, writeBytesPerS: 0, readsPerS: 0, writesPerS: 0 },
  recovery: { degradedShare: 0, misplacedShare: 0, bytesPerS: 0 },
  pools: [],
  updatedMs: 0,
  conditions: [],
};

export const ceph = defineKind<CephSpec, CephStatus>({
  name: 'ceph',
  plural: 'cephs',
  version: 1,
  id: z.literal(cephId),
  spec: cephSpec,
  status: cephStatus,
  label: () => 'storage',
});

/** Entities whose keys PVC keeps: monitors among themselves, PVC itself, and guests' disks. */
export const secretIds = ['mon', 'client.admin', 'client.pvc'] as const;
export type SecretId = (typeof secretIds)[number];

/** A key of Ceph. Bookkeeping: neither plans nor audit records show it, and no operation reads it. */
export const cephSecret = defineKind<{ key: string }, null>({
  name: 'ceph-secret',
  plural: 'ceph-secrets',
  version: 1,
  id: z.enum(secretIds),
  spec: z.strictObject({ key: z.string().regex(/^[A-Za-z0-9+/]{38}==$/) }),
  status: z.null(),
  bookkeeping: true,
});
