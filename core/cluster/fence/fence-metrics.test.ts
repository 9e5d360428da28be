import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FenceStatus, freshFence } from '../../model/fence-kind.ts';
import { fenceMetrics } from './fence-metrics.ts';

const fenceOf = (id: string, node: string, status: Partial<FenceStatus>, openedMs = 10_000) => ({
  id,
  spec: { node, openedMs, by: 'pvc' },
  status: { ...freshFence, ...status },
});

const proof = (kind: 'power' | 'plugin' | 'word', by: string, atMs: number) => ({
  ...{ kind, by, text: 'proven', covers: ['machine'], bootId: 'a' },
  atMs,
});

async function samples(fences: readonly ReturnType<typeof fenceOf>[], primary = true) {
  const metrics = fenceMetrics({ documents: { list: async () => fences }, isPrimary: () => primary } as never);
  const all = await Promise.all(metrics.map(async ({ name, collect }) => [name, await collect()] as const));
  return Object.fromEntries(
    all.map(([name, found]) => [
      name,
      Object.fromEntries(found.map(({ value, labels }) => [Object.values(labels ?? {}).join(' '), value])),
    ]),
  );
}

const fences = [
  fenceOf('2', 'hv3', {
    evidence: [
      proof('plugin', 'ceph', 11_500),
      proof('power', 'its BMC', 12_000),
      proof('power', 'its BMC', 99_000),
      proof('word', 'root', 15_000),
    ],
    waiting: [{ object: 'db', reason: 'no room' }],
    settledMs: 12_250,
  }),
  fenceOf('1', 'hv3', { state: 'ended', settledMs: 90_000 }),
  fenceOf('3', 'hv2', { state: 'ended', settledMs: 11_000 }),
];

describe('metrics of fences', () => {
  it('tell what is open, and how long the last fence of each node took', async () =>
    assert.deepEqual(await samples(fences), {
      pvc_fence_open: { hv3: 1 },
      pvc_fence_waiting: { hv3: 1 },
      pvc_fence_proof_seconds: { 'hv3 ceph': 1.5, 'hv3 power': 2, 'hv3 word': 5 },
      pvc_fence_recovery_seconds: { 'hv3 some': 2.25, 'hv2 all': 1 },
    }));

  it('are told by the primary alone', async () =>
    assert.deepEqual(Object.values(await samples(fences, false)), [{}, {}, {}, {}]));
});
