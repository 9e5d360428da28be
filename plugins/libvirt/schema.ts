/**
 * The guest (VM) as the store keeps it. PVC manages the typed fields; whatever else the
 * administrator's XML says is kept in `definition` and rendered back unchanged.
 * @module
 */
import { names, z } from '../../core/plugin/api.ts';

/** A device, port or disk bus as libvirt names them. */
export const word = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/, 'one word of letters, digits, ".", "_", "+" and "-"');

/** What a virtual network card is plugged into; other plugins add kinds of their own through `network`. */
export const nicSource = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('bridge'), bridge: names.linkName }),
  z.strictObject({ type: z.literal('user') }),
  z.strictObject({ type: z.literal('network'), network: names.objectName }),
]);

/** Kilobytes (1000 bytes) a second, as libvirt counts; at most 100 Gbit/s. */
const rateKBps = z.int().min(1).max(12_500_000);

/** What a card may carry, seen from the guest; without a number as much as it can. */
export const nicLimits = z.strictObject({ inKBps: rateKBps.optional(), outKBps: rateKBps.optional() });

export const mostOwnAddresses = 64;

/** An address of a guest. */
export const hostAddress = z.union([z.ipv4(), z.ipv6()]);

/** The card sends only as itself. */
export const nicAntiSpoof = z.strictObject({
  /** Its own, beside those that it has by DHCP. */
  addresses: z.array(hostAddress).max(mostOwnAddresses).default([]),
});

export const nic = z.strictObject({
  mac: names.macAddress,
  source: nicSource,
  model: word.default('virtio'),
  /** Of a card on a network of the cluster; the plugin of the network keeps it to them. */
  limits: nicLimits.optional(),
  antiSpoof: nicAntiSpoof.optional(),
  /**
   * Children of `<interface>` that PVC does not manage, as XML text; of managed children
   * (`mac`, `source`, `model`) only the other attributes, as partial elements.
   */
  extra: z.string().max(16_384).default(''),
});

export const diskSource = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('file'), path: names.absolutePath }),
  z.strictObject({ type: z.literal('block'), path: names.absolutePath }),
  /** A drive without a medium. */
  z.strictObject({ type: z.literal('empty') }),
  /** A volume of a storage plugin, `pool/volume`; that plugin adds the element through `libvirt.domain`. */
  z.strictObject({ type: z.literal('volume'), pool: names.objectName, volume: names.objectName }),
]);

/** Target device in the guest: vda, sda, hdc … */
export const diskTarget = z.string().regex(/^(?:vd|sd|hd|fd|xvd)[a-z]{1,3}$/, 'a target is vda, sdb, hdc …');

export const disk = z.strictObject({
  /** Unique within the guest. */
  target: diskTarget,
  device: z.enum(['disk', 'cdrom', 'floppy']).default('disk'),
  bus: z.enum(['virtio', 'scsi', 'sata', 'ide', 'usb', 'fdc']).default('virtio'),
  source: diskSource,
  format: word.default('raw'),
  readonly: z.boolean().default(false),
  /** As with a network card; the managed children are `driver`, `source`, `target`, `readonly`. */
  extra: z.string().max(16_384).default(''),
});

/** Sockets × dies × clusters × cores × threads is the number of vCPUs; dies and clusters are 1 where they are not said. */
export const topology = z.strictObject({
  sockets: z.int().min(1),
  dies: z.int().min(2).optional(),
  clusters: z.int().min(2).optional(),
  cores: z.int().min(1),
  threads: z.int().min(1),
});

/** Text that XML can carry: no control characters but tab and line feed, no half surrogates. */
const xmlText = z
  .string()
  .regex(/^[\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u, 'text without control characters');

export const selectors = ['mem', 'memprov', 'load', 'vcpus', 'vms'] as const;

export const vmSpec = z.strictObject({
  name: names.objectName,
  description: xmlText.trim().max(4096).default(''),
  /** The intent. `disabled` is stopped, and nothing automatic may start it. */
  run: z.enum(['running', 'stopped', 'disabled']),
  /** Where it must run. */
  node: names.nodeName,
  /** Where it returns after a temporary migration. */
  home: names.nodeName.optional(),
  /** While a task moves it: where to. Its memory is reserved there. */
  transfer: z.strictObject({ to: names.nodeName, task: z.string().max(64) }).optional(),
  /** KVM where the node has a working one (`auto`), or always one of the two. */
  accelerator: z.enum(['auto', 'kvm', 'tcg']).default('auto'),
  memoryMiB: z
    .int()
    .min(16)
    .max(16 * 1024 * 1024),
  vcpus: z.int().min(1).max(512),
  topology: topology.optional(),
  nics: z.array(nic).max(64).default([]),
  disks: z.array(disk).max(256).default([]),
  /** The domain XML without what the fields above say. */
  definition: z.string().max(256 * 1024),
  /** Start it when its node comes up, even if it was stopped before. */
  autostart: z.boolean().default(false),
  /** Order of recovery and start: higher first. */
  priority: z.int().min(0).max(1000).default(500),
  tags: z
    .array(z.strictObject({ name: names.tagName, protected: z.boolean().default(false) }))
    .max(64)
    .default([]),
  /** Refuse to undefine it. */
  protected: z.boolean().default(false),
  /** Nodes it may run on; empty means any. */
  limit: z.array(names.nodeName).max(256).default([]),
  selector: z.enum(selectors).default('mem'),
  migration: z
    .strictObject({
      method: z.enum(['auto', 'live', 'shutdown']).default('auto'),
      maxDowntimeMs: z.int().min(1).max(60_000).default(300),
    })
    .prefault({}),
  /** How `vm shutdown` and `vm restart` behave when the guest does not react. */
  shutdown: z
    .strictObject({
      timeoutS: z.int().min(1).max(86_400).default(180),
      then: z.enum(['poweroff', 'fail']).default('poweroff'),
    })
    .prefault({}),
  /** What is done when it ends by itself again and again: so often it is started again on a node, and then … */
  restart: z
    .strictObject({
      tries: z.int().min(0).max(1000).default(5),
      /** … goes on on another node, once on each; or is failed; or is started again without end. */
      then: z.enum(['move', 'fail', 'again']).default('move'),
    })
    .prefault({}),
  /** Set once it was given up somewhere; gone when it is started by somebody, or has run steadily. */
  crashes: z
    .strictObject({
      on: z.array(z.strictObject({ node: names.nodeName, ends: z.int(), reason: z.string() })).max(256),
      /** Why nobody starts it any more. */
      failed: z.string().max(16_384).optional(),
    })
    .optional(),
});
export type VmSpec = z.infer<typeof vmSpec>;
export type Topology = z.infer<typeof topology>;
export type Nic = z.infer<typeof nic>;
export type Disk = z.infer<typeof disk>;
export type DiskBus = Disk['bus'];
