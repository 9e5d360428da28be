/**
 * The only door to the operating system. Everything that PVC does outside its own memory goes through
 * a `Host`: commands, files, sockets, time, chance and the log. The real one is `linux.ts`; tests and
 * the simulator pass their own.
 * @module
 */
import type { Duplex } from 'node:stream';
import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';

/** How a command ended. `code` is null when a signal ended it. */
export interface ExecResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  /** After this many milliseconds the command is killed (SIGKILL) and the call rejects with EXEC_TIMEOUT. */
  readonly timeoutMs: number;
  /**
   * Written to standard input, which is then closed. The place for secrets: argv is public. A function is asked once the
   * program runs, for what must be true at the very moment that it is told. Pieces are asked for one by one, as the
   * command takes them; what fails while they are made ends the command.
   */
  readonly input?: string | Uint8Array | (() => string) | AsyncIterable<Uint8Array>;
  /**
   * Takes standard output piece by piece instead of the result: the command is held back until it resolves. When it
   * rejects, the command is ended and the call rejects with its reason.
   */
  readonly takeOutput?: (piece: Uint8Array) => Promise<void>;
  /** Added to the small fixed environment (PATH, LANG=C.UTF-8). The daemon's own is not inherited. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Hears what the command writes, standard output and error, as it comes: for its progress. */
  readonly onOutput?: (text: string) => void;
}

/** A process that outlives the daemon: its own session, output to a file. */
export interface DetachedOptions {
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Processes {
  /**
   * Runs argv (never a shell string) to its end. Resolves whatever the exit code is.
   * @throws PvcError EXEC_NOT_FOUND, EXEC_TIMEOUT
   */
  exec(argv: readonly [string, ...string[]], options: ExecOptions): Promise<ExecResult>;
  /** Starts a process that survives this one; resolves with its pid once it has been spawned. */
  detach(argv: readonly [string, ...string[]], options: DetachedOptions): Promise<number>;
  /** True when the pid exists and, if `startTicks` is given, is the same process (field 22 of /proc/PID/stat). */
  alive(pid: number, startTicks?: number): Promise<boolean>;
  /** Start time of a process in clock ticks since boot, undefined when it is gone: tells a reused pid. */
  startTicks(pid: number): Promise<number | undefined>;
  /** Sends a signal; false when there is no such process. */
  kill(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 'SIGHUP' | 'SIGUSR1' | 'SIGINT'): boolean;
}

export interface FileStat {
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly mtimeMs: number;
  readonly inode: number;
  readonly kind: 'file' | 'directory' | 'socket' | 'device' | 'other';
}

/** A file that is read piece by piece, each no sooner than it is asked for. */
export interface FileSource {
  /** Undefined for what is no regular file: a pipe, a device. */
  readonly sizeBytes: number | undefined;
  /** @throws PvcError FILE_FAILED */
  readonly body: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** A file that comes into being: until it is kept, nothing is at its path but what was there before. */
export interface FileTarget {
  /** @throws PvcError DISK_FULL, FILE_FAILED */
  write(bytes: Uint8Array): Promise<void>;
  /** Syncs it and puts it in its place. */
  keep(): Promise<void>;
  /** Takes it away; one that was kept stays. */
  drop(): Promise<void>;
}

export interface Files {
  /** Undefined when the file does not exist; every other trouble throws. */
  readText(path: string): Promise<string | undefined>;
  readBytes(path: string): Promise<Uint8Array | undefined>;
  /** Up to `length` bytes from `offset`; shorter at the end of the file, undefined when there is no file. */
  readSlice(path: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  /**
   * Writes beside the target, syncs, renames: a reader sees the old or the new text, never half of it.
   * @throws PvcError DISK_FULL, FILE_DENIED
   */
  writeAtomic(path: string, data: string | Uint8Array, mode?: number): Promise<void>;
  /** Undefined when there is no file. @throws PvcError FILE_DENIED, FILE_FAILED */
  openRead(path: string): Promise<FileSource | undefined>;
  /** A new file beside `path`, to be filled and then to take its place. @throws PvcError DISK_FULL, FILE_DENIED, FILE_FAILED */
  createBeside(path: string, mode?: number): Promise<FileTarget>;
  append(path: string, data: string, mode?: number): Promise<void>;
  makeDirectory(path: string, mode?: number): Promise<void>;
  list(path: string): Promise<string[] | undefined>;
  stat(path: string): Promise<FileStat | undefined>;
  /** The path without symbolic links; undefined when nothing is there. */
  realPath(path: string): Promise<string | undefined>;
  /** Room on the file system of a path, in bytes; undefined when the path does not exist. */
  space(path: string): Promise<{ readonly free: number; readonly total: number } | undefined>;
  /** Removes a file or a tree; absent is fine. */
  remove(path: string): Promise<void>;
  /** Once it returns, the new name outlives a power cut. */
  rename(from: string, to: string): Promise<void>;
  /**
   * Calls `changed` when something in a directory may have come, gone or changed, until the signal aborts; looking is the
   * caller's, who may be told once for many changes. A directory that is made anew is another one: it is not watched.
   * @throws PvcError FILE_DENIED, FILE_FAILED when it is not there
   */
  watch(directory: string, changed: () => void, signal: AbortSignal): Promise<void>;
  /** Sets the mode and, if given, the group of something that exists. @throws PvcError FILE_DENIED, FILE_FAILED */
  setAccess(path: string, mode: number, gid?: number): Promise<void>;
}

export interface Net {
  /** A connected stream to a unix socket or a TCP port. @throws PvcError CONNECT_FAILED */
  connect(
    target: { readonly path: string } | { readonly host: string; readonly port: number },
    timeoutMs: number,
  ): Promise<Duplex>;
}

export interface Random {
  bytes(length: number): Uint8Array;
  /** A random (version 4) UUID, RFC 9562 section 5.4. */
  uuid(): string;
}

/** Facts about the machine, read once or cheap to read again. */
export interface MachineFacts {
  readonly hostname: string;
  readonly cpus: number;
  readonly cpuModel: string;
  readonly memoryMiB: number;
  readonly kernel: string;
  readonly os: string;
  readonly arch: string;
  /** Changes at every boot; /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
}

/** What changes from second to second. */
export interface MachineLoad {
  readonly memoryAvailableMiB: number;
  readonly load1: number;
  readonly uptimeS: number;
}

export interface Machine {
  facts(): Promise<MachineFacts>;
  load(): Promise<MachineLoad>;
}

/** A hardware watchdog that is armed: the machine resets when it is not fed in time (kernel.org, watchdog-api). */
export interface ArmedWatchdog {
  /** What its driver calls it. */
  readonly identity: string;
  /** As the driver has it. */
  readonly timeoutS: number;
  /** Has happened when it returns: nothing lies between the caller's last look and the write. @throws PvcError FILE_FAILED */
  feed(): void;
  /** It counts no more. @throws PvcError FILE_FAILED */
  disarm(): void;
}

export interface Watchdogs {
  /**
   * Opens the device, which starts it and feeds it. `may` is asked at that very moment; undefined: it said no. One that is
   * not closed by `disarm` goes on counting, and is fed once more by the kernel when the process ends.
   * @param device `/dev/watchdog0`
   * @throws PvcError WATCHDOG_UNUSABLE
   */
  arm(device: string, timeoutS: number, may: () => boolean): Promise<ArmedWatchdog | undefined>;
}

export interface Host {
  readonly clock: Clock;
  readonly random: Random;
  readonly processes: Processes;
  readonly files: Files;
  readonly net: Net;
  readonly machine: Machine;
  readonly watchdogs: Watchdogs;
  readonly log: Logger;
}
