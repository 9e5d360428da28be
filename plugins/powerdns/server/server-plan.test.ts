import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pdnsConf } from './pdns-conf.ts';
import { planServer, type ServerView } from './server-plan.ts';

const wanted = pdnsConf({ key: 'a'.repeat(48), floating: undefined, addresses: [], secondaries: [], launch: [] });
const right: ServerView = {
  ...{ wanted, conf: wanted, database: 'sound', serving: true, stuck: false, loaded: true },
  ...{ shared: false, leftover: false },
};
const shared = { shared: true } as const;

describe('what a coordinator does for PowerDNS', () => {
  for (const [what, change, steps] of [
    ['all is right', {}, []],
    [
      'there is nothing yet',
      { conf: undefined, database: 'absent', serving: false, loaded: false },
      ['conf', 'database', 'start'],
    ],
    ['the daemon is new', { serving: false }, ['start']],
    ['the configuration changes', { conf: `${wanted}#`, loaded: false }, ['conf', 'start']],
    [
      'the configuration is gone',
      { conf: undefined, database: 'absent', loaded: false },
      ['conf', 'database', 'start'],
    ],
    ['the database is gone', { database: 'absent', loaded: false }, ['database', 'start']],
    ['the database is damaged', { database: 'damaged' }, ['database', 'start']],
    ['PowerDNS runs and tells nothing', { stuck: true }, ['database', 'start']],
    ['a daemon died before it started PowerDNS with new files', { loaded: false }, ['start']],
    ['a shared database is away', { ...shared, database: 'away' }, []],
    [
      'a shared database is away, and nothing is as it is to be',
      { ...shared, database: 'away', serving: false, loaded: false, stuck: true },
      [],
    ],
    ['it goes over to a shared database', { ...shared, conf: `${wanted}#`, loaded: false }, ['conf', 'start']],
    ['it has gone over to a shared database', { ...shared, leftover: true }, ['tidy']],
    ['a shared database is there and PowerDNS tells nothing', { ...shared, stuck: true }, ['restart']],
    [
      'it comes back to a database of its own',
      { conf: `${wanted}#`, database: 'absent', loaded: false },
      ['conf', 'database', 'start'],
    ],
    ['the last domain is gone', { wanted: undefined }, ['end']],
    ['the last domain went while the daemon was down', { wanted: undefined, serving: false }, ['end']],
    ['there never was a domain', { wanted: undefined, conf: undefined, serving: false }, []],
    ['a file is there that PVC did not write', { wanted: undefined, conf: 'launch=bind\n', serving: false }, []],
  ] as const)
    it(`when ${what}: ${steps.join(', ') || 'nothing'}`, () => {
      const plan = planServer({ ...right, ...change });
      assert.deepEqual(
        plan.steps.map((step) => step.do),
        steps,
      );
      assert.ok(plan.againInMs !== undefined);
    });
});
