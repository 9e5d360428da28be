import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { poolSpec } from './pool-kind.ts';
import { cautions, type Disk, placesFor, poolCommands, unfit } from './pool-plan.ts';

const disks: Disk[] = [
  { node: 'hv1', class: 'hdd' },
  { node: 'hv1', class: 'ssd' },
  { node: 'hv2', class: 'hdd' },
];
const spec = (more: object = {}) => poolSpec.parse({ replicas: 2, minReplicas: 1, domain: 'host', ...more });

describe('a pool', () => {
  for (const [what, wish, reason] of [
    ['with room for its replicas', {}, undefined],
    [
      'with more replicas than nodes',
      { replicas: 3 },
      /3 replicas need as many nodes, and there are 2 nodes with disks/,
    ],
    ['with replicas on the disks of one node', { replicas: 3, domain: 'osd' }, undefined],
    ['of a class that one node has', { class: 'ssd' }, /there is 1 node with disks of the class ssd/],
    ['of a class that there is not', { class: 'nvme' }, /there is no disk of the class nvme/],
    ['that wants more at hand than there are', { minReplicas: 3 }, /at least 3 replicas cannot be at hand/],
    ['with an odd number of placement groups', { pgs: 33 }, /no power of two/],
  ] as const)
    it(`${what} is ${reason === undefined ? 'made' : 'refused'}`, () => {
      const found = unfit(spec(wish), disks);
      if (reason === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', reason);
    });

  it('warns of what can lose data', () => {
    assert.match(cautions(spec({ replicas: 1 })).join(), /one disk only/);
    assert.match(cautions(spec()).join(), /only one disk can hold it/);
    assert.deepEqual(cautions(spec({ replicas: 3, minReplicas: 2 })), []);
  });

  it('never has more places than disks, and never fewer by disk than by node', () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ node: fc.constantFrom('a', 'b', 'c'), class: fc.constantFrom('hdd', 'ssd') })),
        (some) => {
          const [hosts, osds] = [placesFor(some, { domain: 'host' }), placesFor(some, { domain: 'osd' })];
          assert.ok(hosts <= osds && osds === some.length);
        },
      ),
    ));

  it('becomes so by these commands', () =>
    assert.deepEqual(
      poolCommands('vms', spec({ replicas: 1, class: 'ssd', pgs: 32 })).map((args) => args.join(' ')),
      [
        'osd crush rule create-replicated pvc-host-ssd default host ssd',
        'osd pool create vms 32 32 replicated pvc-host-ssd',
        'osd pool set vms pg_autoscale_mode off',
        'osd pool set vms crush_rule pvc-host-ssd',
        'config set mon mon_allow_pool_size_one true',
        'osd pool set vms size 1 --yes-i-really-mean-it',
        'osd pool set vms min_size 1',
        'osd pool set vms pg_num 32',
        'osd pool set vms pgp_num 32',
        'osd pool application enable vms rbd',
      ],
    ));
});
