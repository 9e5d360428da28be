import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { recording } from '../../../test/fixtures/recording.ts';
import { parseDevices } from './devices.ts';
import {
  lvmListCommand,
  mergeOsds,
  parseLvmList,
  parseRawList,
  rawListCommand,
  type StoredOsd,
} from './volume-list.ts';

const output = (name: string): string => recording(`ceph-volume/bookworm/${name}`).stdout;
const lvm = parseLvmList(output('lvm-list'));
const raw = parseRawList(output('raw-list'));
const disks = parseDevices(output('lsblk-prepared'));
const path = (serial: string): string => disks.find((disk) => disk.serial === serial)?.path ?? serial;
const on = (serial: string, osds: readonly StoredOsd[] = lvm): readonly StoredOsd[] =>
  osds.filter(({ data }) => data.disks.includes(path(serial)));

describe('the OSDs on logical volumes', () => {
  it('are asked for as they were recorded', () => {
    assert.deepEqual(recording('ceph-volume/bookworm/lvm-list').argv, lvmListCommand);
    assert.deepEqual(recording('ceph-volume/bookworm/raw-list').argv, rawListCommand);
  });

  it('are none on a new node', () => {
    assert.deepEqual(parseLvmList(output('lvm-list-none')), []);
    assert.deepEqual(parseRawList(output('raw-list-none')), []);
  });

  it('have a number, names and a volume', () => {
    const [osd] = on('VIRTIO-BLANK');
    assert.ok(osd);
    assert.match(osd.id, /^\d+$/);
    assert.match(osd.fsid, /^[0-9a-f-]{36}$/);
    assert.equal(osd.clusterFsid, 'b7f1d2a4-6c3e-4f0b-9d58-0a1b2c3d4e5f');
    assert.match(osd.data.path, new RegExp(`^/dev/ceph-[0-9a-f-]{36}/osd-block-${osd.fsid}$`));
    assert.deepEqual(
      [osd.kind, osd.db, osd.wal, osd.deviceClass, osd.encrypted],
      ['lvm', undefined, undefined, undefined, false],
    );
  });

  it('have their database with its disk, and their class', () => {
    const [osd] = on('ZC1A0001');
    assert.deepEqual(osd?.db, { path: '/dev/osd-db/db-ZC1A0001', disks: [path('NVME0002')] });
    assert.equal(osd?.deviceClass, 'hdd');
  });

  it('may be two on a disk', () => {
    assert.equal(new Set(on('NVME0001').map(({ id }) => id)).size, 2);
    assert.deepEqual(parseLvmList(output('lvm-list-device')), on('NVME0001'));
  });

  it('are known to be encrypted, and their secret is dropped', () => {
    assert.deepEqual(
      lvm.filter(({ encrypted }) => encrypted),
      on('PERC0003'),
    );
    assert.match(output('lvm-list'), /"ceph.cephx_lockbox_secret": "AQ-a-secret-key"/);
    assert.doesNotMatch(JSON.stringify(lvm), /secret/);
  });

  it('with a database on a partition have no disk of it', () => {
    const text = output('lvm-list');
    const report = JSON.parse(text) as Record<string, { type: string; tags: Record<string, string> }[]>;
    for (const volumes of Object.values(report))
      for (const [at, volume] of volumes.entries())
        if (volume.type === 'db')
          volumes[at] = { type: 'db', tags: { PARTUUID: 'x' }, path: '/dev/osd-db/db-ZC1A0001' } as never;
    const found = parseLvmList(JSON.stringify(report)).find(({ db }) => db !== undefined);
    assert.deepEqual(found?.db, { path: '/dev/osd-db/db-ZC1A0001', disks: [] });
  });

  it('of two clusters may share a number', () => {
    const report = JSON.parse(output('lvm-list')) as Record<string, { tags: Record<string, string> }[]>;
    const [id, volumes] = Object.entries(report)[0] ?? assert.fail();
    const other = structuredClone(volumes).map((volume) => ({
      ...volume,
      tags: { ...volume.tags, 'ceph.cluster_fsid': 'other', 'ceph.osd_fsid': 'other' },
    }));
    const both = parseLvmList(JSON.stringify({ [id]: [...volumes, ...other] }));
    assert.deepEqual(
      both.map((osd) => [osd.id, osd.clusterFsid === 'other']),
      [
        [id, false],
        [id, true],
      ],
    );
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['half', output('lvm-list').slice(0, 300)],
    ['a list', '[]'],
    ['a volume without its OSD', '{"0": [{"type": "block", "path": "/dev/a/b", "devices": [], "tags": {}}]}'],
  ] as const)
    it(`are not guessed when ceph-volume prints ${what}`, () => {
      assert.throws(() => parseLvmList(text), {
        code: 'CEPH_STRANGE',
        message: /^The answer of ceph-volume lvm list /,
      });
    });

  it('are read or refused, whatever one letter of the answer is', () => {
    const whole = output('lvm-list');
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, put) => {
        try {
          for (const osd of parseLvmList(whole.slice(0, at) + put + whole.slice(at + 1)))
            assert.ok(osd.data.path.length > 0);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'CEPH_STRANGE');
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the OSDs on devices', () => {
  it('have a number, names and the device', () => {
    const [osd] = on('VIRTIO-RAW', raw);
    assert.ok(osd);
    assert.match(osd.id, /^\d+$/);
    assert.deepEqual([osd.kind, osd.data.path, osd.db, osd.encrypted], ['raw', path('VIRTIO-RAW'), undefined, false]);
  });

  it('without their data are not among them', () => {
    const only = '{"u": {"osd_uuid": "u", "device_db": "/dev/sdx"}}';
    assert.deepEqual(parseRawList(only), []);
  });

  it('have a database and a log on devices of their own', () => {
    const both = JSON.stringify({
      u: {
        osd_uuid: 'u',
        osd_id: 7,
        ceph_fsid: 'c',
        type: 'bluestore',
        device: '/dev/sdx',
        device_db: '/dev/sdy',
        device_wal: '/dev/sdz',
      },
    });
    const [osd] = parseRawList(both);
    assert.deepEqual([osd?.id, osd?.db?.disks, osd?.wal?.disks], ['7', ['/dev/sdy'], ['/dev/sdz']]);
  });
});

it('an encrypted OSD, which both lists show, is one', () => {
  const [encrypted] = on('PERC0003');
  assert.ok(raw.some(({ fsid }) => fsid === encrypted?.fsid));
  const all = mergeOsds(lvm, raw);
  assert.equal(all.filter(({ fsid }) => fsid === encrypted?.fsid).length, 1);
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  assert.equal(on('VIRTIO-RAW', all).length, 1);
});
