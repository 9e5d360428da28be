/**
 * Gives the number of an OSD to a new disk of the same node: so its place and weight in CRUSH stay, and only its own data
 * moves. Cut off at any moment it goes on where it was. Given up before the old disk is emptied, everything is put back;
 * afterwards the number is kept for the next try.
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
import { place } from './crush.ts';
import { type Before, Leave, type Leaving } from './leave.ts';
import { backingOf, giveBack, makeOne, makeWish, unmake } from './make-osd.ts';
import type { OsdDaemons } from './osd-daemons.ts';
import { ownEntry } from './osd-end.ts';
import { backing, osd, osdError } from './osd-kind.ts';
import { osdFigures } from './osd-map.ts';
import { untilUp } from './osd-start.ts';
import { refuseTaken } from './taken.ts';
import { dropDirectory } from './wipe.ts';

export const replaceInput = z.strictObject({
  node: names.nodeName,
  /** The OSD as it was. */
  old: z.strictObject({ uuid: names.uuid, backing }),
  /** What takes its place; one OSD. */
  wish: makeWish,
  force: z.boolean(),
});
type ReplaceInput = z.infer<typeof replaceInput>;

/** Bytes of a TiB in units of `ceph osd df`'s figures: CRUSH weights are TiB. */
const tib = 1024 ** 4;
/** Phases in which the old disk is as it was. */
const early = new Set(['move', 'stop']);

export function replaceOsdTask(runtime: Runtime, ceph: CephCommand, daemons: OsdDaemons): AnyTaskDefinition {
  const { documents, host } = runtime;
  const leave = new Leave(runtime, ceph, daemons);

  const subject = (run: Pick<TaskRun, 'spec'>): { input: ReplaceInput; uuid: string; old: Leaving } => {
    const input = replaceInput.parse(run.spec.input);
    const { old, wish, force } = input;
    const id = Number(run.spec.target.id);
    return { input, uuid: wish.uuids[0] ?? '', old: { id, ...old, force, there: true } };
  };

  async function undo(run: Pick<TaskRun<Before>, 'spec' | 'phase' | 'data'>): Promise<void> {
    if (run.phase === '') return;
    const { input, uuid, old } = subject(run);
    if (early.has(run.phase)) return leave.stay(old, run.data);
    await leave.setServe({ ...old, uuid }, false);
    await daemons.end(String(old.id));
    await unmake(host, ceph, input.wish);
    await dropDirectory(host, ceph, old.id);
    await giveBack(ceph, uuid, true);
  }

  /** From here on the number belongs to the new disk. */
  async function rename({ input, uuid, old }: ReturnType<typeof subject>, serve: boolean): Promise<void> {
    const doc = await documents.get(osd, String(old.id));
    if (doc === undefined || (doc.spec.uuid !== old.uuid && doc.spec.uuid !== uuid))
      throw osdError('OSD_NOT_FOUND', { osd: old.id });
    const spec = { ...doc.spec, uuid, backing: backingOf(input.wish, uuid), serve };
    await runtime.write([{ do: 'spec', kind: osd, before: doc, spec }]);
    runtime.touch('osd', doc.id);
  }

  async function replace(run: TaskRun<Before>): Promise<unknown> {
    const about = subject(run);
    const { input, uuid, old } = about;
    const { id } = old;
    const { path } = input.wish.backing;
    if (run.phase === '') await refuseTaken(host, ceph, { ...input.wish, node: input.node });
    await leave.away(run, old, { moved: 0.6, ended: 0.65 });
    if (run.phase === 'empty') {
      await leave.empty(old, run.log);
      if ((await ownEntry(ceph, old))?.destroyed === false)
        await ceph.ceph(`osd.${id}`, ['osd', 'destroy', String(id), '--yes-i-really-mean-it']);
      await rename(about, false);
      await run.advance('make', { message: `makes ${path} osd.${id}`, progress: 0.7 });
    }
    if (run.phase === 'make') {
      await makeOne(host, ceph, input.wish, uuid, id);
      await run.advance('serve', { message: `starts osd.${id}`, progress: 0.85 });
    }
    await rename(about, true);
    await ceph.ceph(`osd.${id}`, ['osd', 'in', String(id)]);
    await untilUp(host, ceph, { id, node: input.node }, run.signal);
    const bytes = (await osdFigures(ceph)).find((one) => one.id === id)?.totalBytes ?? 0;
    // The weight is still that of the old disk.
    await place(ceph, id, { class: input.wish.class, ...(bytes === 0 ? {} : { weight: bytes / tib }) });
    return { osd: id, node: input.node };
  }

  return defineTask<Before>({
    action: 'osd.replace',
    summary: 'gives the place of a disk to another',
    ...orTakenBack((run) => patiently(host, run, () => replace(run)), undo),
  });
}
