/** A node: a server of the cluster. `spec` says what it is for, `status` is written by its own daemon. @module */
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { type BmcSpec, bmcSpec } from './bmc-kind.ts';
import { defineKind } from './kind.ts';
import { nodeName } from './names.ts';

export const nodeSpec = z.strictObject({
  role: z.enum(['coordinator', 'hypervisor']),
  /** Whether guests may be placed here. */
  domainState: z.enum(['ready', 'flush', 'flushed', 'unflush']),
  /**
   * Set while its machine goes down, and until that is back: the boot that ends, and what it is afterwards. In that boot no
   * guest is started on it.
   */
  leaving: z.strictObject({ boot: z.string(), then: z.enum(['ready', 'flushed']) }).optional(),
  /** Its own address on the cluster network; absent on a cluster of one node that has none. */
  address: z.union([z.ipv4(), z.ipv6()]).optional(),
  /** Number of its server in the ZooKeeper ensemble; coordinators only. */
  server: z.int().min(1).max(255).optional(),
  /** By which its power is switched from outside. */
  bmc: bmcSpec.optional(),
});
export type NodeSpec = z.infer<typeof nodeSpec>;

export const nodeStatus = z.strictObject({
  /** What its daemon last said: `run`, or `stop` after an orderly end. Whether that is still true is told by its ephemeral key. */
  daemon: z.enum(['init', 'run', 'stop']),
  coordinator: z.enum(['primary', 'secondary', 'takeover', 'relinquish', 'client']),
  version: z.string(),
  /** The newest shape of each kind of document that it understands. */
  shapes: z.record(z.string(), z.int().min(1)).optional(),
  startedMs: z.int(),
  updatedMs: z.int(),
  bootId: z.string(),
  machine: z.strictObject({
    hostname: z.string(),
    cpus: z.int(),
    cpuModel: z.string(),
    memoryMiB: z.int(),
    kernel: z.string(),
    os: z.string(),
    arch: z.string(),
  }),
  load: z.strictObject({ memoryAvailableMiB: z.int(), load1: z.number() }),
  health: z.int().min(0).max(100),
  /** What plugins tell about the node: `{ libvirt: { accelerator: 'kvm', … } }`. */
  facts: z.record(z.string(), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  /** Resets that life of the machine when the node is cut off; absent: none is armed. */
  watchdog: z
    .strictObject({
      device: z.string(),
      identity: z.string(),
      timeoutS: z.int().min(1),
      /** Whether that counts as proof. */
      proves: z.boolean(),
      bootId: z.string(),
    })
    .optional(),
  services: z.array(z.strictObject({ name: z.string(), state: z.string(), restarts: z.int(), message: z.string() })),
});
export type NodeStatus = z.infer<typeof nodeStatus>;

/** Two nodes behind one BMC are two systems of it. */
const bmcClaim = ({ address, driver, port, system }: BmcSpec): string =>
  `${address} ${driver} ${port ?? ''} ${system ?? ''}`.trim();

export const node = defineKind<NodeSpec, NodeStatus>({
  name: 'node',
  plural: 'nodes',
  version: 1,
  id: nodeName,
  spec: nodeSpec,
  status: nodeStatus,
  unique: (spec) => ({
    address: spec.address === undefined ? [] : [spec.address],
    server: spec.server === undefined ? [] : [String(spec.server)],
    bmc: spec.bmc === undefined ? [] : [bmcClaim(spec.bmc)],
  }),
  concerns: (_spec, _status, id) => [id],
});

/** The watchdog of the machine's last known life; undefined: none was armed in it. */
export const watchdogOf = (status: NodeStatus | undefined): NodeStatus['watchdog'] =>
  status?.watchdog?.bootId === status?.bootId ? status?.watchdog : undefined;

/** Ephemeral key of a node's daemon: it exists as long as the daemon's session with the store. */
export const aliveKey = (name: string): string => `/alive/${name}`;

export const nodeStateError = defineErrors({
  NODE_BACK: {
    message: 'The daemon of {node} is back: nothing is taken from it.',
    hint: 'Nothing was changed. See `pvc node list`.',
    http: 409,
    exit: 'conflict',
  },
});
