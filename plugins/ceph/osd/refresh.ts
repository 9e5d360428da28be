/**
 * OSDs that lie on a node's disks, and that PVC does not know there: after the node was installed anew on another store,
 * or when disks were carried from one server to another. They are adopted and started.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineMutation,
  defineTask,
  names,
  type Runtime,
  type TaskRun,
  z,
} from '../../../core/plugin/api.ts';
import { cephId, ceph as cephKind } from '../cluster/ceph-kind.ts';
import { needStorage } from '../cluster/need-storage.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { storedOsds } from '../device/look.ts';
import type { StoredOsd } from '../device/volume-list.ts';
import { needRunning } from './need-running.ts';
import type { OsdDaemons } from './osd-daemons.ts';
import { type Backing, osd, osdError, osdNumber } from './osd-kind.ts';
import { type OsdMapEntry, osdMap } from './osd-map.ts';
import { untilUp } from './osd-start.ts';

const refreshTimeoutMs = 900_000;
const refreshInput = z.strictObject({ osd: osdNumber.optional() });

/** Why what lies there is not taken up; undefined: it is. Pure. */
export function whyForeign(
  stored: StoredOsd,
  fsid: string,
  map: readonly Pick<OsdMapEntry, 'id' | 'uuid'>[],
): string | undefined {
  if (stored.clusterFsid !== fsid) return `it belongs to another Ceph cluster (${stored.clusterFsid})`;
  const entry = map.find((one) => String(one.id) === stored.id);
  if (entry === undefined) return 'Ceph has removed it';
  return entry.uuid === stored.fsid ? undefined : 'Ceph has given its number to another disk';
}

/** What the document of a found OSD says. Pure. */
export function backingFound({ kind, data, db }: StoredOsd): Backing {
  const path = data.disks[0] ?? data.path;
  if (kind === 'raw') return { type: 'raw', path: data.path };
  return { type: 'lvm', path, ...(db === undefined ? {} : { db: db.path.replace(/^\/dev\//, '') }) };
}

export function refreshTask(runtime: Runtime, ceph: CephCommand, daemons: OsdDaemons): AnyTaskDefinition {
  const { documents, host, node } = runtime;

  async function adopt(stored: StoredOsd, run: TaskRun): Promise<void> {
    const { id, fsid: uuid } = stored;
    const doc = await documents.get(osd, id);
    const spec = { node, uuid, backing: backingFound(stored), serve: true };
    if (doc === undefined) await runtime.write([{ do: 'create', kind: osd, id, spec }]);
    else if (doc.spec.uuid !== uuid || doc.spec.node !== node || !doc.spec.serve)
      await runtime.write([{ do: 'spec', kind: osd, before: doc, spec }]);
    // By itself rather than by the controller: an error is to be the task's.
    await daemons.serve(id);
    runtime.touch('osd', id);
    await untilUp(host, ceph, { id: Number(id), node }, run.signal);
  }

  async function refresh(run: TaskRun): Promise<unknown> {
    const { osd: only } = refreshInput.parse(run.spec.input);
    const { fsid } = (await documents.need(cephKind, cephId)).spec;
    const found = (await storedOsds(ceph)).filter(({ id }) => only === undefined || id === only);
    if (only !== undefined && found.length === 0) throw osdError('OSD_DISK_GONE', { osd: only, device: node });
    const map = (await osdMap(ceph)).osds;
    const [adopted, left]: [number[], { osd: number; reason: string }[]] = [[], []];
    for (const [done, stored] of found.entries()) {
      const reason = whyForeign(stored, fsid, map);
      if (reason !== undefined) {
        left.push({ osd: Number(stored.id), reason });
        continue;
      }
      run.progress(done / found.length, `starts osd.${stored.id}`);
      await adopt(stored, run);
      adopted.push(Number(stored.id));
    }
    return { node, adopted, left };
  }

  return defineTask({
    action: 'osd.refresh',
    summary: 'takes up the OSDs that lie on the disks of a node',
    run: (run) => patiently(host, run, () => refresh(run)),
  });
}

export const refreshOperation = defineMutation({
  name: 'osd.refresh',
  summary: 'Find the OSDs that lie on the disks of a node, take them up and start them',
  description:
    'For a server that was installed anew, or that got disks from another. Nothing is written to any disk; those of other Ceph clusters are left alone.',
  http: { method: 'POST', path: '/storage/osds/refresh' },
  cli: {
    command: 'storage osd refresh',
    arguments: [
      { field: 'node', complete: 'node' },
      { field: 'osd', complete: 'osd' },
    ],
    waits: true,
    examples: ['pvc storage osd refresh hv1', 'pvc storage osd refresh hv1 3'],
  },
  role: 'admin',
  input: z.strictObject({
    node: names.nodeName.describe('the node that has the disks'),
    osd: osdNumber.optional().describe('only this one'),
  }),
  output: z.object({ node: z.string() }),
  async plan(plan, { view }, { node, osd: id }) {
    await needStorage(view);
    await needRunning(view, node);
    plan.task({
      action: 'osd.refresh',
      target: { kind: 'osd-node', id: node, label: node },
      node,
      input: id === undefined ? {} : { osd: id },
      timeoutMs: refreshTimeoutMs,
    });
    plan.act(`take up ${id === undefined ? 'every OSD of this cluster' : `osd.${id}`} on the disks of ${node}`);
    return { node };
  },
});
