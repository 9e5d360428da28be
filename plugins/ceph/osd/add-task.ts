/** Makes OSDs of a disk of a node. Cut off at any moment, it goes on where it was; given up, it leaves nothing. @module */
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
import { backingOf, makeOne, makeWish, unmake } from './make-osd.ts';
import type { OsdDaemons } from './osd-daemons.ts';
import { purge, untilDown } from './osd-end.ts';
import { osd } from './osd-kind.ts';
import { osdMap } from './osd-map.ts';
import { untilFree, untilUp } from './osd-start.ts';
import { refuseTaken } from './taken.ts';
import { dropDirectory } from './wipe.ts';

export const addInput = makeWish.extend({ node: names.nodeName, weight: z.number().optional() });
type AddInput = z.infer<typeof addInput>;

export function addOsdTask(runtime: Runtime, ceph: CephCommand, daemons: OsdDaemons): AnyTaskDefinition {
  const { documents, host } = runtime;

  async function undo(run: Pick<TaskRun, 'spec' | 'phase'>): Promise<void> {
    // Nothing has been touched yet, and what is there is somebody else's.
    if (run.phase === '') return;
    const input = addInput.parse(run.spec.input);
    const made = (await osdMap(ceph)).osds.filter(({ uuid }) => input.uuids.includes(uuid));
    for (const own of made) {
      const doc = await documents.get(osd, String(own.id));
      if (doc?.spec.uuid === own.uuid) await runtime.write([{ do: 'remove', kind: osd, before: doc }]);
      await daemons.end(String(own.id));
      await untilDown(host, ceph, own);
    }
    await unmake(host, ceph, input);
    // Numbers are given back last: from then on they, and directories called after them, may be another's.
    for (const own of made) {
      await dropDirectory(host, ceph, own.id);
      await purge(ceph, own, runtime.node);
    }
  }

  async function serve(id: number, uuid: string, input: AddInput, run: TaskRun): Promise<void> {
    const { node } = input;
    await untilFree(runtime, { id, uuid, node }, run.signal);
    if ((await documents.get(osd, String(id))) === undefined)
      await runtime.write([
        { do: 'create', kind: osd, id: String(id), spec: { node, uuid, backing: backingOf(input, uuid), serve: true } },
      ]);
    runtime.touch('osd', String(id));
    await untilUp(host, ceph, { id, node }, run.signal);
    await place(ceph, id, input);
  }

  async function add(run: TaskRun): Promise<unknown> {
    const input = addInput.parse(run.spec.input);
    const { node, uuids, backing } = input;
    if (run.phase === '') {
      await refuseTaken(host, ceph, input);
      // Once this is written down the device is ours, and what is on it our own.
      await run.advance('make', { message: `makes ${backing.path} part of the storage`, progress: 0.05 });
    }
    const ids: number[] = [];
    for (const [done, uuid] of uuids.entries()) {
      run.progress(0.05 + (0.5 * done) / uuids.length, `makes an OSD of ${backing.path}`);
      ids.push(await makeOne(host, ceph, input, uuid));
    }
    await run.advance('serve', { message: `starts ${ids.map((id) => `osd.${id}`).join(', ')}`, progress: 0.6 });
    for (const [at, id] of ids.entries()) await serve(id, uuids[at] ?? '', input, run);
    return { osds: ids, node };
  }

  return defineTask({
    action: 'osd.add',
    summary: 'makes a disk an OSD, or several',
    ...orTakenBack((run) => patiently(host, run, () => add(run)), undo),
  });
}
