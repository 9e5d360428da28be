/**
 * Takes a disk out of the storage: its data moves away, its daemon ends, the disk is emptied, Ceph and PVC forget it. Cut
 * off at any moment it goes on where it was; cancelled before the disk is emptied, it puts everything back.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineTask,
  errorText,
  isStoreAway,
  names,
  type Runtime,
  type TaskRun,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { dataLeft } from './data-left.ts';
import type { OsdDaemons } from './osd-daemons.ts';
import { type NumberedOsd, ownEntry, purge, untilDown } from './osd-end.ts';
import { backing, osd } from './osd-kind.ts';
import { wipe } from './wipe.ts';

export const removeInput = z.strictObject({
  uuid: names.uuid,
  node: names.nodeName,
  backing,
  /** Wait for nothing, and forget also what cannot be emptied. */
  force: z.boolean(),
  /** Carried out by the node that has the disk: else its daemon and its content are out of reach. */
  there: z.boolean(),
});
type RemoveInput = z.infer<typeof removeInput>;

/** `reweight`: how much Ceph trusted it before, to put it back. `pgs`: on it at the beginning. */
type Before = { readonly reweight: number; readonly pgs?: number };
type Run = TaskRun<Before>;

/** Phases after which nothing can be put back. */
const final = new Set(['empty', 'forget']);
const lookMs = 3_000;

export function removeOsdTask(runtime: Runtime, ceph: CephCommand, daemons: OsdDaemons): AnyTaskDefinition {
  const { documents, host } = runtime;

  const subject = (run: Pick<Run, 'spec'>): { input: RemoveInput; own: NumberedOsd } => {
    const input = removeInput.parse(run.spec.input);
    return { input, own: { id: Number(run.spec.target.id), uuid: input.uuid } };
  };

  async function setServe({ id, uuid }: NumberedOsd, { there }: RemoveInput, serve: boolean): Promise<void> {
    const doc = await documents.get(osd, String(id));
    if (doc === undefined || doc.spec.uuid !== uuid || doc.spec.serve === serve) return;
    await runtime.write([{ do: 'spec', kind: osd, before: doc, spec: { ...doc.spec, serve } }], { asPrimary: !there });
  }

  async function forget({ id, uuid }: NumberedOsd, { there }: RemoveInput): Promise<void> {
    const doc = await documents.get(osd, String(id));
    if (doc?.spec.uuid === uuid) await runtime.write([{ do: 'remove', kind: osd, before: doc }], { asPrimary: !there });
  }

  /** @throws PvcError whatever keeps it from being put back */
  async function undo(run: Pick<Run, 'spec' | 'phase' | 'data'>): Promise<void> {
    if (run.phase === '' || final.has(run.phase)) return;
    const { input, own } = subject(run);
    await setServe(own, input, true);
    const reweight = run.data?.reweight ?? 0;
    if (reweight > 0 && (await ownEntry(ceph, own)) !== undefined)
      await ceph.ceph(`osd.${own.id}`, ['osd', 'reweight', String(own.id), String(reweight)]);
  }

  async function moveAway(run: Run, own: NumberedOsd): Promise<void> {
    await ceph.ceph(`osd.${own.id}`, ['osd', 'out', String(own.id)]);
    for (;;) {
      const left = await dataLeft(ceph, own.id);
      if (left.safe) return;
      const all = Math.max(run.data?.pgs ?? 0, left.pgs);
      if (all > (run.data?.pgs ?? 0))
        await run.advance('move', { data: { reweight: run.data?.reweight ?? 0, pgs: all } });
      run.progress(all === 0 ? 0.1 : 0.1 + 0.6 * (1 - left.pgs / all), `moves its data to other disks: ${left.text}`);
      await host.clock.sleep(lookMs, run.signal);
    }
  }

  async function empty({ input, own }: ReturnType<typeof subject>, run: Run): Promise<string | undefined> {
    if (!input.there) return 'its node is away';
    try {
      await wipe(host, ceph, { ...own, backing: input.backing });
      return undefined;
    } catch (error) {
      if (!input.force) throw error;
      run.log.warn('the disk could not be emptied', { reason: errorText(error) });
      return errorText(error);
    }
  }

  async function remove(run: Run): Promise<unknown> {
    const { input, own } = subject(run);
    const { id } = own;
    if (run.phase === '') {
      const entry = await ownEntry(ceph, own);
      await run.advance(input.force ? 'stop' : 'move', {
        message: input.force ? `ends osd.${id}` : `moves the data of osd.${id} to other disks`,
        progress: 0.1,
        data: { reweight: entry?.reweight ?? 0 },
      });
    }
    if (run.phase === 'move') {
      if ((await ownEntry(ceph, own)) !== undefined) await moveAway(run, own);
      await run.advance('stop', { message: `ends osd.${id}`, progress: 0.7 });
    }
    if (run.phase === 'stop') {
      await setServe(own, input, false);
      if (input.there) await daemons.end(String(id));
      await untilDown(host, ceph, own, run.signal);
      await run.advance('empty', { message: `empties ${input.backing.path}`, progress: 0.8 });
    }
    // Its number is given back last: the next OSD that gets it may have a directory of the same name on this node.
    const notEmptied = run.phase === 'empty' ? await empty({ input, own }, run) : undefined;
    await run.advance('forget', { message: `takes osd.${id} out of Ceph`, progress: 0.9 });
    await purge(ceph, own, input.node);
    await forget(own, input);
    return { osd: id, node: input.node, ...(notEmptied === undefined ? {} : { notEmptied }) };
  }

  return defineTask<Before>({
    action: 'osd.remove',
    summary: 'takes a disk out of the storage',
    async run(run) {
      try {
        return await patiently(host, run, () => remove(run));
      } catch (error) {
        if (!run.signal.aborted && !isStoreAway(error)) await undo(run);
        throw error;
      }
    },
    abandoned: undo,
  });
}
