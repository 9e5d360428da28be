import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CephCommand } from '../command/ceph-command.ts';
import { dataLeft } from './data-left.ts';

interface Cluster {
  readonly said: boolean;
  readonly states: Readonly<Record<string, number>>;
  /** What osd.3 has told of itself; undefined: nothing is known of it. */
  readonly told: { readonly kb: number; readonly groups: number } | undefined;
}

/** What Ceph 16 answers, cut to what is read. */
function cephOf({ said, states, told }: Cluster): CephCommand {
  const answers: Record<string, unknown> = {
    'pg stat': {
      pg_summary: {
        num_pgs: Object.values(states).reduce((sum, num) => sum + num, 0),
        num_pg_by_state: Object.entries(states).map(([name, num]) => ({ name, num })),
      },
    },
    'pg dump osds': { osd_stats: told === undefined ? [] : [{ osd: 3, kb: told.kb, num_pgs: told.groups }] },
    'pg ls-by-osd 3': { pg_ready: true },
  };
  return {
    tryCeph: async () => ({
      code: said ? 0 : 16,
      stdout: said ? JSON.stringify({ safe_to_destroy: [3] }) : '',
      stderr: '',
    }),
    ask: async (schema: { parse(value: unknown): unknown }, args: readonly string[]) =>
      schema.parse(answers[args.join(' ')]),
  } as never;
}

const clean = { 'active+clean': 30, 'active+clean+scrubbing+deep': 2 };
const degraded = { 'active+clean': 22, 'active+recovery_wait+degraded': 10 };

describe('an OSD that is out', () => {
  for (const [what, safe, cluster] of [
    ['is not needed once everything is whole without it', true, { said: true, states: clean, told: undefined }],
    ['is needed as long as Ceph says so', false, { said: false, states: clean, told: { kb: 100, groups: 0 } }],
    [
      'may hold the copies that are missing until it has told',
      false,
      { said: true, states: degraded, told: { kb: 0, groups: 0 } },
    ],
    ['of which nothing is known may hold them as well', false, { said: true, states: degraded, told: undefined }],
    ['that has told of groups is needed', false, { said: true, states: degraded, told: { kb: 100, groups: 4 } }],
    [
      'that has told of none is not, whatever recovers elsewhere',
      true,
      { said: true, states: degraded, told: { kb: 100, groups: 0 } },
    ],
  ] as const)
    it(what, async () => {
      assert.equal((await dataLeft(cephOf(cluster), 3)).safe, safe);
    });

  it('tells what is not whole yet, also when no group is counted to it any more', async () => {
    const left = await dataLeft(cephOf({ said: true, states: degraded, told: undefined }), 3);
    assert.deepEqual(left, { safe: false, pgs: 10, text: '10 placement groups are not whole yet' });
    const unseen = await dataLeft(cephOf({ said: false, states: clean, told: undefined }), 3);
    assert.deepEqual(unseen, { safe: false, pgs: 0, text: 'Ceph has yet to see that none is left' });
  });
});
