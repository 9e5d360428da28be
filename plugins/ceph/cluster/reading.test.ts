import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recording } from '../../../test/fixtures/recording.ts';
import { answerLines, lookedAt } from '../testing/recorded-look.ts';
import { nothingKnown } from './ceph-kind.ts';
import { storageLine } from './figures.ts';

const well = recording('ceph/bookworm/look-well').stdout;
const bad = recording('ceph/bookworm/look-monitor-and-disk-down').stdout;

/** One of the four answers, changed. */
function changed(line: number, change: (answer: Record<string, never>) => void): string {
  const lines = answerLines(well);
  const answer = JSON.parse(lines[line] ?? '') as Record<string, never>;
  change(answer);
  lines[line] = JSON.stringify(answer);
  return lines.join('\n');
}

describe('what Ceph says of itself', () => {
  it('is told in words of PVC; what is missing is zero', async () =>
    assert.deepEqual(await lookedAt(well), {
      monitors: [
        { name: 'hv1', address: '10.10.1.11' },
        { name: 'hv2', address: '10.10.1.12' },
        { name: 'hv3', address: '10.10.1.13' },
      ],
      quorum: ['hv1', 'hv2', 'hv3'],
      health: 'ok',
      checks: [],
      osds: { total: 3, up: 3, in: 3 },
      pgs: { 'active+clean': 33 },
      usage: { totalBytes: 12884901888, usedBytes: 913330176, availableBytes: 11971571712 },
      load: { readBytesPerS: 0, writeBytesPerS: 0, readsPerS: 0, writesPerS: 0 },
      recovery: { degradedShare: 0, misplacedShare: 0, bytesPerS: 0 },
      pools: [
        { name: 'vms', storedBytes: 19, freeBytes: 3775775488 },
        { name: 'device_health_metrics', storedBytes: 0, freeBytes: 3775775488 },
      ],
    }));

  it('is told with its details when something is wrong, not more of them than help', async () => {
    const { health, quorum, osds, checks, recovery } = await lookedAt(bad);
    assert.deepEqual([health, quorum, osds], ['warning', ['hv1', 'hv2'], { total: 3, up: 2, in: 3 }]);
    assert.ok(recovery.degradedShare > 0.3 && recovery.degradedShare < 0.34);
    assert.deepEqual(
      checks.map(({ code, severity }) => [code, severity]),
      ['MON_DOWN', 'OSDMAP_FLAGS', 'OSD_DOWN', 'OSD_HOST_DOWN', 'PG_DEGRADED'].map((code) => [code, 'warning']),
    );
    assert.deepEqual(checks.find(({ code }) => code === 'OSD_DOWN')?.details, [
      'osd.0 (root=default,host=hv2) is down',
    ]);
    assert.equal(checks.find(({ code }) => code === 'PG_DEGRADED')?.details.length, 20);
  });

  it('is not told where it is muted', async () => {
    const muted = bad.replace(/("OSD_DOWN".{1,400}?)"muted":false/gs, '$1"muted":true');
    assert.ok(!(await lookedAt(muted)).checks.some(({ code }) => code === 'OSD_DOWN'));
  });

  it('is an error when it is a word that PVC does not know', async () => {
    const strange = changed(1, (answer) => Object.assign(answer, { status: 'HEALTH_ODD' }));
    assert.equal((await lookedAt(strange)).health, 'error');
  });

  for (const [what, text] of [
    ['half of it', well.slice(0, well.length / 2)],
    ['nothing', ''],
    ['one answer less', well.split('\n').slice(0, 3).join('\n')],
    ['other fields', changed(0, (answer) => Object.assign(answer, { osdmap: 3 }))],
  ] as const)
    it(`is refused when it is ${what}`, () => assert.rejects(lookedAt(text), { code: 'CEPH_STRANGE' }));
});

describe('the line of the storage', async () => {
  const told = { ...(await lookedAt(well)), updatedMs: 1_000_000, conditions: [] };
  for (const [what, status, nowMs, line] of [
    ['a fresh look', told, 1_010_000, 'ok, 3 of 3 disks up, 7 % used'],
    ['an old look', told, 1_100_000, 'does not answer (last: 3 of 3 disks up, 7 % used)'],
    [
      'looks that fail',
      { ...told, silent: { sinceMs: 1_005_000, reason: 'no monitor' } },
      1_010_000,
      'does not answer (last: 3 of 3 disks up, 7 % used)',
    ],
    ['no look yet', nothingKnown, 1_000_000, 'being made'],
  ] as const)
    it(`tells ${what}`, () => assert.equal(storageLine(status, nowMs), line));
});
