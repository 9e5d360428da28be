import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placedOsds, placesAnswer, poolNeeds, poolsAnswer, rulesAnswer } from './storage-facts.ts';

/** As Ceph 16.2 answers, shortened. */
const tree = placesAnswer.parse({
  nodes: [
    { id: -1, name: 'default', type: 'root', reweight: -1, kb: 8388608, kb_used: 594836, children: [-9] },
    { id: -9, name: 'r1', type: 'rack', reweight: -1, kb: 8388608, kb_used: 594836, children: [-5] },
    { id: -5, name: 'hv1', type: 'host', reweight: -1, kb: 8388608, kb_used: 594836, children: [3, 2] },
    {
      ...{ id: 2, device_class: 'hdd', name: 'osd.2', type: 'osd', crush_weight: 0.0039, depth: 2, reweight: 1 },
      ...{ kb: 4194304, kb_used: 297416, kb_used_data: 320, kb_used_omap: 4, kb_avail: 3896888, status: 'up' },
    },
    { id: 3, device_class: 'ssd', name: 'osd.3', type: 'osd', reweight: 0, kb: 0, kb_used: 0, pgs: 0, status: 'down' },
  ],
  stray: [],
});
const rules = rulesAnswer.parse([
  {
    rule_id: 0,
    rule_name: 'replicated_rule',
    steps: [
      { op: 'take', item: -1, item_name: 'default' },
      { op: 'chooseleaf_firstn', num: 0, type: 'host' },
      { op: 'emit' },
    ],
  },
  {
    rule_id: 1,
    rule_name: 'pvc-osd-ssd',
    steps: [
      { op: 'set_chooseleaf_tries', num: 5 },
      { op: 'take', item: -2, item_name: 'default~ssd' },
      { op: 'choose_firstn', num: 0, type: 'osd' },
      { op: 'emit' },
    ],
  },
]);

describe('what Ceph says of its disks', () => {
  it('has each with the places that it lies in, and figures in bytes', () => {
    assert.deepEqual(placedOsds(tree), [
      {
        ...{ id: 2, class: 'hdd', up: true, in: true, places: { root: 'default', rack: 'r1', host: 'hv1' } },
        ...{ totalBytes: 4 * 1024 ** 3, usedBytes: 297416 * 1024, dataBytes: 324 * 1024 },
      },
      {
        ...{ id: 3, class: 'ssd', up: false, in: false, places: { root: 'default', rack: 'r1', host: 'hv1' } },
        ...{ totalBytes: 0, usedBytes: 0, dataBytes: 0 },
      },
    ]);
  });

  it('has what each pool asks of them', () => {
    const pools = poolsAnswer.parse([
      { pool_name: 'vms', size: 3, type: 1, crush_rule: 0 },
      { pool_name: 'fast', size: 2, type: 1, crush_rule: 1 },
    ]);
    assert.deepEqual(poolNeeds(pools, rules), [
      { name: 'vms', replicas: 3, domain: 'host', root: 'default', class: undefined },
      { name: 'fast', replicas: 2, domain: 'osd', root: 'default', class: 'ssd' },
    ]);
  });
});
