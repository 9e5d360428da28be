/**
 * The disks of the machine that is recorded. Their names (sda, …) depend on the order in which drivers find them, so a
 * disk is known by its serial number.
 * @module
 */

const GiB = 1024 ** 3;

type DiskKind = 'virtio' | 'scsi' | 'sata' | 'nvme' | 'usb';

export interface MachineDisk {
  readonly serial: string;
  readonly kind: DiskKind;
  /** Bytes. The image file is sparse. */
  readonly size: number;
  /** SCSI: vendor (8 characters) and product (16), as the INQUIRY command answers them. */
  readonly vendor?: string;
  readonly model?: string;
  /** Turns a minute; 1 for a disk without moving parts. */
  readonly rotation?: number;
  readonly wwn?: string;
  readonly readOnly?: boolean;
}

/** Sizes of real disks where the disk stays empty or sparse: `detect:` is about them. */
export const machineDisks: readonly MachineDisk[] = [
  { serial: 'VIRTIO-BLANK', kind: 'virtio', size: 10 * GiB },
  { serial: 'VIRTIO-SMALL', kind: 'virtio', size: 1 * GiB },
  { serial: 'VIRTIO-RO', kind: 'virtio', size: 10 * GiB, readOnly: true },
  { serial: 'VIRTIO-RAW', kind: 'virtio', size: 8 * GiB },
  { serial: 'VIRTIO-MBR', kind: 'virtio', size: 6 * GiB },
  hardDisk('ZC1A0001', '0x5000c500a1b2c301'),
  hardDisk('ZC1A0002', '0x5000c500a1b2c302'),
  hardDisk('ZC1A0003', '0x5000c500a1b2c303'),
  {
    serial: 'PHYF0001',
    kind: 'scsi',
    vendor: 'ATA',
    model: 'INTEL SSDSC2KB48',
    size: 480_103_981_056,
    rotation: 1,
    wwn: '0x55cd2e414d000001',
  },
  { serial: 'PERC0001', kind: 'scsi', vendor: 'DELL', model: 'PERC H730P Mini', size: 8 * GiB },
  { serial: 'PERC0002', kind: 'scsi', vendor: 'DELL', model: 'PERC H730P Mini', size: 8 * GiB },
  { serial: 'PERC0003', kind: 'scsi', vendor: 'DELL', model: 'PERC H730P Mini', size: 8 * GiB },
  {
    serial: 'S5Y1NX0R',
    kind: 'sata',
    model: 'Samsung SSD 870 EVO 500GB',
    size: 500_107_862_016,
    rotation: 1,
    wwn: '0x5002538f00000001',
  },
  { serial: 'NVME0001', kind: 'nvme', size: 20 * GiB },
  { serial: 'NVME0002', kind: 'nvme', size: 16 * GiB },
  { serial: 'USB00001', kind: 'usb', size: 4 * GiB },
];

function hardDisk(serial: string, wwn: string): MachineDisk {
  return {
    serial,
    kind: 'scsi',
    vendor: 'SEAGATE',
    model: 'ST4000NM0035',
    size: 4_000_787_030_016,
    rotation: 7200,
    wwn,
  };
}

/** Arguments of qemu-system-x86_64 for a disk whose image is `file` (qcow2). */
export function diskArguments(disk: MachineDisk, file: string): string[] {
  const id = disk.serial;
  const drive = `if=none,id=${id},file=${file},format=qcow2,cache=unsafe,discard=unmap,read-only=${disk.readOnly === true ? 'on' : 'off'}`;
  return ['-drive', drive, '-device', [device(disk), `drive=${id}`, `serial=${disk.serial}`].join(',')];
}

function device(disk: MachineDisk): string {
  const given = (name: string, value: string | number | undefined) => (value === undefined ? [] : [`${name}=${value}`]);
  const { vendor, model, rotation, wwn } = disk;
  switch (disk.kind) {
    case 'virtio':
      return 'virtio-blk-pci';
    case 'nvme':
      return 'nvme';
    case 'usb':
      return 'usb-storage,bus=usb.0,removable=on';
    case 'scsi':
      return [
        'scsi-hd,bus=scsi.0',
        ...given('vendor', vendor),
        ...given('product', model),
        ...given('rotation_rate', rotation),
        ...given('wwn', wwn),
      ].join(',');
    case 'sata':
      return [
        'ide-hd,bus=sata.0',
        ...given('model', model),
        ...given('rotation_rate', rotation),
        ...given('wwn', wwn),
      ].join(',');
  }
}
