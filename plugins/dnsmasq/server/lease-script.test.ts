/** The lease script as dnsmasq calls it, with a `pvc` that writes down how it was called. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { leaseScript } from './lease-script.ts';

const directory = mkdtempSync(join(tmpdir(), 'lease-script-'));
const calls = join(directory, 'calls');
const codes = join(directory, 'codes');
const told =
  '1795863496 52:54:00:aa:bb:cc 10.20.0.150 web1 01:52:54:00:aa:bb:cc\n1795863496 77 fd20::1:77 * 00:01:02\n';

/** Ends with the next code of the list, with 0 after the last. */
const pvc = `#!/bin/sh
for word; do printf '%s\\n' "$word"; done >>${calls}
echo . >>${calls}
code=$(head -n 1 ${codes}); sed -i 1d ${codes}
[ "$3 $4" = "dnsmasq leases" ] && [ "\${code:-0}" = 0 ] && printf '%s' '${told}'
exit "\${code:-0}"
`;

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const done = spawnSync(join(directory, 'lease-script'), [...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  });
  const text = readFileSync(calls, 'utf8');
  const made = text.split('\n.\n').filter((call) => call !== '');
  return { code: done.status, stdout: done.stdout, calls: made.map((call) => call.split('\n')) };
}

describe('the lease script', () => {
  const program = join(directory, 'pvc');
  writeFileSync(program, pvc);
  const script = leaseScript({ vni: '10000', directory, socket: '/run/pvc/pvc.sock' });
  writeFileSync(join(directory, 'lease-script'), script.replaceAll('/usr/bin/pvc', program).replace('sleep 1', ':'));
  for (const file of ['pvc', 'lease-script']) chmodSync(join(directory, file), 0o755);
  after(() => rmSync(directory, { recursive: true }));
  beforeEach(() => {
    for (const file of [calls, codes, join(directory, 'told')]) writeFileSync(file, '');
  });

  it('gives dnsmasq the leases of the store, or none and an error', () => {
    assert.deepEqual(run(['init']), {
      code: 0,
      stdout: told,
      calls: [['--socket', '/run/pvc/pvc.sock', 'dnsmasq', 'leases', '10000']],
    });
    writeFileSync(codes, '4\n');
    assert.deepEqual([run(['init']).code, run(['init']).code], [4, 0]);
  });

  it('waits for a daemon and a store that are away', () => {
    writeFileSync(codes, '7\n8\n5\n');
    const { code, stdout, calls: made } = run(['init']);
    assert.deepEqual([code, stdout, made.length], [0, told, 4]);
  });

  it('tells what happens, word by word', () => {
    const { calls: made } = run(['add', '52:54:00:aa:bb:cc', '10.20.0.150', 'we b; reboot'], {
      DNSMASQ_LEASE_EXPIRES: '1795863500',
      DNSMASQ_CLIENT_ID: '01:52:54:00:aa:bb:cc',
    });
    assert.deepEqual(made[0]?.slice(3), [
      ...['lease-event', '10000', 'add', '52:54:00:aa:bb:cc', '10.20.0.150'],
      ...['--name=we b; reboot', '--expires=1795863500', '--client-id=01:52:54:00:aa:bb:cc'],
    ]);
  });

  it('tells of IPv6 clients without a name', () => {
    const { calls: made } = run(['del', '00:01:02', 'fd20::1:77'], { DNSMASQ_IAID: 'T77', DNSMASQ_LEASE_EXPIRES: '9' });
    assert.deepEqual(made[0]?.slice(3), [
      ...['lease-event', '10000', 'del', '00:01:02', 'fd20::1:77', '--expires=9', '--iaid=T77'],
    ]);
  });

  it('gives up what cannot be, and says so', () => {
    writeFileSync(codes, '4\n');
    assert.equal(run(['add', '52:54:00:aa:bb:cc', '10.20.0.150']).code, 4);
  });

  it('keeps to itself what dnsmasq only repeats at its start, but no renewal', () => {
    run(['init']);
    writeFileSync(calls, '');
    const known = { DNSMASQ_LEASE_EXPIRES: '1795863496', DNSMASQ_CLIENT_ID: '01:52:54:00:aa:bb:cc' };
    const words = ['old', '52:54:00:aa:bb:cc', '10.20.0.150', 'web1'];
    assert.deepEqual(run(words, known), { code: 0, stdout: '', calls: [] });
    assert.deepEqual(
      run(['old', '00:01:02', 'fd20::1:77'], { DNSMASQ_LEASE_EXPIRES: '1795863496', DNSMASQ_IAID: '77' }).calls,
      [],
    );
    assert.equal(run(words, { ...known, DNSMASQ_LEASE_EXPIRES: '1795863600' }).calls.length, 1);
    writeFileSync(calls, '');
    assert.equal(run(['del', ...words.slice(1)], known).calls.length, 1);
  });

  it('minds nothing else that dnsmasq may tell', () => {
    assert.deepEqual(run(['arp-add', '52:54:00:aa:bb:cc', '10.20.0.150']), { code: 0, stdout: '', calls: [] });
  });
});
