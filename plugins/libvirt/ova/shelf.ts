/**
 * The place on a node for OVA files that are being imported: a directory for each. Whoever serves the caller removes it; what a
 * crash has left is cleared when the daemon starts, or once the task that reads it has ended.
 * @module
 */
import { errorText, lackOfRoom, type Runtime, taskEnded, task as taskKind } from '../../../core/plugin/api.ts';
import { ovaError } from './ova-errors.ts';

type Parts = Pick<Runtime, 'host' | 'documents' | 'directories' | 'node' | 'signal'>;

const lookMs = 1_000;

export class OvaShelf {
  readonly #runtime: Parts;

  constructor(runtime: Parts) {
    this.#runtime = runtime;
  }

  get #directory(): string {
    return `${this.#runtime.directories.state}/ova`;
  }

  /** An empty directory for an OVA of that size, which nobody else has. @throws PvcError OVA_NO_SPACE */
  async place(bytes: number): Promise<string> {
    const { host, node } = this.#runtime;
    await host.files.makeDirectory(this.#directory, 0o700);
    const lack = await lackOfRoom(host.files, this.#directory, bytes);
    if (lack !== undefined) throw ovaError('OVA_NO_SPACE', { node, directory: this.#directory, ...lack });
    const place = `${this.#directory}/${host.random.uuid()}`;
    await host.files.makeDirectory(place, 0o700);
    return place;
  }

  /** For the start of the daemon, when nobody is served. Resolves once what no task reads is gone; the rest goes when its task ends. */
  async clear(): Promise<void> {
    const { host, documents, node, signal } = this.#runtime;
    const running = (await documents.list(taskKind)).filter(
      (one) => one.spec.node === node && one.spec.action === 'vm.import-ovf' && !taskEnded(one.status),
    );
    for (const name of (await host.files.list(this.#directory)) ?? []) {
      const place = `${this.#directory}/${name}`;
      const reader = running.find(({ spec }) => (spec.input as { directory?: unknown } | null)?.directory === place);
      if (reader === undefined) {
        host.log.info('an OVA that was being imported is removed: nobody needs it any more', { path: place });
        await host.files.remove(place);
      } else
        void this.#outlive(reader.id, place).catch((error: unknown) => {
          if (!signal.aborted) host.log.error(`the OVA of task ${reader.id} stays`, { reason: errorText(error) });
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
