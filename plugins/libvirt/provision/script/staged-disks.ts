/**
 * The disks of a new guest on a stage. A daemon of QEMU shows each volume as a file (its FUSE export), whatever storage
 * it lies in; file systems are made on these files and mounted through loop devices, which go with the mounts.
 * @module
 */
import type { Host } from '../../../../core/plugin/api.ts';
import { type MadeDisk, makeFileSystem, mountOrder } from './build-disk.ts';
import type { Stage } from './stage.ts';

/** How QEMU's tools open a volume (QAPI, BlockdevOptions): it goes into an argument, so there are no secrets in it. */
export type BlockOptions = Readonly<Record<string, unknown>>;

export interface StagedDisk extends MadeDisk {
  readonly file: string;
  /** Undefined: it is not mounted. */
  readonly device: string | undefined;
}

const openTimeoutMs = 60_000;
const stepTimeoutMs = 300_000;
const lookMs = 100;
/** Everything that was written has to reach the storage. */
const flushTimeoutMs = 600_000;

/** By the shell: kill(1) comes with a package of its own, which a small node may not have. */
const endOf = (pid: string) => ['sh', '-c', 'kill -TERM "$1"', 'sh', pid] as const;

interface Limits {
  readonly signal: AbortSignal;
  /** When the whole stage ends. */
  readonly timeoutMs: number;
}

export class StagedDisks {
  readonly #host: Pick<Host, 'clock' | 'files'>;
  readonly #stage: Stage;
  readonly #directory: string;
  /** Undefined: the disks are not shown. */
  #server: { readonly pid: string; readonly ended: Promise<{ code: number | null; stderr: string }> } | undefined;
  #disks: readonly StagedDisk[] = [];

  /** @param directory of these disks alone, on the node */
  constructor(host: Pick<Host, 'clock' | 'files'>, stage: Stage, directory: string) {
    this.#host = host;
    this.#stage = stage;
    this.#directory = directory;
  }

  /** Where the directory tree of the guest is, on the stage. */
  get tree(): string {
    return `${this.#directory}/tree`;
  }

  /** @throws Error in the words of QEMU, mkfs or mount */
  async open(
    disks: readonly (MadeDisk & { readonly options: BlockOptions })[],
    limits: Limits,
  ): Promise<readonly StagedDisk[]> {
    await this.#show(disks, limits);
    for (const { target, filesystem, uuid } of disks)
      if (filesystem !== undefined && uuid !== undefined)
        await this.#run(makeFileSystem(filesystem, uuid, this.#file(target)), limits);
    await this.#host.files.makeDirectory(this.tree, 0o755);
    // A mount in any case: they are taken away together.
    const mounted = mountOrder(disks);
    if (mounted[0]?.mountpoint !== '/')
      await this.#run(['mount', '-t', 'tmpfs', '-o', 'size=16M,mode=0755,nodev,nosuid', 'none', this.tree], limits);
    const devices = new Map<string, string>();
    for (const disk of mounted) devices.set(disk.target, await this.#mount(disk, limits));
    this.#disks = disks.map((disk) => ({
      ...disk,
      file: this.#file(disk.target),
      device: devices.get(disk.target),
    }));
    return this.#disks;
  }

  /** All that was written is in the storage when it resolves. @throws Error when any of it is not */
  async close(limits: Pick<Limits, 'timeoutMs'>): Promise<void> {
    const timeoutMs = Math.min(flushTimeoutMs, limits.timeoutMs);
    const untilMs = this.#host.clock.monotonicMs() + timeoutMs;
    await this.#stage.run(['umount', '--recursive', this.tree], { timeoutMs });
    for (const { device, file } of this.#disks) {
      if (device !== undefined) await this.#freed(device, untilMs);
      await this.#stage.run(['sync', file], { timeoutMs });
    }
    const server = this.#server;
    if (server === undefined) return;
    await this.#stage.run(endOf(server.pid), { timeoutMs: stepTimeoutMs });
    const { code, stderr } = await server.ended;
    if (code !== 0) throw new Error(`qemu-storage-daemon: ${stderr.trim().split('\n').at(-1) || `exit code ${code}`}`);
  }

  /**
   * Nothing of the disks is needed any more. Storage is left in order where that is possible, so that the volumes can be
   * removed at once: it would wait for a client that is just gone.
   */
  async abandon(timeoutMs: number): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const untilMs = this.#host.clock.monotonicMs() + timeoutMs;
    await this.#stage.exec(['umount', '--recursive', this.tree], { timeoutMs });
    const leftMs = Math.max(1, Math.ceil(untilMs - this.#host.clock.monotonicMs()));
    await this.#stage.exec(endOf(server.pid), { timeoutMs: leftMs });
    const late = new AbortController();
    await Promise.race([server.ended, this.#host.clock.sleep(leftMs, late.signal).catch(() => undefined)]);
    late.abort();
  }

  /** Starts QEMU's daemon, which shows each volume as a file. */
  async #show(disks: readonly { readonly target: string; readonly options: BlockOptions }[], limits: Limits) {
    const { files, clock } = this.#host;
    const pidFile = `${this.#directory}/qemu.pid`;
    for (const { target } of disks) await files.writeAtomic(this.#file(target), '', 0o600);
    const argv = [
      ...(['qemu-storage-daemon', '--pidfile', pidFile] as const),
      ...disks.flatMap(({ target, options }) => [
        '--blockdev',
        JSON.stringify({ driver: 'raw', 'node-name': target, discard: 'unmap', file: options }),
        '--export',
        `type=fuse,id=show-${target},node-name=${target},mountpoint=${this.#file(target)},writable=on`,
      ]),
    ] as const;
    let over: Error | undefined;
    const ended = this.#stage.exec(argv, { timeoutMs: limits.timeoutMs });
    ended.then(
      ({ stderr, code }) => {
        over = new Error(`qemu-storage-daemon: ${stderr.trim().split('\n').at(-1) || `exit code ${code}`}`);
      },
      (error: unknown) => {
        over = error instanceof Error ? error : new Error(String(error));
      },
    );
    const untilMs = clock.monotonicMs() + openTimeoutMs;
    for (;;) {
      // It is written once all of them are shown.
      const pid = (await files.readText(pidFile))?.trim();
      if (pid !== undefined && pid !== '') {
        this.#server = { pid, ended };
        return;
      }
      if (over !== undefined) throw over;
      if (clock.monotonicMs() > untilMs)
        throw new Error(`qemu-storage-daemon has not opened the disks within ${openTimeoutMs / 1000} s`);
      await clock.sleep(lookMs, limits.signal);
    }
  }

  /** @returns the loop device */
  async #mount(disk: MadeDisk & { readonly mountpoint: string }, limits: Limits): Promise<string> {
    const path = disk.mountpoint === '/' ? this.tree : `${this.tree}${disk.mountpoint}`;
    if (disk.mountpoint !== '/') await this.#run(['mkdir', '--parents', '--', path], limits);
    const how = ['-t', disk.filesystem ?? 'auto', '-o', 'loop,nodev'];
    await this.#run(['mount', ...how, this.#file(disk.target), path], limits);
    const source = await this.#run(['findmnt', '--noheadings', '--output', 'SOURCE', '--mountpoint', path], limits);
    // On btrfs with the subvolume behind it.
    const device = source.trim().replace(/\[.*$/, '');
    if (!/^\/dev\/loop\d+$/.test(device)) throw new Error(`mount: ${path} is on ${device}, and no loop device`);
    return device;
  }

  /** The kernel lets go of a loop device some time after the last mount of it: what was written is in the file then. */
  async #freed(device: string, untilMs: number): Promise<void> {
    const { files, clock } = this.#host;
    const of = `/sys/block/${device.slice('/dev/'.length)}/loop/backing_file`;
    for (;;) {
      // The kernel refuses a look in the very moment in which it lets go; the next one tells.
      const backing = await files.readText(of).catch(() => this.#directory);
      // Another one may have got it at once.
      if (backing?.startsWith(this.#directory) !== true) return;
      if (clock.monotonicMs() > untilMs) throw new Error(`${device} is not let go`);
      await clock.sleep(lookMs);
    }
  }

  #file(target: string): string {
    return `${this.#directory}/${target}`;
  }

  #run(argv: readonly [string, ...string[]], { signal }: Limits): Promise<string> {
    return this.#stage.run(argv, { timeoutMs: stepTimeoutMs, signal });
  }
}
