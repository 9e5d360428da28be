/**
 * The place on a node for image files that are on their way between a caller and a volume. Each belongs to the task that
 * copies it; what a crash leaves there without one is cleared when the daemon starts.
 * @module
 */
import { formatBytes, type Runtime, taskEnded, task as taskKind } from '../../../core/plugin/api.ts';
import { volumeError } from './volume-kind.ts';

/** What must stay free on the node's file system. */
const reserveBytes = 512 * 1024 * 1024;

export class Spool {
  readonly #runtime: Pick<Runtime, 'host' | 'documents' | 'directories' | 'node'>;

  constructor(runtime: Pick<Runtime, 'host' | 'documents' | 'directories' | 'node'>) {
    this.#runtime = runtime;
  }

  get directory(): string {
    return `${this.#runtime.directories.state}/transfers`;
  }

  has(path: string): boolean {
    return path.startsWith(`${this.directory}/`);
  }

  /**
   * A name for a file of that size, which nobody has.
   * @throws PvcError TRANSFER_NO_SPACE
   */
  async place(bytes: number): Promise<string> {
    const { host, node } = this.#runtime;
    await host.files.makeDirectory(this.directory, 0o700);
    const free = (await host.files.space(this.directory))?.free ?? 0;
    if (bytes + reserveBytes > free)
      throw volumeError('TRANSFER_NO_SPACE', {
        node,
        directory: this.directory,
        wanted: formatBytes(bytes),
        free: formatBytes(free),
      });
    return `${this.directory}/${host.random.uuid()}`;
  }

  /** Removes what no task needs. For the start of the daemon, when nothing is on its way. */
  async clear(): Promise<void> {
    const { host, documents } = this.#runtime;
    const found = (await host.files.list(this.directory)) ?? [];
    if (found.length === 0) return;
    const needed = (await documents.list(taskKind))
      .filter(({ status }) => !taskEnded(status))
      .map(({ spec }) => (spec.input as { path?: unknown } | null)?.path);
    for (const name of found) {
      const path = `${this.directory}/${name}`;
      // An export writes beside its path until it is done.
      if (needed.some((one) => typeof one === 'string' && path.startsWith(one))) continue;
      host.log.info('an image file that was on its way is removed: nobody needs it any more', { path });
      await host.files.remove(path);
    }
  }
}
