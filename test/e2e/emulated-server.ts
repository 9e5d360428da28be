/** A server by QEMU without hardware that runs it: what all of them have, whatever they boot from. @module */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Firmware = 'bios' | 'efi';

/** Of Debian's package ovmf. */
const efiCode = '/usr/share/OVMF/OVMF_CODE_4M.fd';
const efiVariables = '/usr/share/OVMF/OVMF_VARS_4M.fd';

const variablesIn = (directory: string): string => join(directory, 'variables');

/** As new: nothing is noted in its firmware that could boot what the disk or the network alone does not. @param directory of its files */
export async function resetFirmware(firmware: Firmware, directory: string): Promise<void> {
  if (firmware === 'efi') await copyFile(efiVariables, variablesIn(directory));
}

/** The command that switches it on, but for its disks, cards and lines. */
export const emulatedServer = (firmware: Firmware, directory: string, memoryMiB: number): string[] => [
  'qemu-system-x86_64',
  // Nehalem: what Debian's Ceph needs, without vector units that take long to emulate.
  ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'Nehalem', '-smp', '2', '-m', String(memoryMiB)],
  ...['-display', 'none', '-nodefaults', '-device', 'virtio-rng-pci'],
  ...(firmware === 'efi'
    ? [
        ...['-drive', `if=pflash,format=raw,readonly=on,file=${efiCode}`],
        ...['-drive', `if=pflash,format=raw,file=${variablesIn(directory)}`],
      ]
    : []),
];
