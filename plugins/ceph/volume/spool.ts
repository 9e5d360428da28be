/**
 * The place on a node for image files that are on their way between a caller and a volume. Whoever serves the caller
 * removes the file; what a crash has left there is cleared when the daemon starts, or once the task that copies it ends.
 * @module
 */
import {
  type Doc,
  errorText,
  lackOfRoom,
  type Runtime,
  type TaskSpec,
  type TaskStatus,
  taskEnded,
  task as taskKind,
} from '../../../core/plugin/api.ts';
import { volumeError } from './volume-kind.ts';

type Parts = Pick<Runtime, 'host' | 'documents' | 'directories' | 'node' | 'signal' | 'perform'>;
type Task = Doc<TaskSpec, TaskStatus>;

const pathOf = ({ spec }: Task): string => String((spec.input as { path?: unknown } | null)?.path);
const lookMs = 1_000;

export class Spool {
  readonly #runtime: Parts;

  constructor(runtime: Parts) {
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
    const lack = await lackOfRoom(host.files, this.directory, bytes);
    if (lack !== undefined) throw volumeError('TRANSFER_NO_SPACE', { node, directory: this.directory, ...lack });
    return `${this.directory}/${host.random.uuid()}`;
  }

  /** Removes what no task needs, and what one still needs once that has ended. For the start of the daemon, when nobody waits for a file. */
  async clear(): Promise<void> {
    const { host, documents, node, signal } = this.#runtime;
    const left = (await documents.list(taskKind)).filter(
      (one) => one.spec.node === node && this.has(pathOf(one)) && !taskEnded(one.status),
    );
    for (const name of (await host.files.list(this.directory)) ?? []) {
      const path = `${this.directory}/${name}`;
      // An export writes beside its path until it is done.
      if (left.some((one) => path.startsWith(pathOf(one)))) continue;
      host.log.info('an image file that was on its way is removed: nobody needs it any more', { path });
      await host.files.remove(path);
    }
    for (const one of left)
      void this.#outlive(one).catch((error: unknown) => {
        if (!signal.aborted) host.log.error(`the file of task ${one.id} stays`, { reason: errorText(error) });
      });
  }

  /** An import makes its volume without the sender; of an export nobody would fetch the file. */
  async #outlive(task: Task): Promise<void> {
    const { host, documents, signal, perform } = this.#runtime;
    for (;;) {
      try {
        const doc = await documents.get(taskKind, task.id);
        if (doc === undefined || taskEnded(doc.status)) break;
        if (doc.spec.action === 'volume.export' && !doc.spec.cancel) await perform('task.cancel', { task: task.id });
      } catch (error) {
        host.log.debug(`task ${task.id} cannot be looked at; tried again`, { reason: errorText(error) });
      }
      await host.clock.sleep(lookMs, signal);
    }
    await host.files.remove(pathOf(task));
  }
}
