/** A pool: where volumes live, how often their data is kept, and on which disks. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';
import { deviceClass } from '../osd/osd-kind.ts';

/** A pool's name is also the first part of `pool/volume`; one that begins with a dot is Ceph's own. */
export const poolName = names.objectName.describe('name of the pool');

export const poolSpec = z.strictObject({
  /** How many disks (of different nodes, or only different ones) hold each piece of data. */
  replicas: z.int().min(1).max(10),
  /** With fewer than these at hand nothing is written or read. */
  minReplicas: z.int().min(1).max(10),
  /** What must differ between the replicas. */
  domain: z.enum(['host', 'osd']),
  /** Only disks of this class. */
  class: deviceClass.optional(),
  /** Placement groups; absent: Ceph finds their number. */
  pgs: z.int().min(1).max(32_768).optional(),
  /** It is being removed: nothing new may use it. */
  removing: z.boolean().default(false),
});
export type PoolSpec = z.infer<typeof poolSpec>;

export const pool = defineKind<PoolSpec, null>({
  name: 'pool',
  plural: 'pools',
  version: 1,
  id: poolName,
  spec: poolSpec,
  status: z.null(),
  command: 'storage pool',
});

export const poolError = defineErrors({
  POOL_NOT_FOUND: {
    message: 'There is no pool {pool}.',
    hint: 'See `pvc storage pool list`; make one with `pvc storage pool add {pool}`.',
    http: 404,
    exit: 'notFound',
  },
  POOL_UNFIT: {
    message: 'The pool {pool} cannot be so: {reason}.',
    hint: 'Nothing was changed. See `pvc storage osd list`, and `pvc storage pool add --help`.',
    http: 422,
    exit: 'usage',
  },
  POOL_USED: {
    message: 'The pool {pool} cannot be removed: {reason}.',
    hint: 'Nothing was changed. Remove its volumes first: `pvc storage volume list --pool {pool}`.',
    http: 409,
    exit: 'refused',
  },
});
