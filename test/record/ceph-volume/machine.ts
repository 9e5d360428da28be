/**
 * A machine under QEMU without KVM: it has a kernel of its own, and with it what this one may lack (the device mapper).
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { becomesTrue } from '../../lab/becomes-true.ts';
import { killGroup, run } from '../../lab/run.ts';
import { GuestAgent } from './guest-agent.ts';
import type { GuestRoot } from './guest-root.ts';
import { diskArguments, machineDisks } from './machine-disks.ts';

/** Nothing that is recorded takes longer; whatever happens to us, the machine ends. */
const longestLifeSeconds = 3 * 3600;
const bootMs = 600_000;

export class Machine implements AsyncDisposable {
  readonly agent: GuestAgent;
  readonly #qemu: ChildProcess;
  readonly #directory: string;

  private constructor(agent: GuestAgent, qemu: ChildProcess, directory: string) {
    this.agent = agent;
    this.#qemu = qemu;
    this.#directory = directory;
  }

  /** Boots a machine with empty disks. @throws Error with the end of its console when it does not come up */
  static async boot(root: GuestRoot, signal: AbortSignal): Promise<Machine> {
    const directory = await mkdtemp(join(tmpdir(), 'pvc-record-'));
    const console = join(directory, 'console.log');
    let qemu: ChildProcess | undefined;
    try {
      const socket = join(directory, 'agent');
      qemu = start(await qemuArguments(root, directory, socket, console, signal), console);
      const child = qemu;
      const isUp = () =>
        child.exitCode !== null ||
        access(socket).then(
          () => true,
          () => false,
        );
      await becomesTrue(isUp, 10_000, signal);
      const agent = await GuestAgent.connect(socket, bootMs, signal);
      return new Machine(agent, qemu, directory);
    } catch (error) {
      const said = (await readFile(console, 'utf8').catch(() => '')).split('\n').slice(-30).join('\n');
      await end(qemu, directory);
      throw new Error(`the machine did not come up; its console:\n${said}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent[Symbol.asyncDispose]();
    await end(this.#qemu, this.#directory);
  }
}

async function qemuArguments(
  root: GuestRoot,
  directory: string,
  agent: string,
  console: string,
  signal: AbortSignal,
): Promise<string[]> {
  const overlay = join(directory, 'root.qcow2');
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', root.image, '-F', 'raw', overlay], { signal });
  const disks: string[] = [];
  for (const disk of machineDisks) {
    const file = join(directory, `${disk.serial}.qcow2`);
    await run(['qemu-img', 'create', '-q', '-f', 'qcow2', file, String(disk.size)], { signal });
    disks.push(...diskArguments(disk, file));
  }
  return [
    ...[
      '-name',
      'pvc-record',
      '-machine',
      'q35',
      '-accel',
      'tcg,thread=multi',
      '-cpu',
      'Nehalem',
      '-smp',
      '2',
      '-m',
      '3072',
    ],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', `file:${console}`],
    ...['-kernel', root.kernel, '-initrd', root.initrd, '-append', 'root=/dev/vda rw console=ttyS0 quiet'],
    ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci'],
    ...['-chardev', `socket,id=agent,path=${agent},server=on,wait=off`],
    ...['-device', 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0'],
    ...[
      '-drive',
      `if=none,id=root,file=${overlay},format=qcow2,cache=unsafe`,
      '-device',
      'virtio-blk-pci,drive=root,serial=ROOT',
    ],
    ...['-device', 'virtio-scsi-pci,id=scsi', '-device', 'ahci,id=sata', '-device', 'qemu-xhci,id=usb'],
    ...['-device', 'scsi-cd,bus=scsi.0'],
    ...disks,
  ];
}

/** In a session of its own, and bound in time. */
function start(args: readonly string[], console: string): ChildProcess {
  const log = openSync(console, 'a');
  const argv = ['--signal=KILL', String(longestLifeSeconds), 'nice', 'qemu-system-x86_64', ...args];
  const child = spawn('timeout', argv, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

async function end(qemu: ChildProcess | undefined, directory: string): Promise<void> {
  if (qemu !== undefined && qemu.exitCode === null && qemu.signalCode === null) {
    killGroup(qemu);
    await once(qemu, 'exit');
  }
  await rm(directory, { recursive: true, force: true });
}
