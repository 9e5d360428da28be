/**
 * Makes a guest of an OVF package that lies on this node. The guest stands without its disks until they are whole, and gets them
 * in one commit with the state that it shall have; what fails before leaves nothing. May be begun again at any moment.
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
import { needPlainFile } from './folder.ts';
import { type OvaInput, ovaInput } from './import-input.ts';
import { ovaError } from './ova-errors.ts';

type Volume = OvaInput['volumes'][number];
type Run = Pick<TaskRun, 'spec' | 'phase'>;

/** How much of the time the check of all files takes. */
const checkShare = 0.3;

export function ovaTask(runtime: Runtime, hook: VolumeStoreHook): AnyTaskDefinition {
  const { documents, host } = runtime;

  const guestOf = ({ spec }: Run): Promise<VmDoc | undefined> => documents.get(vm, spec.target.id);

  /** @throws PvcError OVA_UNFIT when its storage is gone */
  const withStore = ({ directory }: OvaInput, { volume }: { readonly volume: string }): Promise<VolumeStore> =>
    needStore(hook, { volume }, (pool) =>
      ovaError('OVA_UNFIT', { path: directory, reason: `there is no pool ${pool} any more` }),
    );

  /** Reads the file from end to end. @throws PvcError OVA_UNFIT */
  async function check({ directory }: OvaInput, { file, sum }: Volume, signal: AbortSignal): Promise<void> {
    const wrong = (reason: string) => ovaError('OVA_UNFIT', { path: directory, reason });
    await needPlainFile(host, directory, file);
    if (sum === null) return;
    const source = await host.files.openRead(`${directory}/${file}`);
    if (source === undefined) throw wrong(`its file ${file} is missing`);
    const hash = createHash(sum.algorithm);
    try {
      for await (const piece of source.body) {
        signal.throwIfAborted();
        hash.update(piece);
      }
    } finally {
      await source.close();
    }
    const found = hash.digest('hex');
    if (found !== sum.sum)
      throw wrong(`the checksum of ${file} is ${found}, and should be ${sum.sum}: it is damaged or was cut off`);
  }

  async function create(run: TaskRun): Promise<unknown> {
    const input = ovaInput.parse(run.spec.input);
    const { name, directory, volumes } = input;
    const doc = await guestOf(run);
    if (doc === undefined) throw ovaError('OVA_UNDONE', { vm: name });
    if (hasDisks(doc, volumes)) return { vm: name };
    const again = run.phase !== '';
    if (!again) {
      for (const [at, one] of volumes.entries()) {
        run.progress((checkShare * at) / volumes.length, `checks ${one.file}`);
        await check(input, one, run.signal);
      }
      for (const one of volumes) await (await withStore(input, one)).needFree(one.id);
      await run.advance('fill', { message: 'fills the disks' });
    }
    for (const [at, one] of volumes.entries()) {
      run.progress(checkShare + ((1 - checkShare) * at) / volumes.length, `fills ${one.volume} from ${one.file}`);
      const origin = { from: 'file', path: `${directory}/${one.file}` } as const;
      await (await withStore(input, one)).makeFrom(one.id, origin, { again, signal: run.signal });
    }
    await giveDisks(runtime, run, volumes, input, (one) => withStore(input, one));
    return { vm: name };
  }

  async function takeBack(run: Run): Promise<void> {
    const input = ovaInput.parse(run.spec.input);
    const doc = await guestOf(run);
    // What has its disks is imported, and they are no plan any more.
    if (doc !== undefined && hasDisks(doc, input.volumes)) return;
    await takeBackGuest(runtime, run, doc, input.volumes, (one) => withStore(input, one));
  }

  return defineTask({
    action: 'vm.import-ovf',
    summary: 'makes a guest of an OVF package that lies on the node',
    ...orTakenBack(create, takeBack),
  });
}
