import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recording } from '../../../test/fixtures/recording.ts';
import { parseLvmList, parseRawList } from '../device/volume-list.ts';
import { backing } from './osd-kind.ts';
import { backingFound, whyForeign } from './refresh.ts';

const output = (name: string): string => recording(`ceph-volume/bookworm/${name}`).stdout;
const found = parseLvmList(output('lvm-list'));
const [raw] = parseRawList(output('raw-list'));
const [own] = found;
assert.ok(own);
const entry = { id: Number(own.id), uuid: own.fsid };

describe('an OSD that lies on a disk', () => {
  for (const [what, fsid, map, reason] of [
    ['that Ceph knows is taken up', own.clusterFsid, [entry], undefined],
    ['of another cluster is left alone', 'other', [entry], `it belongs to another Ceph cluster (${own.clusterFsid})`],
    ['that Ceph has removed is left alone', own.clusterFsid, [], 'Ceph has removed it'],
    [
      'whose number another has is left alone',
      own.clusterFsid,
      [{ ...entry, uuid: 'other' }],
      'Ceph has given its number to another disk',
    ],
  ] as const)
    it(what, () => assert.equal(whyForeign(own, fsid, map), reason));

  it('has a document that is valid, with its disk and its database', () => {
    for (const stored of [...found, ...(raw === undefined ? [] : [raw])]) backing.parse(backingFound(stored));
    assert.deepEqual(backingFound(own), { type: 'lvm', path: own.data.disks[0] });
    const apart = found.find(({ db }) => db !== undefined);
    assert.ok(apart);
    assert.equal((backingFound(apart) as { db?: string }).db, 'osd-db/db-ZC1A0001');
    assert.equal(raw === undefined ? '' : backingFound(raw).type, 'raw');
  });
});
