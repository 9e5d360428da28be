import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recording } from '../../../test/fixtures/recording.ts';
import { lookedAt } from '../testing/recorded-look.ts';
import { adviceOf } from './advice.ts';
import { faultOfCheck, faultsOf } from './health-faults.ts';

const check = (code: string, severity: 'warning' | 'error' = 'warning', details: string[] = []) => ({
  code,
  severity,
  message: 'in Ceph’s words',
  details,
});

describe('a complaint of Ceph', () => {
  it('becomes a fault with what it means and what to do', async () => {
    const { checks } = await lookedAt(recording('ceph/bookworm/look-monitor-and-disk-down').stdout);
    const faults = faultsOf(checks);
    assert.deepEqual(
      [...faults].map(([id, { severity }]) => [id, severity]),
      [
        ['storage:MON_DOWN', 'warning'],
        ['storage:OSDMAP_FLAGS', 'info'],
        ['storage:OSD_DOWN', 'warning'],
        ['storage:OSD_HOST_DOWN', 'warning'],
        ['storage:PG_DEGRADED', 'warning'],
      ],
    );
    assert.equal(
      faults.get('storage:OSD_DOWN')?.message,
      'Disks of the storage are down: 1 osds down (osd.0 (root=default,host=hv2) is down)',
    );
    assert.match(faults.get('storage:OSD_DOWN')?.hint ?? '', /pvc storage osd list/);
    assert.match(faults.get('storage:PG_DEGRADED')?.message ?? '', /; and 17 more\)$/);
  });

  for (const [code, severity, expected] of [
    ['OSD_NEARFULL', 'warning', 'warning'],
    ['OSD_FULL', 'warning', 'critical'],
    ['PG_AVAILABILITY', 'warning', 'critical'],
    ['PG_DAMAGED', 'error', 'critical'],
    ['SLOW_OPS', 'warning', 'warning'],
    ['MON_CLOCK_SKEW', 'warning', 'warning'],
    ['RECENT_CRASH', 'warning', 'warning'],
    ['POOL_NO_REDUNDANCY', 'warning', 'info'],
    ['SOMETHING_NEW', 'error', 'critical'],
    ['SOMETHING_NEW', 'warning', 'warning'],
  ] as const)
    it(`${code}, to Ceph ${severity}, is ${expected} to an administrator`, () => {
      const fault = faultOfCheck(check(code, severity));
      assert.equal(fault.severity, expected);
      assert.match(fault.hint, /\S/);
    });

  it('that PVC does not know is told in Ceph’s own words', () =>
    assert.equal(
      faultOfCheck(check('SOMETHING_NEW', 'warning', ['here'])).message,
      'Ceph reports SOMETHING_NEW: in Ceph’s words (here)',
    ));

  it('has advice that reads well after a colon and ends as a sentence', () => {
    for (const [code, { what, hint }] of Object.entries(adviceOf)) {
      assert.doesNotMatch(what, /[.:]$/, code);
      assert.match(hint, /[.`]$/, code);
    }
  });
});
