import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recording } from '../../../test/fixtures/recording.ts';
import { parseLvmList } from '../device/volume-list.ts';
import { recordedDisk } from '../testing/recorded-lvm.ts';
import { RecordedNode } from '../testing/recorded-node.ts';
import { addOsdTask } from './add-task.ts';
import { removeOsdTask } from './remove-task.ts';

const recorded = (name: string) => recording(`ceph-volume/bookworm/${name}`);
const uuid = (digit: number): string => `0b8f3c1e-3f4e-4c59-9d0f-6d1f4f1f0a0${digit}`;

/** The group has another name in the recordings, and disks another path after each boot. */
const normal = (argv: readonly string[]): string =>
  argv
    .join(' ')
    .replaceAll(/ceph-[0-9a-f]{8}-[0-9a-f-]{27}/g, 'GROUP')
    .replaceAll(/\/dev\/(?:nvme|sd|vd)\w+/g, 'DISK');

/** What the node runs of what changes disks. */
const changes = (node: RecordedNode): string[] =>
  node.host.processes.calls
    .map(({ argv }) => argv)
    .filter(
      ([command, , verb]) => /^(?:vg|lv|pv)[a-z]{2,}e$/.test(command) || (command === 'ceph-volume' && verb !== 'list'),
    )
    .map(normal);

describe('a disk that is divided', () => {
  const node = new RecordedNode();
  const backing = { type: 'lvm', ...recordedDisk('NVME0001') };
  const input = { node: 'hv1', uuids: [uuid(1), uuid(2)], backing, class: 'nvme' };

  it('is so by the commands that were recorded of the real programs', async () => {
    assert.ok(await node.live(addOsdTask, 'device', input));
    assert.deepEqual(changes(node).slice(0, 4), [
      ...['division-vgcreate', 'division-lvcreate', 'division-lvcreate-last', 'division-prepare'].map((name) =>
        normal(recorded(name).argv),
      ),
    ]);
    assert.match(changes(node).join('\n'), /^ceph-volume lvm activate --bluestore --no-systemd 0 /m);
  });

  it('gives one part back and keeps the other', async () => {
    const before = changes(node).length;
    node.phase = '';
    const removal = { uuid: uuid(1), node: 'hv1', backing, force: false, there: true };
    assert.ok(await node.live(removeOsdTask, '0', removal));
    assert.deepEqual(changes(node).slice(before), [normal(recorded('division-zap').argv)]);
    assert.equal(node.ceph.lvm.state.length, 2);
  });
});

it('the volumes of a divided disk are its OSDs, each with its own', () => {
  const osds = parseLvmList(recorded('division-list').stdout);
  const disk = osds[0]?.data.disks;
  assert.deepEqual(
    osds.map(({ fsid, data, deviceClass }) => [fsid, data.disks, deviceClass]),
    [uuid(1), uuid(2)].map((fsid) => [fsid, disk, 'nvme']),
  );
  assert.deepEqual(parseLvmList(recorded('division-list-blank').stdout), []);
  assert.deepEqual(parseLvmList(recorded('division-list-zapped').stdout), []);
});

it('a database outlives the zap of its data alone, and is no OSD by itself', () => {
  const [whole] = parseLvmList(recorded('division-list-with-db').stdout);
  assert.equal(whole?.db?.path, `/dev/osd-db/osd-db-${uuid(3)}`);
  assert.deepEqual(parseLvmList(recorded('division-list-only-db').stdout), []);
});
