/** Makes a disk of a node an OSD. Cut off at any moment, it goes on where it was; given up, it leaves nothing. @module */
import {
  type AnyTaskDefinition,
  defineTask,
  isStoreAway,
  names,
  type Runtime,
  type TaskRun,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';
import { patiently } from '../command/patient.ts';
import { place } from './crush.ts';
import type { OsdDaemons } from './osd-daemons.ts';
import { ownEntry, purge, untilDown } from './osd-end.ts';
import { type Backing, backing, deviceClass, osd, osdError } from './osd-kind.ts';
import { osdMap } from './osd-map.ts';
import { makeFile, makeOsd, readLabel, wipe } from './plain-osd.ts';

export const addInput = z.strictObject({
  node: names.nodeName,
  uuid: names.uuid,
  backing,
  /** Of a file. */
  sizeBytes: z.int().optional(),
  class: deviceClass.optional(),
  weight: z.number().optional(),
});
type AddInput = z.infer<typeof addInput>;
/** What a task knows once Ceph has given a number. */
type Made = { readonly id: number };

const upMs = 120_000;

export function addOsdTask(runtime: Runtime, ceph: CephCommand, daemons: OsdDaemons): AnyTaskDefinition {
  const { documents, host } = runtime;

  /** @throws PvcError OSD_DEVICE: it is somebody's already */
  async function refuseTaken({ node, uuid, backing: device }: AddInput): Promise<void> {
    const refuse = (reason: string): Error => osdError('OSD_DEVICE', { device: device.path, node, reason });
    const stat = await host.files.stat(device.path);
    if (device.type === 'file') {
      if (stat !== undefined) throw refuse('there is a file of that name');
      return;
    }
    if (stat === undefined) throw refuse('there is no such device');
    if (stat.kind !== 'device') throw refuse('it is no device');
    const label = await readLabel(ceph, device.path);
    if (label !== undefined && label.uuid !== uuid) throw refuse(`it holds the OSD ${label.uuid} already`);
  }

  async function discard(id: number | undefined, device: Backing, uuid: string): Promise<void> {
    if (id === undefined) {
      if (device.type === 'file') await host.files.remove(device.path);
      return;
    }
    const own = { id, uuid };
    const doc = await documents.get(osd, String(id));
    // The number is given back last: once Ceph has no such OSD, the number and its directory may be another's.
    if ((await ownEntry(ceph, own)) === undefined && doc?.spec.uuid !== uuid) return;
    if (doc?.spec.uuid === uuid) await runtime.write([{ do: 'remove', kind: osd, before: doc }]);
    await daemons.end(String(id));
    await untilDown(host, ceph, own);
    await wipe(host, ceph, { ...own, backing: device });
    await purge(ceph, own, runtime.node);
  }

  return defineTask<Made>({
    action: 'osd.add',
    summary: 'makes a disk an OSD',
    async run(run) {
      try {
        return await patiently(host, run, () => add(run));
      } catch (error) {
        // A task that was cut off goes on later; one that failed has changed nothing.
        if (!run.signal.aborted && !isStoreAway(error)) await undo(run);
        throw error;
      }
    },
    abandoned: undo,
  });

  async function undo(run: Pick<TaskRun<Made>, 'spec' | 'data' | 'phase'>): Promise<void> {
    // Nothing has been touched yet, and what is there is somebody else's.
    if (run.phase === '') return;
    const { backing: device, uuid } = addInput.parse(run.spec.input);
    // It may have been cut off after Ceph gave the number and before that was written down.
    const id = run.data?.id ?? (await osdMap(ceph)).osds.find((one) => one.uuid === uuid)?.id;
    await discard(id, device, uuid);
  }

  async function add(run: TaskRun<Made>): Promise<unknown> {
    const input = addInput.parse(run.spec.input);
    const { uuid, node, backing: device } = input;
    // Once this phase is written down the device is ours, and what is on it our own.
    if (run.phase === '') await refuseTaken(input);
    await run.advance('number', {
      message: 'asks Ceph for a number',
      progress: 0.05,
      ...(run.data === undefined ? {} : { data: run.data }),
    });
    // The same UUID gives the same number, however often it is asked.
    const id = Number((await ceph.ceph('a number for the OSD', ['osd', 'new', uuid])).trim());
    if (!Number.isInteger(id)) throw cephError('CEPH_STRANGE', { what: 'ceph osd new', reason: 'it gave no number' });
    await untilFree(id, input, run.signal);
    await run.advance('make', { message: `makes osd.${id}`, progress: 0.2, data: { id } });
    if (device.type === 'file') await makeFile(host, ceph, device.path, input.sizeBytes ?? 0);
    await makeOsd(host, ceph, { id, uuid, backing: device });
    await run.advance('serve', { message: `starts osd.${id}`, progress: 0.6, data: { id } });
    if ((await documents.get(osd, String(id))) === undefined)
      await runtime.write([
        { do: 'create', kind: osd, id: String(id), spec: { node, uuid, backing: device, serve: true } },
      ]);
    runtime.touch('osd', String(id));
    await untilUp(id, node, run.signal);
    await place(ceph, id, input);
    return { osd: id, node };
  }

  /** The disk that had the number before may still be on its way out. */
  async function untilFree(id: number, { uuid, node }: AddInput, signal: AbortSignal): Promise<void> {
    const until = host.clock.monotonicMs() + upMs;
    for (;;) {
      const doc = await documents.get(osd, String(id));
      if (doc === undefined || doc.spec.uuid === uuid) return;
      if (host.clock.monotonicMs() > until)
        throw osdError('OSD_NOT_UP', {
          osd: id,
          node,
          reason: `another disk of that number, on ${doc.spec.node}, has not gone`,
        });
      await host.clock.sleep(500, signal);
    }
  }

  async function untilUp(id: number, node: string, signal: AbortSignal): Promise<void> {
    const until = host.clock.monotonicMs() + upMs;
    for (;;) {
      const entry = (await osdMap(ceph)).osds.find((one) => one.id === id);
      if (entry?.up === true && entry.in) return;
      if (host.clock.monotonicMs() > until)
        throw osdError('OSD_NOT_UP', {
          osd: id,
          node,
          reason: entry?.up === true ? 'it is out' : 'Ceph does not see it',
        });
      await host.clock.sleep(500, signal);
    }
  }
}
