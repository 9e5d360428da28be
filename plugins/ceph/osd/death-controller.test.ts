import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshFence } from '../../../core/model/fence-kind.ts';
import type { Doc, FenceSpec, FenceStatus } from '../../../core/plugin/api.ts';
import { type Death, planDeath } from './death-controller.ts';

const doc: Doc<FenceSpec, FenceStatus> = {
  id: '0fence',
  ...{ specVersion: 0, birth: '1', statusVersion: 0 },
  spec: { node: 'hv3', openedMs: 1_000, by: 'pvc' },
  status: freshFence,
};
const death: Death = { osds: ['2', '5'], provenMs: 2_000 };

describe('the death of disks', () => {
  it('is told once the machine is known to be off', () => {
    const { steps } = planDeath(doc, death, new Set(), 2_500);
    assert.deepEqual(
      steps.map((step) => step.text),
      ['tell Ceph that the disks of hv3 answer nobody any more'],
    );
  });

  for (const [why, dead, told, nowMs] of [
    ['without a proof', undefined, [], 2_500],
    ['of a node without disks', { ...death, osds: [] }, [], 2_500],
    ['twice', death, ['0fence'], 2_500],
    ['when no disk has a leave to answer left', death, [], 12_500],
  ] as const)
    it(`is not told ${why}`, () => {
      assert.deepEqual(planDeath(doc, dead, new Set(told), nowMs).steps, []);
    });
});
