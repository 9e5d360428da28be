/**
 * Takes a disk out of the storage: its data moves away, its daemon ends, the disk is emptied, Ceph and PVC forget it. Cut
 * off at any moment it goes on where it was; cancelled before the disk is emptied, it puts everything back.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineTask,
  names,
  orTakenBack,
  type Runtime,
  type TaskRun,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { type Before, Leave, type Leaving } from './leave.ts';
import type { OsdDaemons } from './osd-daemons.ts';
import { purge } from './osd-end.ts';
import { backing, osd } from './osd-kind.ts';

export const removeInput = z.strictObject({
  uuid: names.uuid,
  node: names.nodeName,
  backing,
  force: z.boolean(),
  there: z.boolean(),
});

/** Phases after which nothing can be put back. */
const final = new Set(['empty', 'forget']);

export function removeOsdTask(runtime: Runtime, ceph: CephCommand, daemons: OsdDaemons): AnyTaskDefinition {
  const { documents, host } = runtime;
  const leave = new Leave(runtime, ceph, daemons);

  const subject = (run: Pick<TaskRun, 'spec'>): Leaving & { node: string } => ({
    id: Number(run.spec.target.id),
    ...removeInput.parse(run.spec.input),
  });

  async function undo(run: Pick<TaskRun<Before>, 'spec' | 'phase' | 'data'>): Promise<void> {
    if (run.phase !== '' && !final.has(run.phase)) await leave.stay(subject(run), run.data);
  }

  async function forget({ id, uuid, there }: Leaving): Promise<void> {
    const doc = await documents.get(osd, String(id));
    if (doc?.spec.uuid === uuid) await runtime.write([{ do: 'remove', kind: osd, before: doc }], { asPrimary: !there });
  }

  async function remove(run: TaskRun<Before>): Promise<unknown> {
    const own = subject(run);
    const { id, node } = own;
    await leave.away(run, own, { moved: 0.7, ended: 0.8 });
    // Its number is given back last: the next OSD that gets it may have a directory of the same name on this node.
    const notEmptied = run.phase === 'empty' ? await leave.empty(own, run.log) : undefined;
    await run.advance('forget', { message: `takes osd.${id} out of Ceph`, progress: 0.9 });
    await purge(ceph, own, node);
    await forget(own);
    return { osd: id, node, ...(notEmptied === undefined ? {} : { notEmptied }) };
  }

  return defineTask<Before>({
    action: 'osd.remove',
    summary: 'takes a disk out of the storage',
    ...orTakenBack((run) => patiently(host, run, () => remove(run)), undo),
  });
}
