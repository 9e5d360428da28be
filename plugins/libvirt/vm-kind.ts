/** The guest as a kind of object. @module */
import { condition, defineErrors, defineKind, names, z } from '../../core/plugin/api.ts';
import { type Disk, type VmSpec, vmSpec } from './schema.ts';

export const vmStates = ['running', 'paused', 'stopping', 'crashed', 'stopped', 'unknown'] as const;

export const vmStatus = z.strictObject({
  state: z.enum(vmStates),
  /** Why, in libvirt's words: `booted`, `migrated`, `destroyed`, `io-error`. */
  reason: z.string(),
  /** The node that says so. */
  node: names.nodeName,
  sinceMs: z.int(),
  /** Version of the spec that the running guest was started from. */
  startedFrom: z.int().optional(),
  /** What differs from the spec and takes a restart, one line each. */
  restartNeeded: z.array(z.string()),
  accelerator: z.enum(['kvm', 'tcg']).optional(),
  vnc: z.strictObject({ listen: z.string(), port: z.int() }).optional(),
  /** Its ends by itself of late, while it was meant to run. */
  ends: z.strictObject({ count: z.int(), lastMs: z.int(), reason: z.string() }).optional(),
  /** How it came to this node, when it was moved while it ran. */
  arrived: z
    .strictObject({
      from: names.nodeName,
      atMs: z.int(),
      /** How long it stood still, and how long the move took, as libvirt tells. */
      pauseMs: z.int().optional(),
      tookMs: z.int().optional(),
    })
    .optional(),
  /** What the node changed in the definition to run it. */
  notes: z.array(z.string()),
  conditions: z.array(condition),
});
export type VmStatus = z.infer<typeof vmStatus>;

/** Networks of the cluster that cards are on, each once. */
const networksOf = (nics: VmSpec['nics']): string[] => [
  ...new Set(nics.flatMap(({ source }) => (source.type === 'network' ? [source.network] : []))),
];

/** Volumes behind disks, as `pool/name`, each once. */
const volumesOf = (disks: readonly Disk[]): string[] => [
  ...new Set(disks.flatMap(({ source }) => (source.type === 'volume' ? [`${source.pool}/${source.volume}`] : []))),
];

export const vm = defineKind<VmSpec, VmStatus>({
  name: 'vm',
  plural: 'vms',
  version: 1,
  id: names.uuid,
  spec: vmSpec,
  status: vmStatus,
  unique: (spec) => ({
    name: [spec.name],
    mac: [...new Set(spec.nics.map((nic) => nic.mac))],
    // Two guests that write to one volume destroy it.
    volume: volumesOf(spec.disks.filter((one) => !one.readonly)),
  }),
  refers: (spec) => [
    ...volumesOf(spec.disks).map((name) => ({ kind: 'volume', name })),
    ...networksOf(spec.nics).map((name) => ({ kind: 'network', name })),
  ],
  concerns: (spec, status) => [spec.node, status?.node, spec.transfer?.to],
  label: (spec) => spec.name,
});

/** As people are told it: one that is given up everywhere is failed, whatever its last state was. */
export const toldStates = [...vmStates, 'failed'] as const;

export const toldState = ({ spec, status }: VmHalves): (typeof toldStates)[number] =>
  hasFailed({ spec, status }) ? 'failed' : (status?.state ?? 'stopped');

/** Why it is not running though it is meant to, or whatever else libvirt gave as the reason of its state. */
export const toldReason = ({ spec, status }: VmHalves): string =>
  (hasFailed({ spec, status }) ? spec.crashes?.failed : status?.reason) ?? '';

interface VmHalves {
  readonly spec: VmSpec;
  readonly status: VmStatus | undefined;
}

const hasFailed = ({ spec, status }: VmHalves): boolean =>
  spec.run === 'running' && spec.crashes?.failed !== undefined && !isRunning({ status });

/** Whether there is a process of the guest, as far as was told. */
export const isRunning = ({ status }: { readonly status: VmStatus | undefined }): boolean =>
  ['running', 'paused', 'stopping', 'crashed'].includes(status?.state ?? 'stopped');

export const vmError = defineErrors({
  VM_NOT_FOUND: {
    message: 'There is no guest {vm}.',
    hint: 'See `pvc vm list`. A guest is named by its name or its UUID.',
    http: 404,
    exit: 'notFound',
  },
  VM_PROTECTED: {
    message: 'The guest {vm} is protected against removal.',
    hint: 'Take the protection off first: `pvc vm meta {vm} --no-protected`.',
    http: 409,
    exit: 'refused',
  },
  VM_CUT_OFF: {
    message: 'No guest is started on {node}: it is cut off from the state of the cluster.',
    hint: 'Others may take it for dead and start its guests. See `pvc node liveness` there; it is started when the state is back.',
    http: 503,
    exit: 'unreachable',
  },
  VM_RUNNING: {
    message: 'The guest {vm} runs (on {node}); {what} needs it stopped.',
    hint: 'Shut it down first: `pvc vm shutdown {vm}`.',
    http: 409,
    exit: 'refused',
  },
  VM_NOT_RUNNING: {
    message: 'The guest {vm} does not run; {what} needs it running.',
    hint: 'Start it first: `pvc vm start {vm}`.',
    http: 409,
    exit: 'refused',
  },
  VM_STATE: {
    message: 'The guest {vm} is {state}; {what} is not possible.',
    hint: 'See `pvc vm info {vm}`.',
    http: 409,
    exit: 'refused',
  },
  VM_UNCHANGED: {
    message: 'Nothing to change in the guest {vm}.',
    hint: 'The definition is already as asked.',
    http: 409,
    exit: 'refused',
  },
  VM_VERSION: {
    message:
      'The guest {vm} was changed by somebody else: it is at version {now}, the change was made on version {expected}.',
    hint: 'Get the newest definition (`pvc vm dump {vm}`) and repeat the change. Nothing was written.',
    http: 409,
    exit: 'conflict',
  },
  VM_NO_NODE: {
    message: 'No node can take the guest {vm}.',
    hint: 'Every candidate and its reason are listed above; `pvc node list` shows the nodes.',
    http: 409,
    exit: 'refused',
  },
  VM_NO_ROOM: {
    message: 'There is no room for {memory} MiB of the guest {vm} on {node}: {reason}.',
    hint: '`pvc vm move {vm}` brings it to a node that has room; `pvc node list` shows the nodes.',
    http: 409,
    exit: 'refused',
  },
  VM_CANNOT_MOVE: {
    message: 'The guest {vm} cannot be moved.',
    hint: 'Every reason is listed above. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  VM_MIGRATION_FAILED: {
    message: 'The guest {vm} was not moved to {node}: {reason}',
    hint: 'It runs on where it was.',
    http: 502,
    exit: 'failed',
  },
  VM_IGNORES_SHUTDOWN: {
    message: 'The guest {vm} did not shut down within {seconds} s.',
    hint: 'It still runs. `pvc vm stop {vm}` switches it off; `pvc vm meta {vm} --on-timeout poweroff` does so by itself.',
    http: 504,
    exit: 'failed',
  },
  VM_START_REFUSED: {
    message: 'The guest {vm} must not be started on {node}: {reason}',
    hint: 'It is tried again by itself while it is meant to run; `pvc vm stop {vm}` ends that.',
    http: 409,
    exit: 'refused',
  },
  VM_DEVICE_REFUSED: {
    message: 'The guest {vm} cannot get the device on {node} now: {reason}',
    hint: 'It is tried again by itself.',
    http: 409,
    exit: 'refused',
  },
  VM_START_FAILED: {
    message: 'The guest {vm} could not be started: {reason}',
    hint: 'It is tried again by itself while it is meant to run; `pvc vm stop {vm}` ends that.',
    http: 500,
    exit: 'failed',
  },
  VM_DEVICE_NOT_FOUND: {
    message: 'The guest {vm} has no {what} {device}.',
    hint: 'See `pvc vm info {vm}`.',
    http: 404,
    exit: 'notFound',
  },
  VM_DEVICE_EXISTS: {
    message: 'The guest {vm} already has a {what} {device}.',
    hint: 'Choose another, or remove that one first.',
    http: 409,
    exit: 'conflict',
  },
  VM_DEVICE_INPUT: {
    message: 'A {what} needs exactly one of {choices}.',
    hint: 'See `pvc vm create --help`. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  VM_NIC_GUARD: {
    message: 'The network card cannot be kept to that: {reason}.',
    hint: 'See `pvc vm nic add --help`. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  LIBVIRT_AWAY: {
    message: 'libvirt does not answer on node {node}: {reason}',
    hint: 'Guests run on. PVC starts it again by itself; see `pvc node info {node}`.',
    http: 503,
    exit: 'unreachable',
  },
  LIBVIRT_HALF_START: {
    message: 'libvirtd was killed while it started {guests}, and holds for running what has no process.',
    hint: 'PVC starts libvirtd again without them. Where libvirtd is not its to manage: stop libvirtd, remove {records}, start it.',
    http: 503,
    exit: 'unreachable',
  },
});
