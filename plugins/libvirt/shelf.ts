/**
 * A place on a node for files of callers that a task reads: a directory for each. Whoever serves the caller removes it; what a
 * crash has left is cleared when the daemon starts, or once the task that reads it has ended.
 * @module
 */
import { errorText, lackOfRoom, type Runtime, taskEnded, task as taskKind } from '../../core/plugin/api.ts';

type Parts = Pick<Runtime, 'host' | 'documents' | 'directories' | 'node' | 'signal'>;

export interface ShelfOptions {
  /** Its name among those of shelves. */
  readonly name: string;
  /** The action of the tasks that read from it. */
  readonly action: string;
  /** The field of such a task's input that has the place, or a file in it. */
  readonly field: string;
  /** What to throw when there is no room. */
  readonly full: (lack: Readonly<Record<'node' | 'directory' | 'wanted' | 'free', string>>) => Error;
}

const lookMs = 1_000;
/** As it names places. What somebody else has put there is not its to remove. */
const placeName = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Of all shelves of a node, and of nothing else: administrators have directories of their own below that of state, as `images`. */
export const shelvesIn = (state: string): string => `${state}/incoming`;

export class Shelf {
  readonly #runtime: Parts;
  readonly #options: ShelfOptions;

  constructor(runtime: Parts, options: ShelfOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  get #directory(): string {
    return `${shelvesIn(this.#runtime.directories.state)}/${this.#options.name}`;
  }

  /** An empty directory for a file of that size, which nobody else has. @throws what `full` gives */
  async place(bytes: number): Promise<string> {
    const { host, node } = this.#runtime;
    await host.files.makeDirectory(this.#directory, 0o700);
    const lack = await lackOfRoom(host.files, this.#directory, bytes);
    if (lack !== undefined) throw this.#options.full({ node, directory: this.#directory, ...lack });
    const place = `${this.#directory}/${host.random.uuid()}`;
    await host.files.makeDirectory(place, 0o700);
    return place;
  }

  /** For the start of the daemon, when nobody is served. Resolves once what no task reads is gone; the rest goes when its task ends. */
  async clear(): Promise<void> {
    const { host, documents, node, signal } = this.#runtime;
    const { action, field } = this.#options;
    const running = (await documents.list(taskKind)).filter(
      (one) => one.spec.node === node && one.spec.action === action && !taskEnded(one.status),
    );
    for (const name of ((await host.files.list(this.#directory)) ?? []).filter((one) => placeName.test(one))) {
      const place = `${this.#directory}/${name}`;
      const reader = running.find(({ spec }) => {
        const read = String((spec.input as Readonly<Record<string, unknown>> | null)?.[field]);
        return read === place || read.startsWith(`${place}/`);
      });
      if (reader === undefined) {
        host.log.info('a file that was being taken is removed: nobody needs it any more', { path: place });
        await host.files.remove(place);
      } else
        void this.#outlive(reader.id, place).catch((error: unknown) => {
          if (!signal.aborted) host.log.error(`the file of task ${reader.id} stays`, { reason: errorText(error) });
        });
    }
  }

  async #outlive(task: string, place: string): Promise<void> {
    const { host, documents, signal } = this.#runtime;
    for (;;) {
      const doc = await documents.get(taskKind, task);
      if (doc === undefined || taskEnded(doc.status)) break;
      await host.clock.sleep(lookMs, signal);
    }
    await host.files.remove(place);
  }
}
