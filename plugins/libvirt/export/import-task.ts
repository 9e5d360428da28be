/**
 * Makes a guest of exports that lie on this node. The guest stands without its disks until they are whole, and gets them
 * in one commit with the state that it shall have; what fails before leaves nothing.
 * @module
 */
import { createHash } from 'node:crypto';
import {
  type AnyTaskDefinition,
  defineTask,
  orTakenBack,
  type Runtime,
  type TaskRun,
} from '../../../core/plugin/api.ts';
import type { VmDoc } from '../guest-control.ts';
import { giveDisks, hasDisks, takeBackGuest } from '../snapshot/new-disks.ts';
import { needStore, type VolumeStore, type VolumeStoreHook } from '../snapshot/volume-store.ts';
import { vm } from '../vm-kind.ts';
import { exportError } from './export-errors.ts';
import { needCopy } from './read-sets.ts';
import { type PlannedCopy as Copy, importInput, type PlannedVolume as Volume } from './task-inputs.ts';

/** The files as they were when their content was checked. */
interface Checked {
  readonly stamps: Readonly<Record<string, string>>;
}

const headBytes = 4096;

const pathOf = ({ directory, file }: Copy): string => `${directory}/${file}`;

export function importTask(runtime: Runtime, hook: VolumeStoreHook): AnyTaskDefinition {
  const { documents, host, node } = runtime;
  const { files } = host;

  const guestOf = ({ spec }: Pick<TaskRun, 'spec'>): Promise<VmDoc | undefined> => documents.get(vm, spec.target.id);

  /** @throws PvcError VM_IMPORT_UNFIT when its storage is gone */
  const withStore = (name: string, one: Volume): Promise<VolumeStore> =>
    needStore(hook, one, (pool) =>
      exportError('VM_IMPORT_UNFIT', { vm: name, reason: `no storage has the pool ${pool} any more` }),
    );

  async function stampOf(path: string): Promise<string> {
    const stat = await files.stat(path);
    return stat === undefined ? 'gone' : `${stat.inode} ${stat.size} ${stat.mtimeMs}`;
  }

  /** @throws PvcError VM_EXPORT_UNFIT */
  async function* piecesOf(one: Copy, told: (bytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
    const source = await files.openRead(pathOf(one));
    if (source === undefined)
      throw exportError('VM_EXPORT_UNFIT', { path: one.directory, node, reason: `its file ${one.file} is missing` });
    try {
      for await (const piece of source.body) {
        told(piece.length);
        yield piece;
      }
    } finally {
      await source.close();
    }
  }

  /** Reads a file from end to end. @throws PvcError VM_EXPORT_UNFIT */
  async function check(store: VolumeStore, one: Copy, signal: AbortSignal, told: (bytes: number) => void) {
    const wrong = (reason: string) =>
      exportError('VM_EXPORT_UNFIT', { path: one.directory, node, reason: `${one.file}: ${reason}` });
    await needCopy(host, node, one.directory, one);
    const stamp = await stampOf(pathOf(one));
    const head = (await files.readSlice(pathOf(one), 0, headBytes)) ?? new Uint8Array(0);
    const problem = store.headProblem(head, { ...one, since: one.since ?? undefined });
    if (problem !== undefined) throw wrong(problem);
    const hash = createHash('sha256');
    for await (const piece of piecesOf(one, told)) {
      signal.throwIfAborted();
      hash.update(piece);
    }
    const sum = hash.digest('hex');
    if (sum !== one.sha256) throw wrong(`its SHA-256 is ${sum}, and should be ${one.sha256}`);
    return stamp;
  }

  async function importGuest(run: TaskRun<Checked>): Promise<unknown> {
    const input = importInput.parse(run.spec.input);
    const { name, volumes } = input;
    const doc = await guestOf(run);
    if (doc === undefined) throw exportError('VM_IMPORT_UNDONE', { vm: name });
    if (hasDisks(doc, volumes)) return { vm: name };
    // All is read twice: before a byte is written, and when it is.
    const total = 2 * volumes.flatMap(({ copies }) => copies).reduce((sum, { bytes }) => sum + bytes, 0);
    let done = 0;
    const counted = (what: string) => (bytes: number) => {
      done += bytes;
      run.progress(done / total, what);
    };
    if (run.phase === '') {
      const stamps: Record<string, string> = {};
      for (const one of volumes)
        for (const part of one.copies) {
          const told = counted(`checks ${pathOf(part)}`);
          stamps[pathOf(part)] = await check(await withStore(name, one), part, run.signal, told);
        }
      for (const one of volumes) await (await withStore(name, one)).needFree(one.id);
      await run.advance('fill', { message: 'fills the disks', data: { stamps } });
    }
    done = total / 2;
    for (const one of volumes) {
      const store = await withStore(name, one);
      const copies = one.copies.map((part) => ({
        ...part,
        since: part.since ?? undefined,
        open: () => piecesOf(part, counted(`fills ${one.target} (${one.volume})`)),
      }));
      await store.make(one.id, copies, run.signal);
      for (const part of one.copies)
        if ((await stampOf(pathOf(part))) !== run.data?.stamps[pathOf(part)])
          throw exportError('VM_EXPORT_UNFIT', {
            path: part.directory,
            node,
            reason: `${part.file} was changed while it was imported`,
          });
    }
    await giveDisks(runtime, run, volumes, input, (one) => withStore(name, one));
    return { vm: name };
  }

  async function takeBack(run: Pick<TaskRun, 'spec' | 'phase'>): Promise<void> {
    const { name, volumes } = importInput.parse(run.spec.input);
    const doc = await guestOf(run);
    // What has its disks is imported, and they are no plan any more.
    if (doc !== undefined && hasDisks(doc, volumes)) return;
    await takeBackGuest(runtime, run, doc, volumes, (one) => withStore(name, one));
  }

  return defineTask<Checked>({
    action: 'vm.import',
    summary: 'makes a guest of exports that lie on the node',
    ...orTakenBack(importGuest, takeBack),
  });
}
