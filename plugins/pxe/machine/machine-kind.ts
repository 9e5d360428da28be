/** A server that boots, or may boot, from the cluster: what was asked of it, and what has become of that. @module */
import { bmcSpec, defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';
import { diskOutcome, diskWish } from './disk-wish.ts';

export const hostAddress = z.union([z.ipv4(), z.ipv6()]);

export const machineSpec = z.strictObject({
  /** Of its firmware (SMBIOS); null: not known, or another machine's. */
  uuid: names.uuid.nullable(),
  /** The name of the node that it becomes; null: nobody has decided. */
  name: names.nodeName.nullable(),
  /** Its own address in the cluster network. */
  address: hostAddress.nullable(),
  /** How often somebody accepted it: each time it may try anew; 0: nobody has, and it is told to do nothing. */
  attempt: z.int().min(0),
  /** By which it is switched on before it is a node; the node gets it as its own. */
  bmc: bmcSpec.optional(),
  /** The node that has come from it was given that; who takes it from the node is not given it again. */
  bmcGiven: z.literal(true).optional(),
  /** Disks that become part of the storage once its node is ready. */
  disks: diskWish.optional(),
});
export type MachineSpec = z.output<typeof machineSpec>;

/** In the order in which they are passed. */
export const machineStates = ['discovered', 'accepted', 'booting', 'joined', 'ready', 'failed'] as const;
export type MachineState = (typeof machineStates)[number];

const word = z.string().max(128);

/** What a machine says of itself: nobody has proven it. */
export const hardware = z.strictObject({
  uuid: names.uuid.nullable(),
  manufacturer: word.nullable(),
  product: word.nullable(),
  serial: word.nullable(),
  memoryMiB: z.int().min(0).nullable(),
  /** `/dev/sda 480 GB SAMSUNG …`; known once an image has run there. */
  disks: z.array(word).max(64),
  /** `eno1 aa:bb:cc:dd:ee:ff 10000 Mb/s`; the same. */
  nics: z.array(word).max(64),
});
export type Hardware = z.output<typeof hardware>;

export const firmwares = ['bios', 'efi'] as const;

export const bootRecord = z.strictObject({
  startedMs: z.int(),
  firmware: z.enum(firmwares),
  /** The boot of the operating system that its node had before, by which the new one is told from it. */
  before: z.string().nullable(),
  log: z.array(z.strictObject({ atMs: z.int(), text: names.oneLine })).max(128),
});
export type BootRecord = z.output<typeof bootRecord>;

export const machineStatus = z.strictObject({
  state: z.enum(machineStates),
  sinceMs: z.int(),
  /** Why it is so, where that is not plain. */
  reason: names.oneLine,
  /** The `attempt` of the spec that this is about. */
  attempt: z.int().min(0),
  seenMs: z.int().nullable(),
  hardware: hardware.nullable(),
  /** SHA-256, hexadecimal, of the word that its present boot shows when it asks or tells something. */
  word: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  /** The join token that this boot was given, by its id. */
  token: z.string().nullable(),
  /** Of the attempt; too many in a row end it. */
  failures: z.int().min(0),
  /** The latest last. */
  boots: z.array(bootRecord).max(8),
  /** What has become of the disks that were asked for. */
  disks: z.array(diskOutcome).max(64).optional(),
});
export type MachineStatus = z.output<typeof machineStatus>;

/** Its id is the MAC address of the card that it boots from. */
export const machine = defineKind<MachineSpec, MachineStatus>({
  name: 'machine',
  plural: 'machines',
  command: 'provisioner machine',
  version: 1,
  id: names.macAddress,
  spec: machineSpec,
  status: machineStatus,
  unique: ({ uuid, name, address }) => ({
    uuid: uuid === null ? [] : [uuid],
    name: name === null ? [] : [name],
    address: address === null ? [] : [address],
  }),
});

/** The password of its BMC, by the machine's MAC address. Bookkeeping, as that of a node's BMC. */
export const machineSecret = defineKind<{ password: string }, null>({
  name: 'machine-secret',
  plural: 'machine-secrets',
  version: 1,
  id: names.macAddress,
  spec: z.strictObject({ password: z.string().min(1).max(128) }),
  status: z.null(),
  bookkeeping: true,
});

export const pxeError = defineErrors({
  MACHINE_KNOWN: {
    message: 'There is already a machine with the {field} {value}: {mac}.',
    hint: 'See `pvc provisioner machine info {mac}`; change it with `pvc provisioner machine modify`. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  MACHINE_NOT_FOUND: {
    message: 'There is no machine {machine}.',
    hint: 'A machine is known by its MAC address or the name of its node: see `pvc provisioner machine list`.',
    http: 404,
    exit: 'notFound',
  },
  MACHINE_NODE_EXISTS: {
    message: 'There is a node {name} already, and it did not come from the machine {mac}.',
    hint: 'Choose another name, or remove that node first: `pvc node remove {name}`. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  MACHINE_ADDRESS: {
    message: 'The machine {mac} cannot have the address {address}: {reason}.',
    hint: 'Take a free address of the cluster network: `pvc cluster status` shows it, `pvc node list` who has which. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  MACHINE_INCOMPLETE: {
    message: 'The machine {mac} cannot be accepted yet: it has no {missing}.',
    hint: 'Give it: `pvc provisioner machine accept {mac} --name NAME --address ADDRESS`. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  MACHINE_BUSY: {
    message: 'The machine {mac} is {state}: {what}.',
    hint: 'Wait until it is ready or has failed (`pvc provisioner machine info {mac}`). Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  MACHINE_UNCHANGED: {
    message: 'Nothing to change in the machine {mac}.',
    hint: 'It is already as asked.',
    http: 409,
    exit: 'refused',
  },
  MACHINE_NO_BMC: {
    message: 'The machine {mac} has no BMC that PVC knows of.',
    hint: 'Describe it: `pvc provisioner machine bmc set {mac} --address ADDRESS --user USER`. Or switch the machine on by hand, set to boot from the network.',
    http: 409,
    exit: 'refused',
  },
  MACHINE_IS_NODE: {
    message: 'The machine {mac} is the node {node}.',
    hint: 'Use `pvc node {verb} {node}`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  MACHINE_NOT_BOOTED: {
    message: 'The machine {mac} could not be switched on: {reason}',
    hint: 'See what is described: `pvc provisioner machine info {mac}`; describe it anew with `pvc provisioner machine bmc set {mac}`.',
    http: 502,
    exit: 'failed',
  },
  MACHINE_DISKS: {
    message: 'Not all disks of {node} that were asked for have become part of the storage: {reasons}',
    hint: 'Empty a disk that is not blank, or ask for others: `pvc provisioner machine modify {mac} --osd DISK`, `--no-osd` for none. See `pvc provisioner machine info {mac}`.',
    http: 409,
    exit: 'refused',
  },
  PXE_NOT_STARTED: {
    message: 'The provisioning part of this daemon has not started yet.',
    hint: 'Try again in a moment.',
    http: 503,
    exit: 'unreachable',
  },
});
