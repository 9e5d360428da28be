import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GroupSpec, MemberSpec } from './backend-kind.ts';
import { chooseFirst, type MemberSeen, waitForAllMs, waitForFirstMs } from './choose-first.ts';

const history = '8e183b3f-eb3c-11f1-9c2d-c3fb9113bf5c';
const stopped = (seqno: number | null, epoch = 4): MemberSpec => ({
  ...{ epoch, state: 'stopped' },
  position: seqno === null ? null : { history, seqno },
});
const waiting = (seqno: number): MemberSpec => ({ ...stopped(seqno), state: 'waiting' });
const state = (what: 'primary' | 'starting', epoch = 4): MemberSpec => ({ epoch, state: what, position: null });
/** `-` before a name: its daemon does not live. */
const seen = (members: Readonly<Record<string, MemberSpec | undefined>>): MemberSeen[] =>
  Object.entries(members).map(([name, told]) => ({
    ...{ node: name.replace('-', ''), told },
    alive: !name.startsWith('-'),
  }));
const formed: GroupSpec = { epoch: 4, first: 'hv1', formed: true };
const begun = { ...formed, formed: false };

describe('who begins the group of MariaDB servers', () => {
  for (const [what, group, members, lostMs, first] of [
    ['all are new', undefined, { hv1: stopped(null, 0), hv2: stopped(null, 0), hv3: stopped(null, 0) }, 0, 'hv1'],
    [
      'one has not told anything yet',
      undefined,
      { hv1: stopped(null, 0), hv2: undefined, hv3: stopped(null, 0) },
      0,
      undefined,
    ],
    ['one does not tell anything', undefined, { hv2: undefined, hv3: stopped(null, 0) }, waitForAllMs, 'hv3'],
    ['nobody tells anything', undefined, { hv1: undefined, hv2: undefined, hv3: undefined }, waitForAllMs, undefined],
    [
      'there is a whole group',
      formed,
      { hv1: state('primary'), hv2: stopped(9), hv3: state('starting') },
      waitForAllMs,
      undefined,
    ],
    [
      'only a dead daemon told of a whole group',
      formed,
      { '-hv1': state('primary'), hv2: stopped(3), hv3: stopped(9) },
      waitForAllMs,
      'hv3',
    ],
    [
      'another group is whole',
      formed,
      { hv1: state('primary', 3), hv2: stopped(3), hv3: stopped(9) },
      waitForAllMs,
      'hv3',
    ],
    ['all lost power', formed, { hv1: stopped(7), hv2: stopped(12), hv3: stopped(9) }, 0, 'hv2'],
    ['all lost power at the same point', formed, { hv3: stopped(7), hv2: stopped(7), hv1: stopped(7) }, 0, 'hv1'],
    [
      'all lost power and one has lost its data',
      formed,
      { hv1: stopped(null), hv2: stopped(0), hv3: stopped(null) },
      0,
      'hv2',
    ],
    ['all have lost their data', formed, { hv1: stopped(null), hv2: stopped(null), hv3: stopped(null) }, 0, 'hv1'],
    ['the farthest is of an older group', formed, { hv1: stopped(900, 3), hv2: stopped(5), hv3: stopped(4) }, 0, 'hv2'],
    [
      'one still looks for the others',
      formed,
      { hv1: state('starting'), hv2: stopped(5), hv3: stopped(4) },
      1_000,
      undefined,
    ],
    [
      'one looks for the others for too long',
      formed,
      { hv1: state('starting'), hv2: stopped(5), hv3: stopped(4) },
      waitForAllMs,
      'hv2',
    ],
    ['one stays away', formed, { hv1: stopped(5), hv2: stopped(6), '-hv3': stopped(99) }, 1_000, undefined],
    ['one stays away for long', formed, { hv1: stopped(5), hv2: stopped(6), '-hv3': stopped(99) }, waitForAllMs, 'hv2'],
    ['one runs on alone', formed, { hv1: waiting(12), hv2: stopped(9), hv3: stopped(9) }, 0, 'hv1'],
    [
      'the chosen one is at it',
      begun,
      { hv1: state('starting', 3), hv2: stopped(9), hv3: stopped(9) },
      waitForAllMs,
      undefined,
    ],
    [
      'the chosen one has begun and others cannot join yet',
      begun,
      { hv1: state('primary'), hv2: stopped(9), hv3: stopped(9) },
      waitForFirstMs,
      undefined,
    ],
    ['the chosen one has died', begun, { '-hv1': stopped(9), hv2: stopped(9), hv3: stopped(9) }, waitForAllMs, 'hv2'],
    [
      'the chosen one does not manage',
      begun,
      { hv1: stopped(9), hv2: stopped(8), hv3: stopped(7) },
      waitForFirstMs,
      'hv2',
    ],
  ] as const)
    it(`when ${what}: ${first ?? 'nobody, now'}`, () => {
      const next = chooseFirst(group, seen(members), lostMs);
      assert.equal(next?.first, first);
      if (next !== undefined) assert.deepEqual([next.epoch, next.formed], [(group?.epoch ?? 0) + 1, false]);
    });
});
