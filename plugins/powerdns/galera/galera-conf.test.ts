/** `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type GaleraConfInput, galeraConf, seenInConf } from './galera-conf.ts';

const accept = process.env['PVC_ACCEPT'] === '1';
const base: GaleraConfInput = {
  ...{ epoch: 7, node: 'hv1', address: '10.10.0.11' },
  members: ['10.10.0.11', '10.10.0.12', '10.10.0.13'],
};
const cases: Readonly<Record<string, GaleraConfInput>> = {
  joins: base,
  begins: { ...base, members: [] },
  'five-members': {
    ...base,
    node: 'hv5',
    address: '10.10.0.15',
    members: [11, 12, 13, 14, 15].map((n) => `10.10.0.${n}`),
  },
  'ipv6-joins': { ...base, address: 'fd00:10::11', members: ['fd00:10::11', 'fd00:10::12', 'fd00:10::13'] },
};

describe('the configuration of MariaDB', () => {
  for (const [name, input] of Object.entries(cases)) {
    const text = galeraConf(input);
    it(`of one that is: ${name.replaceAll('-', ' ')}`, () => {
      const url = new URL(`golden/${name}.cnf`, import.meta.url);
      if (accept) writeFileSync(url, text);
      assert.equal(text, readFileSync(url, 'utf8'));
    });
    it(`of one that is: ${name.replaceAll('-', ' ')}, is one that MariaDB itself takes`, () => {
      const directory = mkdtempSync(join(tmpdir(), 'pvc-galera-'));
      const path = join(directory, 'my.cnf');
      const check = () =>
        execFileSync('/usr/sbin/mariadbd', [`--defaults-file=${path}`, '--verbose', '--help', '--user=root'], {
          stdio: 'pipe',
        });
      try {
        writeFileSync(path, text.replace(/^(datadir|socket|pid-file)=.*$/gm, ''));
        assert.match(check().toString('utf8'), new RegExp(`^wsrep-cluster-name\\s+pvc-dns-${input.epoch}$`, 'm'));
        writeFileSync(path, `${text}nonsense=1\n`);
        assert.throws(check, 'the check finds what is wrong');
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }

  it('is known again, and one that PVC did not write is not', () => {
    assert.deepEqual(seenInConf(galeraConf(base)), { epoch: 7, begins: false });
    assert.deepEqual(seenInConf(galeraConf({ ...base, members: [] })), { epoch: 7, begins: true });
    for (const text of [undefined, '', galeraConf(base).split('\n').slice(1).join('\n')])
      assert.equal(seenInConf(text), undefined);
  });
});
