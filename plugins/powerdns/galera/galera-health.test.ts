import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findingOf } from './galera-health.ts';

const server = { primary: true, size: 3, state: 'Synced', position: undefined, tables: true };
const alone = { ...server, primary: false, size: 1, state: 'Initialized' };

describe('the health of MariaDB', () => {
  for (const [what, now, primary, message] of [
    ['all are together', server, true, undefined],
    ['one is missing, seen by the primary', { ...server, size: 2 }, true, /^2 of 3 members .* told and written/],
    ['one is missing, seen by another', { ...server, size: 2 }, false, undefined],
    [
      'it is cut off',
      alone,
      false,
      /on hv2 sees 1 of 3 members \(Initialized\), too few .* stay as they were\. Networks/,
    ],
    ['the primary is cut off', alone, true, /new names are told nowhere until then/],
    ['it does not answer', undefined, false, /does not answer, so PowerDNS there cannot tell names\. Networks/],
  ] as const)
    it(`when ${what}: ${message === undefined ? 'is good' : 'says so'}`, () => {
      const finding = findingOf('hv2', { server: now, wanted: 3 }, primary);
      if (message === undefined) assert.equal(finding, undefined);
      else assert.match(finding?.message ?? '', message);
    });
});
