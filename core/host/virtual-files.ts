/** Files in memory, with faults on demand, for tests and the simulator. @module */
import { dirname } from 'node:path/posix';
import type { Clock } from './clock.ts';
import { hostError } from './errors.ts';
import type { FileSource, FileStat, Files, FileTarget } from './host.ts';

interface Node {
  readonly kind: 'file' | 'directory';
  data: Uint8Array;
  mode: number;
  mtimeMs: number;
  readonly inode: number;
}

/** What may be wrong with a path: writing meets a full disk, or any access is refused. */
export type FileFault = 'disk-full' | 'denied';

const bytesOf = (data: string | Uint8Array): Uint8Array =>
  typeof data === 'string' ? new TextEncoder().encode(data) : Uint8Array.from(data);

/** Both, one after the other. A file that grows a thousand times is not copied as often: its buffer has room behind it. */
function joined(before: Uint8Array | undefined, added: Uint8Array): Uint8Array {
  const { buffer = new ArrayBuffer(0), byteOffset = 0, length = 0 } = before ?? {};
  const size = length + added.length;
  const roomy = byteOffset === 0 && buffer.byteLength >= size ? buffer : new ArrayBuffer(2 * size);
  const all = new Uint8Array(roomy, 0, size);
  if (roomy !== buffer) all.set(before ?? []);
  all.set(added, length);
  return all;
}

export class VirtualFiles implements Files {
  readonly #clock: Clock;
  readonly #nodes = new Map<string, Node>();
  readonly #watchers = new Set<{ readonly directory: string; readonly changed: () => void }>();
  #inode = 1;
  /** Called with each path before it is used; what it returns happens. Set it to break things. */
  fault: (path: string, write: boolean) => FileFault | undefined = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nodes.set('/', this.#node('directory', new Uint8Array(), 0o755));
  }

  /** Every file with its text, sorted by path: for assertions. */
  snapshot(): Record<string, string> {
    const files = [...this.#nodes].filter(([, node]) => node.kind === 'file').sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(files.map(([path, node]) => [path, new TextDecoder().decode(node.data)]));
  }

  async readText(path: string): Promise<string | undefined> {
    const data = await this.readBytes(path);
    return data === undefined ? undefined : new TextDecoder().decode(data);
  }

  async readBytes(path: string): Promise<Uint8Array | undefined> {
    this.#check(path, false);
    const node = this.#nodes.get(path);
    if (node?.kind === 'directory') throw hostError('FILE_FAILED', { action: 'read', path, reason: 'is a directory' });
    return node?.data.slice();
  }

  async readSlice(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return (await this.readBytes(path))?.slice(offset, offset + length);
  }

  async writeAtomic(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
    this.#write(path, bytesOf(data), mode);
  }

  async openRead(path: string): Promise<FileSource | undefined> {
    const data = await this.readBytes(path);
    if (data === undefined) return undefined;
    return {
      sizeBytes: data.length,
      body: (async function* () {
        yield data;
      })(),
      close: async () => {},
    };
  }

  async createBeside(path: string, mode = 0o600): Promise<FileTarget> {
    const beside = `${dirname(path)}/.${this.#inode}.tmp`.replace('//', '/');
    this.#check(path, true);
    this.#write(beside, new Uint8Array(), mode);
    return {
      write: async (bytes) => {
        this.#check(path, true);
        this.#write(beside, joined(this.#nodes.get(beside)?.data, bytes), mode);
      },
      keep: () => this.rename(beside, path),
      drop: async () => void this.#nodes.delete(beside),
    };
  }

  async append(path: string, data: string, mode = 0o600): Promise<void> {
    this.#check(path, true);
    const before = this.#nodes.get(path);
    this.#write(path, joined(before?.data, bytesOf(data)), before?.mode ?? mode);
    // The same file has grown: it keeps its inode.
    const grown = this.#nodes.get(path);
    if (before !== undefined && grown !== undefined) this.#nodes.set(path, { ...grown, inode: before.inode });
  }

  async makeDirectory(path: string, mode = 0o755): Promise<void> {
    this.#check(path, true);
    const found = this.#nodes.get(path);
    if (found?.kind === 'directory') return;
    if (found !== undefined) throw hostError('FILE_FAILED', { action: 'make', path, reason: 'file already exists' });
    await this.makeDirectory(dirname(path));
    this.#nodes.set(path, this.#node('directory', new Uint8Array(), mode));
  }

  async list(path: string): Promise<string[] | undefined> {
    this.#check(path, false);
    if (this.#nodes.get(path)?.kind !== 'directory') return undefined;
    const below = [...this.#nodes.keys()].filter((name) => name !== '/' && dirname(name) === path);
    return below.map((name) => name.slice(name.lastIndexOf('/') + 1)).sort();
  }

  async stat(path: string): Promise<FileStat | undefined> {
    this.#check(path, false);
    const node = this.#nodes.get(path);
    if (node === undefined) return undefined;
    const { kind, mode, mtimeMs, inode } = node;
    return { size: node.data.length, mode, uid: 0, mtimeMs, inode, kind };
  }

  /** There are no symbolic links here. */
  async realPath(path: string): Promise<string | undefined> {
    this.#check(path, false);
    return this.#nodes.has(path) ? path : undefined;
  }

  async space(): Promise<{ free: number; total: number }> {
    return { free: 64 * 1024 ** 3, total: 128 * 1024 ** 3 };
  }

  async remove(path: string): Promise<void> {
    this.#check(path, true);
    if (path === '/')
      throw hostError('FILE_FAILED', { action: 'remove', path, reason: 'that is the root of all files' });
    for (const name of this.#nodes.keys()) {
      if (name === path || name.startsWith(`${path}/`)) this.#nodes.delete(name);
    }
    this.#tell(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#check(from, true);
    this.#check(to, true);
    if (!this.#nodes.has(from))
      throw hostError('FILE_FAILED', { action: 'rename', path: from, reason: 'no such file or directory' });
    this.#requireParent(to);
    const moved = [...this.#nodes].filter(([name]) => name === from || name.startsWith(`${from}/`));
    for (const [name] of moved) this.#nodes.delete(name);
    for (const [name, node] of moved) this.#nodes.set(to + name.slice(from.length), node);
    this.#tell(from);
    this.#tell(to);
  }

  async watch(directory: string, changed: () => void, signal: AbortSignal): Promise<void> {
    if (this.#nodes.get(directory)?.kind !== 'directory')
      throw hostError('FILE_FAILED', { action: 'watch', path: directory, reason: 'no such file or directory' });
    const watcher = { directory, changed };
    this.#watchers.add(watcher);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#watchers.delete(watcher);
  }

  async setAccess(path: string, mode: number): Promise<void> {
    this.#check(path, true);
    const node = this.#nodes.get(path);
    if (node === undefined)
      throw hostError('FILE_FAILED', { action: 'set the access of', path, reason: 'no such file or directory' });
    node.mode = mode;
  }

  #write(path: string, data: Uint8Array, mode: number): void {
    this.#check(path, true);
    this.#requireParent(path);
    if (this.#nodes.get(path)?.kind === 'directory') {
      throw hostError('FILE_FAILED', { action: 'write', path, reason: 'is a directory' });
    }
    this.#nodes.set(path, this.#node('file', data, mode));
    this.#tell(path);
  }

  #tell(path: string): void {
    for (const { directory, changed } of this.#watchers) if (directory === dirname(path)) changed();
  }

  #node(kind: Node['kind'], data: Uint8Array, mode: number): Node {
    return { kind, data, mode, mtimeMs: this.#clock.wallMs(), inode: this.#inode++ };
  }

  #requireParent(path: string): void {
    if (this.#nodes.get(dirname(path))?.kind !== 'directory') {
      throw hostError('FILE_FAILED', { action: 'write', path, reason: 'no such file or directory' });
    }
  }

  #check(path: string, write: boolean): void {
    const fault = this.fault(path, write);
    if (fault === 'denied') throw hostError('FILE_DENIED', { path, reason: 'permission denied' });
    if (fault === 'disk-full' && write) throw hostError('DISK_FULL', { path });
  }
}
