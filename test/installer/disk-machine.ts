/** A server with a disk and a serial line, by QEMU without hardware that runs it: for the installer. @module */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { emulatedServer, type Firmware, resetFirmware } from '../e2e/emulated-server.ts';
import { waitFor } from '../e2e/wait-for.ts';

export interface DiskMachineOptions {
  /** Of its files; outlives it. */
  readonly directory: string;
  readonly firmware: Firmware;
  /** In that directory. */
  readonly disk: string;
  /** In its CD drives, the first of which it boots from. */
  readonly media?: readonly string[];
  /** Cuts its power. */
  readonly signal: AbortSignal;
}

/** A server without hardware that runs it takes its time, the more on a busy machine. */
const patience = { timeoutMs: 6 * 60_000, everyMs: 500 };
export const mac = '52:54:00:70:76:d5';

export class DiskMachine implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #directory: string;
  readonly #signal: AbortSignal;
  #line: Socket | undefined;
  /** Where what is looked for next begins. */
  #from = 0;

  private constructor(process: ChildProcess, directory: string, signal: AbortSignal) {
    this.#process = process;
    this.#directory = directory;
    this.#signal = signal;
  }

  /** Switches it on. It ends instead of booting again. @throws the signal's reason */
  static async start({ directory, firmware, disk, media = [], signal }: DiskMachineOptions): Promise<DiskMachine> {
    signal.throwIfAborted();
    // Of the boot before it nothing is to be taken for this one's.
    await rm(join(directory, 'serial'), { force: true });
    await resetFirmware(firmware, directory);
    const [program = '', ...base] = emulatedServer(firmware, directory, 2048);
    const child = spawn(
      program,
      [
        ...base,
        ...['-no-reboot', '-boot', media.length > 0 ? 'd' : 'c'],
        ...['-netdev', 'user,id=n,restrict=on', '-device', `virtio-net-pci,netdev=n,addr=0x8,mac=${mac},romfile=`],
        ...['-drive', `file=${join(directory, disk)},format=raw,if=virtio,discard=unmap`],
        ...media.flatMap((file) => ['-drive', `file=${file},format=raw,media=cdrom,readonly=on`]),
        ...[
          '-chardev',
          `socket,id=s,path=${join(directory, 'line')},server=on,wait=off,logfile=${join(directory, 'serial')}`,
        ],
        ...['-serial', 'chardev:s'],
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    signal.addEventListener('abort', () => child.kill('SIGKILL'));
    return new DiskMachine(child, directory, signal);
  }

  get #isOver(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** What it has written on its serial line since the last look that found something. */
  async told(): Promise<string> {
    const all = await readFile(join(this.#directory, 'serial'), 'utf8').catch(() => '');
    return all.slice(this.#from);
  }

  /** @returns what it has written up to there @throws NeverHappened, and the signal's reason */
  async sees(text: RegExp): Promise<string> {
    const { told, end } = await waitFor(
      `${text} on its serial line`,
      async () => {
        const over = this.#isOver;
        const now = await this.told();
        const found = text.exec(now);
        return (found !== null || over) && { told: now, end: found === null ? -1 : found.index + found[0].length };
      },
      { ...patience, evidence: () => this.told().then((now) => now.slice(-6000)) },
    );
    this.#signal.throwIfAborted();
    if (end === -1) throw new Error(`it has ended before ${text}:\n${told.slice(-6000)}`);
    this.#from += end;
    return told.slice(0, end);
  }

  /** Types on its serial line. */
  type(text: string): void {
    this.#line ??= connect(join(this.#directory, 'line')).resume();
    this.#line.write(text);
  }

  /** Waits until it has switched itself off, or would boot again. */
  async ends(): Promise<void> {
    await waitFor('it to end', async () => this.#isOver, patience);
  }

  /** Cuts its power. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#line?.destroy();
    if (this.#isOver) return;
    this.#process.kill('SIGKILL');
    await waitFor('its process to end', async () => this.#isOver);
  }
}
