/** `PVC_ACCEPT=1 node --test …` writes the files anew; the diff is what is reviewed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { galeraLaunch } from './launch-galera.ts';
import { sqliteLaunch } from './launch-sqlite.ts';
import { backendIn, type ConfInput, keyBytes, keyIn, pdnsConf } from './pdns-conf.ts';

const accept = process.env['PVC_ACCEPT'] === '1';
const key = '0123456789abcdef'.repeat(3);

const base: ConfInput = { key, floating: '10.10.0.10', addresses: [], secondaries: [], launch: sqliteLaunch };
const cases: Readonly<Record<string, ConfInput>> = {
  'three-nodes': base,
  'one-node': { ...base, floating: undefined },
  'with-secondaries': { ...base, secondaries: ['192.0.2.53', '2001:db8::53'] },
  'one-node-with-secondaries': { ...base, floating: undefined, secondaries: ['192.0.2.53'] },
  'with-addresses': { ...base, addresses: ['10.10.2.11', '10.10.0.10', 'fd00::11'] },
  galera: { ...base, launch: galeraLaunch },
  'ipv6-cluster': { ...base, floating: 'fd00:10::10', secondaries: ['fd00:10::53'] },
};

describe('the configuration of PowerDNS', () => {
  for (const [name, input] of Object.entries(cases)) {
    const text = pdnsConf(input);
    it(`of ${name.replaceAll('-', ' ')}`, () => {
      const url = new URL(`golden/${name}.conf`, import.meta.url);
      if (accept) writeFileSync(url, text);
      assert.equal(text, readFileSync(url, 'utf8'));
    });
    it(`of ${name.replaceAll('-', ' ')} is one that PowerDNS itself takes`, () => {
      const directory = mkdtempSync(join(tmpdir(), 'pvc-pdns-'));
      const check = () =>
        execFileSync('/usr/sbin/pdns_server', [`--config-dir=${directory}`, '--config=check'], { stdio: 'pipe' });
      try {
        writeFileSync(join(directory, 'pdns.conf'), text);
        check();
        writeFileSync(join(directory, 'pdns.conf'), `${text}nonsense=1\n`);
        assert.throws(check, 'the check finds what is wrong');
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }

  it('says where the zones are kept', () => {
    assert.equal(backendIn(pdnsConf(base)), 'sqlite');
    assert.equal(backendIn(pdnsConf({ ...base, launch: galeraLaunch })), 'galera');
    for (const text of [undefined, '', 'launch=bind\n', '# launch=gmysql\n']) assert.equal(backendIn(text), undefined);
  });

  it('keeps its key, and takes none that PVC did not make', () => {
    assert.equal(key.length, keyBytes * 2);
    assert.equal(keyIn(pdnsConf(base)), key);
    for (const text of [undefined, '', 'api-key=\n', 'api-key=secret\n', `# api-key=${key}\n`, `api-key=${key}0\n`])
      assert.equal(keyIn(text), undefined);
  });
});
