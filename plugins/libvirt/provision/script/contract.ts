/** What a build script is told: JSON on its standard input, and the same in short in its environment. Pure. @module */
import type { MadeDisk } from './build-disk.ts';
import { fstabOf } from './build-disk.ts';
import { devicePath, inside } from './confinement.ts';

export interface BuildFacts {
  readonly guest: {
    readonly name: string;
    readonly uuid: string;
    readonly hostname: string;
    readonly profile: string;
    readonly vcpus: number;
    readonly memoryMiB: number;
    readonly macs: readonly string[];
    readonly sshKeys: readonly string[];
  };
  readonly disks: readonly (MadeDisk & { readonly device: string | undefined })[];
  readonly arguments: Readonly<Record<string, string>>;
}

/** Raised when something that is there changes its meaning; what is added does not count. */
const version = 1;

const pathOf = (mountpoint: string): string => `${inside.tree}${mountpoint === '/' ? '' : mountpoint}`;

export function buildInput({ guest, disks, arguments: given }: BuildFacts): string {
  return `${JSON.stringify({
    ...{ version, guest, target: inside.tree },
    disks: disks.map(({ target, volume, sizeBytes, device, filesystem, uuid, mountpoint }) => ({
      ...{ target, volume, sizeBytes, device: devicePath({ target, device }) },
      ...{ filesystem: filesystem ?? null, uuid: uuid ?? null, mountpoint: mountpoint ?? null },
      path: mountpoint === undefined ? null : pathOf(mountpoint),
    })),
    ...{ fstab: fstabOf(disks), arguments: given },
  })}\n`;
}

/** No argument vector: those are public, and arguments may be what nobody else shall know. */
export function buildEnvironment({ guest, disks, arguments: given }: BuildFacts): Record<string, string> {
  return {
    ...{ HOME: inside.scratch, TMPDIR: inside.scratch },
    ...{ PVC_GUEST: guest.name, PVC_HOSTNAME: guest.hostname, PVC_TARGET: inside.tree },
    ...{ PVC_FSTAB: fstabOf(disks), PVC_SSH_KEYS: guest.sshKeys.map((key) => `${key}\n`).join('') },
    ...Object.fromEntries(
      disks.map(({ target, device }) => [`PVC_DISK_${target.toUpperCase()}`, devicePath({ target, device })]),
    ),
    ...Object.fromEntries(Object.entries(given).map(([name, value]) => [`PVC_ARG_${name.toUpperCase()}`, value])),
  };
}
