import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MemberStep, type MemberView, planMember } from './member-plan.ts';

const position = { history: '8e183b3f-eb3c-11f1-9c2d-c3fb9113bf5c', seqno: 24 };
const server = { primary: true, size: 3, state: 'Synced', position, tables: true };
const alone = { ...server, primary: false, size: 1, state: 'Initialized' };
const group = { epoch: 4, first: 'hv1', formed: true };
const seen = { epoch: 4, begins: false };
const longMs = 100_000;

/** hv2, one of a whole group. */
const right: MemberView = {
  ...{ node: 'hv2', wanted: true, inUse: true, group, othersPrimary: true, seen, confRight: true, serving: true },
  ...{ server, data: true, position: undefined, quietMs: 0, told: { epoch: 4, state: 'primary', position: null } },
};
const stopped: Partial<MemberView> = {
  server: undefined,
  serving: false,
  position,
  told: { epoch: 4, state: 'stopped', position },
};
const starting: Partial<MemberView> = { server: undefined, told: { epoch: 4, state: 'starting', position: null } };
const nothing: Partial<MemberView> = {
  ...{ seen: undefined, confRight: false, serving: false, server: undefined, data: false, othersPrimary: false },
  ...{ inUse: false, told: { epoch: 0, state: 'stopped', position: null } },
};
/** The one that is to begin, and has started for that. */
const beginner: Partial<MemberView> = {
  ...{ group: { ...group, first: 'hv2', formed: false }, othersPrimary: false },
  seen: { epoch: 4, begins: true },
};
const lost = { othersPrimary: false };

type Case = readonly [what: string, change: Partial<MemberView>, steps: readonly MemberStep['do'][]];

const cases: readonly Case[] = [
  ['all is right', {}, []],
  ['the daemon is new', { serving: false }, ['adopt']],
  ['a coordinator was added', { confRight: false }, ['conf']],
  ['it was chosen just now', { ...nothing, group: undefined, told: undefined }, ['tell']],
  ['it waits for who begins', { ...nothing, group: undefined }, []],
  ['another is to begin', { ...nothing, group: { ...group, formed: false } }, []],
  ['another has begun', { ...nothing, othersPrimary: true }, ['join']],
  [
    'another begins, and it still tells names',
    {
      ...lost,
      server: alone,
      group: { ...group, epoch: 5, formed: false },
      told: { epoch: 4, state: 'waiting', position },
    },
    [],
  ],
  [
    'another has begun anew',
    { server: alone, group: { ...group, epoch: 5 }, told: { epoch: 4, state: 'waiting', position } },
    ['join'],
  ],
  ['it is whole in a group that counts no more', { group: { ...group, epoch: 5 } }, ['join']],
  ['it joins', { ...starting, quietMs: 20_000 }, []],
  ['it does not manage to join', { ...starting, quietMs: longMs }, ['wipe', 'join']],
  ['it was cut off, and others go on', { server: alone, told: { epoch: 4, state: 'waiting', position } }, []],
  [
    'it stays alone, and others go on',
    { server: alone, quietMs: longMs, told: { epoch: 4, state: 'waiting', position } },
    ['wipe', 'join'],
  ],
  ['it ended, and others go on', stopped, ['join']],
  ['it is to begin', { ...nothing, ...beginner, seen: undefined }, ['begin']],
  [
    'it is to begin and runs in an older group',
    { ...beginner, seen: { epoch: 3, begins: false }, server: alone, told: { epoch: 3, state: 'waiting', position } },
    ['begin'],
  ],
  ['it begins', { ...beginner, ...starting, quietMs: 20_000 }, []],
  ['it does not manage to begin', { ...beginner, ...starting, quietMs: longMs }, ['wipe', 'begin']],
  ['the daemon died while it began', { ...beginner, ...stopped, server: undefined }, ['begin']],
  ['it has begun', { ...beginner, server: { ...server, tables: false } }, ['tables', 'formed']],
  ['it has begun with data', beginner, ['formed']],
  ['the daemon died before others could join', { ...beginner, seen, serving: false }, ['formed']],
  ['it died before others could join', { ...beginner, ...starting, seen }, ['begin']],
  ['it is alone', { ...lost, server: alone }, ['tell']],
  [
    'it is alone for long',
    { ...lost, server: alone, quietMs: longMs, told: { epoch: 4, state: 'waiting', position } },
    [],
  ],
  ['it was killed', { ...lost, ...starting, quietMs: 2_000 }, []],
  ['it finds nobody', { ...lost, ...starting, quietMs: 9_000 }, ['stop']],
  ['all lost power', { ...lost, ...stopped, position: undefined }, ['stop']],
  ['all lost power and it knows how far its data go', { ...lost, ...stopped }, []],
  ['SQLite is chosen and PowerDNS still uses it', { wanted: false }, []],
  ['SQLite is chosen', { wanted: false, inUse: false }, ['end']],
  ['SQLite is chosen and it was ended half', { ...nothing, wanted: false, seen, told: undefined }, ['end']],
  ['SQLite is chosen and nothing is left', { ...nothing, wanted: false, told: undefined }, []],
];

describe('what a coordinator does for its MariaDB', () => {
  for (const [what, change, steps] of cases)
    it(`when ${what}: ${steps.join(', ') || 'nothing'}`, () => {
      const plan = planMember({ ...right, ...change });
      assert.deepEqual(
        plan.steps.map((step) => step.do),
        steps,
      );
      assert.ok(plan.againInMs !== undefined);
    });
});
