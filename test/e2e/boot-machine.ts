/** A blank server beside a lab: QEMU whose card is on one of the lab's networks and boots from it. */
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { dataDirectory } from '../lab/paths.ts';
import { run, startDetached } from '../lab/run.ts';
import { type NetworkName, namespaceName } from '../lab/topology.ts';
import { emulatedServer, type Firmware, resetFirmware } from './emulated-server.ts';
import type { TestLab } from './test-lab.ts';

export interface MachineOptions {
  /** `bios`: the card’s own iPXE boots. `efi`: the firmware’s PXE does, which fetches iPXE by TFTP. */
  readonly firmware: Firmware;
  readonly mac: string;
  readonly uuid: string;
  readonly network: NetworkName;
  /** Default 256: enough to ask for a boot script. */
  readonly memoryMiB?: number;
  /** Of an empty disk, which its firmware boots from when it can; none unless said. */
  readonly diskMiB?: number;
  /** Another disk, in a file that outlives the machine; with its serial number. */
  readonly kept?: { readonly path: string; readonly serial: string };
}

/** What a BIOS boots: a sector that ends so, here with a jump to itself, as a system that runs and does nothing for PVC. */
const idleSystem = Buffer.concat([Buffer.from([0xeb, 0xfe]), Buffer.alloc(508), Buffer.from([0x55, 0xaa])]);

export class BootMachine implements AsyncDisposable {
  readonly #options: MachineOptions;
  readonly #tap: string;
  readonly #fabric: string;
  readonly #directory: string;
  #pid: number | undefined;
  #fromNetwork = false;

  private constructor(options: MachineOptions, tap: string, fabric: string, directory: string) {
    this.#options = options;
    this.#tap = tap;
    this.#fabric = fabric;
    this.#directory = directory;
  }

  /** Puts it there, switched off. */
  static async plug(lab: TestLab, options: MachineOptions): Promise<BootMachine> {
    const { firmware, mac, network, diskMiB } = options;
    const fabric = namespaceName(lab.name, 'fabric');
    // Among the lab's own files, which go with it even when this process has no time to take them away.
    const directory = await mkdtemp(join(dataDirectory(lab.name), 'machine-'));
    const tap = `m${mac.replaceAll(':', '').slice(-6)}`;
    await run(['ip', '-n', fabric, 'tuntap', 'add', tap, 'mode', 'tap']);
    await run(['ip', '-n', fabric, 'link', 'set', tap, 'master', network, 'up']);
    await resetFirmware(firmware, directory);
    if (diskMiB !== undefined) await run(['truncate', '-s', `${diskMiB}M`, join(directory, 'disk')]);
    return new BootMachine(options, tap, fabric, directory);
  }

  /** Puts it there and switches it on. */
  static async start(lab: TestLab, options: MachineOptions): Promise<BootMachine> {
    const machine = await BootMachine.plug(lab, options);
    await machine.on();
    return machine;
  }

  get isOn(): boolean {
    return this.#pid !== undefined;
  }

  async on(): Promise<void> {
    if (this.#pid !== undefined) return;
    const { firmware, mac, uuid, memoryMiB = 256, diskMiB, kept } = this.#options;
    const [disk, card] = this.#fromNetwork ? [2, 1] : [1, 2];
    this.#fromNetwork = false;
    // It outlives nothing of the lab: all in the lab's networks ends with them.
    this.#pid = await startDetached(
      [
        ...['ip', 'netns', 'exec', this.#fabric, ...emulatedServer(firmware, this.#directory, memoryMiB)],
        ...['-uuid', uuid, '-smbios', 'type=1,manufacturer=ACME + Co,product=R1'],
        ...['-netdev', `tap,id=n,ifname=${this.#tap},script=no,downscript=no`],
        ...['-device', `virtio-net-pci,netdev=n,mac=${mac},bootindex=${card}${firmware === 'efi' ? ',romfile=' : ''}`],
        ...(diskMiB === undefined
          ? []
          : [
              ...['-drive', `file=${join(this.#directory, 'disk')},format=raw,if=none,id=disk`],
              ...['-device', `virtio-blk-pci,drive=disk,bootindex=${disk}`],
            ]),
        ...(kept === undefined
          ? []
          : [
              ...['-drive', `file=${kept.path},format=raw,if=none,id=kept,discard=unmap`],
              ...['-device', `virtio-blk-pci,drive=kept,serial=${kept.serial}`],
            ]),
        ...['-serial', `file:${join(this.#directory, 'serial')}`],
      ],
      join(this.#directory, 'log'),
    );
  }

  /** Cuts its power. */
  off(): void {
    if (this.#pid !== undefined) process.kill(this.#pid, 'SIGKILL');
    this.#pid = undefined;
  }

  /** When it is next switched on, and that time alone, it boots from the network first. */
  bootFromNetworkOnce(): void {
    this.#fromNetwork = true;
  }

  /** From now on there is a system on its disk that a BIOS boots. */
  async installSystem(): Promise<void> {
    await using disk = await open(join(this.#directory, 'disk'), 'r+');
    await disk.write(idleSystem, 0, idleSystem.length, 0);
  }

  /** What it has written on its serial console since it was last switched on. */
  console(): Promise<string> {
    return readFile(join(this.#directory, 'serial'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.off();
    // The kernel lets go of its tap a moment later.
    await run(['ip', '-n', this.#fabric, 'link', 'del', this.#tap]);
    await rm(this.#directory, { recursive: true, force: true });
  }
}
