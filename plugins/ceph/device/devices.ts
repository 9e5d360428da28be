/**
 * The block devices of a node, as `lsblk` of util-linux 2.38 and newer tells them. It asks udev for what lies on them,
 * so it sees no signature on a machine without udev.
 * @module
 */
import { z } from '../../../core/plugin/api.ts';
import { parsed } from '../command/ceph-command.ts';

export const lsblkCommand = [
  'lsblk',
  '--json',
  '--bytes',
  '--output',
  'NAME,PATH,TYPE,SIZE,MODEL,VENDOR,SERIAL,ROTA,TRAN,FSTYPE,PTTYPE,PARTTYPE,MOUNTPOINTS,PKNAME,WWN,RO,RM',
] as const;

export interface BlockDevice {
  /** The kernel's name; it may be another disk's after the next boot. */
  readonly name: string;
  readonly path: string;
  /** disk, part, lvm, crypt, loop, rom … */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  readonly vendor: string | undefined;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  readonly wwn: string | undefined;
  /** Whether it says that it turns. Virtual disks say so, too. */
  readonly rotational: boolean;
  /** sata, sas, nvme, usb …, where the kernel knows. */
  readonly transport: string | undefined;
  /** What the signature at its start says: ext4, LVM2_member, ceph_bluestore … */
  readonly content: string | undefined;
  /** Kind of the partition table on it: gpt, dos …; of a partition, that of its disk. */
  readonly partitionTable: string | undefined;
  /** `[SWAP]` for a swap space. */
  readonly mountpoints: readonly string[];
  readonly readOnly: boolean;
  readonly removable: boolean;
  /** What is made of it: partitions, volumes, opened encryption. */
  readonly children: readonly BlockDevice[];
}

const text = z
  .string()
  .nullable()
  .transform((value) => value?.trim() || undefined);

const columns = z.object({
  name: z.string(),
  path: z.string(),
  type: z.string(),
  size: z.int().min(0),
  vendor: text,
  model: text,
  serial: text,
  wwn: text,
  rota: z.boolean(),
  tran: text,
  fstype: text,
  pttype: text,
  mountpoints: z.array(z.string().nullable()),
  ro: z.boolean(),
  rm: z.boolean(),
});

const listed: z.ZodType<BlockDevice> = columns
  .extend({
    get children() {
      return z.array(listed).optional();
    },
  })
  .transform(({ rota, tran, fstype, pttype, mountpoints, ro, rm, children, ...rest }) => ({
    ...rest,
    rotational: rota,
    transport: tran,
    content: fstype,
    partitionTable: pttype,
    mountpoints: mountpoints.filter((point) => point !== null),
    readOnly: ro,
    removable: rm,
    children: children ?? [],
  }));

const output = z.object({ blockdevices: z.array(listed) });

/** The devices that are not made of others, in the order of lsblk. @throws PvcError CEPH_STRANGE */
export function parseDevices(stdout: string): readonly BlockDevice[] {
  return parsed(output, lsblkCommand.join(' '), stdout).blockdevices;
}

/** The device with this path, wherever it stands. */
export function deviceAt(devices: readonly BlockDevice[], path: string): BlockDevice | undefined {
  for (const device of devices) {
    const found = device.path === path ? device : deviceAt(device.children, path);
    if (found !== undefined) return found;
  }
  return undefined;
}
