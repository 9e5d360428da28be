import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { PvcError, type Runtime, type TaskRun } from '../../../core/plugin/api.ts';
import { Documents, type Write } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import { type TaskStatus, task as taskKind } from '../../../core/task/task-kind.ts';
import type { DeviceRow } from '../device/device-row.ts';
import { deviceError } from '../device/errors.ts';
import { osd, osdError } from './osd-kind.ts';
import { takeResult, takeTask } from './take.ts';

const uuid = '5c0e3f6e-2e1d-4f7a-9d39-0123456789ab';

function disk(path: string, parts: Partial<DeviceRow> = {}): DeviceRow {
  return {
    ...{ node: 'hv4', path, type: 'disk', sizeBytes: 2 ** 35, vendor: null, model: 'SSD', serial: `S-${path.at(-1)}` },
    ...{ wwn: null, rotational: false, transport: null, usable: true, reasons: [], osds: [], group: null },
    ...parts,
  };
}
const mounted = disk('/dev/sda', { usable: false, reasons: ['it has a partition table (gpt)', 'it is mounted on /'] });

/** A node with these disks. @param how what becomes of a disk that is made an OSD: an error, or nothing at all */
async function scene(disks: readonly DeviceRow[], how: Readonly<Record<string, Error | 'nothing'>> = {}) {
  const host = createVirtualHost();
  const documents = new Documents(new MemoryCluster({ clock: host.clock }).open('hv4'));
  documents.shapes.agree({ osd: osd.version });
  const rows = [...disks];
  const begun: string[] = [];
  const write = async (...writes: Write[]): Promise<void> => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  };
  const becomesOsd = async (path: string): Promise<void> => {
    const at = rows.findIndex((one) => one.path === path);
    const id = at + 1;
    const spec = { node: 'hv4', uuid: uuid.replace(/.$/, String(id)), backing: { type: 'lvm', path }, serve: true };
    await write({ do: 'create', kind: osd, id: String(id), spec });
    const lying = { usable: false, osds: [id], reasons: [`the data of osd.${id} lie on it`] };
    rows[at] = { ...(rows[at] ?? disk(path)), ...lying };
  };
  const addTask = async (path: string, status: Partial<TaskStatus>): Promise<string> => {
    const id = `task0000000${begun.length}`;
    const spec = {
      ...{ action: 'osd.add', target: { kind: 'device', id: `hv4${path}`, label: path }, node: 'hv4', input: null },
      ...{ requestedBy: 'pvc', createdMs: 0, timeoutMs: 1, cancel: false },
    };
    const plain = { state: 'running', phase: '', progress: 0, message: '', data: null, attempts: 1 } as const;
    await write({ do: 'create', kind: taskKind, id, spec, status: { ...plain, ...status } });
    return id;
  };
  const runtime = {
    ...{ documents, host, node: 'hv4' },
    async ask(operation: string, { device }: { device?: string }) {
      if (operation === 'device.list') return rows;
      const found = rows.find(({ path }) => device === `/dev/disk/by-id/${path.at(-1)}`);
      if (found === undefined) throw deviceError('DEVICE_NOT_FOUND', { device: device ?? '' });
      return found;
    },
    async perform(operation: string, { device }: { device: string }) {
      begun.push(`${operation} ${device}`);
      const outcome = how[device];
      if (outcome instanceof PvcError && outcome.code === 'OSD_DEVICE') throw outcome;
      if (outcome === undefined) await becomesOsd(device);
      const error =
        outcome instanceof PvcError ? { code: outcome.code, message: outcome.message, hint: '' } : undefined;
      const status = error === undefined ? ({ state: 'succeeded' } as const) : ({ state: 'failed', error } as const);
      return { tasks: [await addTask(device, status)] };
    },
  } as unknown as Runtime;
  return {
    ...{ begun, addTask, becomesOsd, documents, host },
    take: async (...take: string[]) => {
      const run = { signal: new AbortController().signal, progress: () => undefined, spec: { input: { take } } };
      const { outcomes } = takeResult.parse(await takeTask(runtime).run(run as unknown as TaskRun));
      return outcomes.map(({ disk: label, state, text }) => `${label.split(' ')[0]} ${state}: ${text}`);
    },
  };
}

describe('disks of a node that become OSDs', () => {
  const left = '/dev/sda left: it has a partition table (gpt); it is mounted on /';

  it('are all that are blank, one after the other', async () => {
    const { take, begun } = await scene([
      mounted,
      disk('/dev/sdb'),
      disk('/dev/sdc'),
      disk('/dev/loop0', { type: 'loop' }),
    ]);
    assert.deepEqual(await take('all'), [left, '/dev/sdb done: osd.2', '/dev/sdc done: osd.3']);
    assert.deepEqual(begun, ['osd.add /dev/sdb', 'osd.add /dev/sdc']);
    assert.deepEqual(await take('all'), [left, '/dev/sdb done: osd.2', '/dev/sdc done: osd.3']);
    assert.equal(begun.length, 2, 'and once more changes nothing');
  });

  it('are not those with an OSD that is not the node’s', async () => {
    const foreign = disk('/dev/sdb', { usable: false, osds: [3], reasons: ['the data of osd.3 lie on it'] });
    const { take, begun } = await scene([foreign]);
    assert.deepEqual(await take('all'), ['/dev/sdb left: the data of osd.3 lie on it']);
    assert.deepEqual(begun, []);
  });

  it('are named by path, serial number, WWN, or as the node finds them', async () => {
    const { take, begun } = await scene([mounted, disk('/dev/sdb', { wwn: 'wwn-b' }), disk('/dev/sdc')]);
    assert.deepEqual(await take('/dev/sdb', 'S-b', 'wwn-b', '/dev/disk/by-id/b'), ['/dev/sdb done: osd.2']);
    assert.deepEqual(begun, ['osd.add /dev/sdb']);
  });

  it('that are named and not blank, or not there, are refused; the others are taken all the same', async () => {
    const taken = disk('/dev/sdb', { usable: false, reasons: ['it is not blank (ext4)'] });
    const { take, begun } = await scene([mounted, taken, disk('/dev/sdc')]);
    assert.deepEqual(await take('S-a', '/dev/sdb', 'S-x', 'S-c'), [
      '/dev/sda refused: it has a partition table (gpt); it is mounted on /',
      '/dev/sdb refused: it is not blank (ext4)',
      '/dev/sdc done: osd.3',
      'S-x refused: The node has no device S-x.',
    ]);
    assert.deepEqual(begun, ['osd.add /dev/sdc']);
  });

  it('that fail keep nobody from the others, and are tried once', async () => {
    const failure = osdError('OSD_NOT_UP', { osd: 3, node: 'hv4', reason: 'Ceph does\nnot see it' });
    const refusal = osdError('OSD_DEVICE', { device: '/dev/sdc', node: 'hv4', reason: 'it is not blank (xfs)' });
    const { take, begun } = await scene([disk('/dev/sdb'), disk('/dev/sdc'), disk('/dev/sdd'), disk('/dev/sde')], {
      ...{ '/dev/sdb': failure, '/dev/sdc': refusal, '/dev/sdd': 'nothing' },
    });
    assert.deepEqual(await take('all'), [
      '/dev/sdb failed: The disk osd.3 on hv4 has not come up: Ceph does not see it',
      '/dev/sdc failed: /dev/sdc of hv4 cannot become a disk of the storage: it is not blank (xfs).',
      '/dev/sdd failed: it was made an OSD, and is blank again',
      '/dev/sde done: osd.4',
    ]);
    assert.equal(begun.length, 4);
  });

  it('go on where an earlier life of the daemon was', async () => {
    const { take, begun, addTask, becomesOsd, documents, host } = await scene([disk('/dev/sdb')]);
    const id = await addTask('/dev/sdb', {});
    const taking = take('all');
    await host.clock.advance(2_000);
    const before = await documents.need(taskKind, id);
    assert.deepEqual(begun, [], 'it waits for the task that there is');
    await becomesOsd('/dev/sdb');
    const status = { ...before.status, state: 'succeeded' } as TaskStatus;
    const { ops, topics } = documents.commitOf([{ do: 'status', kind: taskKind, before, status }]);
    await documents.store.commit(ops, topics);
    await host.clock.advance(2_000);
    assert.deepEqual(await taking, ['/dev/sdb done: osd.1']);
    assert.deepEqual(begun, []);
  });
});
