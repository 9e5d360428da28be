/** A blank server beside a lab: QEMU whose card is on one of the lab's networks and boots from it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, startDetached } from '../lab/run.ts';
import { type NetworkName, namespaceName } from '../lab/topology.ts';
import type { TestLab } from './test-lab.ts';

export interface MachineOptions {
  /** `bios`: the card’s own iPXE boots. `efi`: the firmware’s PXE does, which fetches iPXE by TFTP. */
  readonly firmware: 'bios' | 'efi';
  readonly mac: string;
  readonly uuid: string;
  readonly network: NetworkName;
  /** Default 256: enough to ask for a boot script. */
  readonly memoryMiB?: number;
  /** Of an empty disk; none unless said. */
  readonly diskMiB?: number;
  /** Another disk, in a file that outlives the machine; with its serial number. */
  readonly kept?: { readonly path: string; readonly serial: string };
}

/** Of Debian's package ovmf. */
const efiCode = '/usr/share/OVMF/OVMF_CODE_4M.fd';
const efiVariables = '/usr/share/OVMF/OVMF_VARS_4M.fd';

const serialIn = (directory: string): string => join(directory, 'serial');

export class BootMachine implements AsyncDisposable {
  readonly #pid: number;
  readonly #tap: string;
  readonly #fabric: string;
  readonly #directory: string;

  private constructor(pid: number, tap: string, fabric: string, directory: string) {
    this.#pid = pid;
    this.#tap = tap;
    this.#fabric = fabric;
    this.#directory = directory;
  }

  /** Switches it on. */
  static async start(
    lab: TestLab,
    { firmware, mac, uuid, network, memoryMiB = 256, diskMiB, kept }: MachineOptions,
  ): Promise<BootMachine> {
    const fabric = namespaceName(lab.name, 'fabric');
    const directory = await mkdtemp(join(tmpdir(), 'pvc-machine-'));
    const tap = `m${mac.replaceAll(':', '').slice(-6)}`;
    await run(['ip', '-n', fabric, 'tuntap', 'add', tap, 'mode', 'tap']);
    await run(['ip', '-n', fabric, 'link', 'set', tap, 'master', network, 'up']);
    const variables = join(directory, 'variables');
    if (firmware === 'efi') await run(['cp', efiVariables, variables]);
    const disk = join(directory, 'disk');
    if (diskMiB !== undefined) await run(['truncate', '-s', `${diskMiB}M`, disk]);
    // It outlives nothing of the lab: all in the lab's networks ends with them.
    const pid = await startDetached(
      [
        ...['ip', 'netns', 'exec', fabric, 'qemu-system-x86_64'],
        // Nehalem: what Debian's Ceph needs, without vector units that take long to emulate.
        ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'Nehalem', '-smp', '2', '-m', String(memoryMiB)],
        ...['-display', 'none', '-nodefaults', '-boot', 'n', '-device', 'virtio-rng-pci'],
        ...['-uuid', uuid, '-smbios', 'type=1,manufacturer=ACME + Co,product=R1'],
        ...['-netdev', `tap,id=n,ifname=${tap},script=no,downscript=no`],
        ...['-device', `virtio-net-pci,netdev=n,mac=${mac}${firmware === 'efi' ? ',romfile=' : ''}`],
        ...(firmware === 'efi'
          ? [
              ...['-drive', `if=pflash,format=raw,readonly=on,file=${efiCode}`],
              ...['-drive', `if=pflash,format=raw,file=${variables}`],
            ]
          : []),
        ...(diskMiB === undefined ? [] : ['-drive', `file=${disk},format=raw,if=virtio`]),
        ...(kept === undefined
          ? []
          : [
              ...['-drive', `file=${kept.path},format=raw,if=none,id=kept,discard=unmap`],
              ...['-device', `virtio-blk-pci,drive=kept,serial=${kept.serial}`],
            ]),
        ...['-serial', `file:${serialIn(directory)}`],
      ],
      join(directory, 'log'),
    );
    return new BootMachine(pid, tap, fabric, directory);
  }

  /** What it has written on its serial console. */
  console(): Promise<string> {
    return readFile(serialIn(this.#directory), 'utf8');
  }

  /** Cuts its power. */
  async [Symbol.asyncDispose](): Promise<void> {
    process.kill(this.#pid, 'SIGKILL');
    // The kernel lets go of its tap a moment later.
    await run(['ip', '-n', this.#fabric, 'link', 'del', this.#tap]);
    await rm(this.#directory, { recursive: true, force: true });
  }
}
