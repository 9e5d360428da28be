/** The cluster itself: one object. @module */
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { fencingPolicy } from './fencing-policy.ts';
import { defineKind } from './kind.ts';
import { nodeName, objectName } from './names.ts';

export const clusterId = 'cluster';

/** A host network: its range, and the address in it that always belongs to the primary. */
const hostNetwork = z.strictObject({
  cidr: z.union([z.cidrv4(), z.cidrv6()]),
  floating: z.union([z.ipv4(), z.ipv6()]).optional(),
});

/** The networks between the servers of the cluster. */
export const clusterNetworks = z.strictObject({
  /** Control, guests' migration, overlay. Absent on a cluster of one node. */
  cluster: hostNetwork.optional(),
});

export const clusterSpec = z.strictObject({
  name: objectName,
  createdMs: z.int(),
  /** While it is on, nothing is fenced and health does not alarm; all else works as ever. */
  maintenance: z.boolean(),
  /** How dead nodes are treated; absent: as by default. */
  fencing: fencingPolicy.optional(),
  /** What a node does with guests that may go on elsewhere when it is cut off from the store; absent: it ends them. */
  isolation: z.enum(['stop', 'keep']).optional(),
  networks: clusterNetworks.optional(),
  /** Which node was last asked to be primary, or to be it no longer. */
  primaryWish: z.strictObject({ node: nodeName.optional(), not: nodeName.optional(), askedMs: z.int() }).optional(),
  /**
   * The highest number that a ZooKeeper server has ever had. None is given twice: a machine that was removed and comes
   * back must not pass for its successor.
   */
  lastServer: z.int().min(1).optional(),
  /** The shapes of documents that all nodes have agreed to write, by kind; see core/cluster/shape-gate.ts. */
  shapes: z.record(z.string(), z.int().min(1)).optional(),
  /** Certificate of the cluster's own authority (PEM), by which its members are known. */
  authority: z.string().max(8192).optional(),
});
export type ClusterSpec = z.infer<typeof clusterSpec>;

export const cluster = defineKind<ClusterSpec, null>({
  name: 'cluster',
  plural: 'clusters',
  version: 1,
  id: z.literal(clusterId),
  spec: clusterSpec,
  status: z.null(),
  label: (spec) => spec.name,
});

export const clusterError = defineErrors({
  CLUSTER_NOT_INITIALISED: {
    message: 'This node belongs to no cluster yet: {path} holds no cluster state.',
    hint: 'Make one with `pvc cluster init --name NAME`.',
    http: 503,
    exit: 'refused',
  },
  CLUSTER_EXISTS: {
    message: 'There is already a cluster here: {name}, in {path}.',
    hint: 'To start anew, stop the daemon and move that file away; it holds every definition of that cluster.',
    http: 409,
    exit: 'refused',
  },
  NODE_TOO_OLD: {
    message:
      'PVC {version} on this node is too old for the cluster {cluster}: it does not understand documents that are written there by now.',
    hint: 'Nothing was changed. Install the PVC that the other nodes run (`pvc node list` on one of them), and start the daemon again.',
    http: 409,
    exit: 'refused',
  },
  DAEMON_RUNNING: {
    message: 'A daemon already runs on this node (pid {pid}).',
    hint: 'Stop it first (`systemctl stop pvcd`), or use it: `pvc cluster status`.',
    http: 409,
    exit: 'refused',
  },
});
