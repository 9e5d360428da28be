import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type PlacedOsd, type PoolNeed, risksOfRemoval, type StorageFacts } from './removal-risk.ts';

const gib = 1024 ** 3;
const disk = (id: number, host: string, more: Partial<PlacedOsd> = {}): PlacedOsd => ({
  id,
  class: 'hdd',
  up: true,
  in: true,
  places: { host, root: 'default' },
  totalBytes: 100 * gib,
  usedBytes: 20 * gib,
  dataBytes: 20 * gib,
  ...more,
});
const pool = (more: Partial<PoolNeed> = {}): PoolNeed => ({
  name: 'vms',
  replicas: 3,
  domain: 'host',
  root: 'default',
  class: undefined,
  ...more,
});
const facts = (osds: readonly PlacedOsd[], pools: readonly PoolNeed[] = [pool()], stoppedPgs = 0): StorageFacts => ({
  osds,
  pools,
  nearFull: 0.85,
  stoppedPgs,
});
const three = [disk(0, 'hv1'), disk(1, 'hv2'), disk(2, 'hv3')];
const spare = [...three, disk(3, 'hv1')];

describe('a disk', () => {
  for (const [what, id, given, expected] of [
    ['that has another beside it may go', 0, facts(spare), []],
    [
      'that is the last of its node may not, when every node holds a replica',
      1,
      facts(spare),
      ['the pool vms keeps 3 replicas on different hosts, and only 2 hosts with disks would be left'],
    ],
    ['may go when no pool needs it', 1, facts(spare, []), []],
    ['that no pool of another class needs may go', 1, facts(spare, [pool({ class: 'ssd' })]), []],
    ['below another root may go', 1, facts(spare, [pool({ root: 'fast' })]), []],
    [
      'of a class that too few have may not',
      0,
      facts([...three, disk(3, 'hv1', { class: 'ssd' })], [pool({ class: 'hdd' })]),
      ['the pool vms keeps 3 replicas on different hosts, and only 2 hosts with disks of the class hdd would be left'],
    ],
    [
      'may not when the one beside it is down',
      0,
      facts([...three, disk(3, 'hv1', { up: false })]),
      ['the pool vms keeps 3 replicas on different hosts, and only 2 hosts with disks would be left'],
    ],
    [
      'may not when the one beside it is out',
      0,
      facts([...three, disk(3, 'hv1', { in: false })]),
      ['the pool vms keeps 3 replicas on different hosts, and only 2 hosts with disks would be left'],
    ],
    ['may go when replicas need only different disks', 1, facts(spare, [pool({ domain: 'osd' })]), []],
    [
      'may not when too few disks would be left',
      0,
      facts([disk(0, 'hv1'), disk(1, 'hv1')], [pool({ domain: 'osd', replicas: 2 })]),
      ['the pool vms keeps 2 replicas on different disks, and only 1 disk would be left'],
    ],
    [
      'that alone holds everything may not',
      0,
      facts([disk(0, 'hv1')], [pool({ domain: 'osd', replicas: 1 })]),
      [
        'the pool vms keeps 1 replica, and only 0 disks would be left',
        'it holds 20 GiB, and the other disks have room for 0 B until they are 85 % full',
      ],
    ],
    [
      'may not when what it holds finds no room on its own node, though others have some',
      0,
      facts([...three, disk(3, 'hv1', { usedBytes: 70 * gib })]),
      ['it holds 20 GiB, and the other disks of hv1 have room for 15 GiB until they are 85 % full'],
    ],
    [
      'of four nodes may go: what it holds may lie on any of the others',
      0,
      facts([...three, disk(3, 'hv4'), disk(4, 'hv1', { usedBytes: 85 * gib })]),
      [],
    ],
    [
      'may not while other copies are away',
      0,
      facts(spare, [pool()], 2),
      ['2 placement groups could not be written without it now: other copies of their data are not at hand'],
    ],
    ['that Ceph does not know has no risk', 9, facts(spare), []],
  ] as const)
    it(what, () => assert.deepEqual(risksOfRemoval(id, given), expected));

  it('is never let go when fewer places than replicas would be left', () => {
    const cluster = fc.array(
      fc.record({ host: fc.constantFrom('a', 'b', 'c', 'd'), up: fc.boolean(), in: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(
        cluster,
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('host', 'osd'),
        (members, replicas, domain) => {
          const osds = members.map(({ host, ...state }, id) => disk(id, host, state));
          const rest = osds.slice(1).filter((one) => one.up && one.in);
          const places = new Set(rest.map((one) => (domain === 'osd' ? String(one.id) : one.places['host']))).size;
          const risks = risksOfRemoval(0, facts(osds, [pool({ replicas, domain })]));
          assert.equal(
            risks.some((risk) => risk.endsWith('would be left')),
            places < replicas,
          );
        },
      ),
    );
  });
});
