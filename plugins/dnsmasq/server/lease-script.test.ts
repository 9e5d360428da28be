/** The lease script as dnsmasq calls it, and what the daemon reads of what it leaves. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import type { LeaseEvent } from '../lease/lease-event.ts';
import { readReport } from '../lease/lease-report.ts';
import { leaseScript } from './lease-script.ts';

const directory = mkdtempSync(join(tmpdir(), 'lease-script-'));
const reported = join(directory, 'reported');
const told =
  '1795863496 52:54:00:aa:bb:cc 10.20.0.150 web1 01:52:54:00:aa:bb:cc\n1795863496 77 fd20::1:77 * 00:01:02\n';
const known = { DNSMASQ_LEASE_EXPIRES: '1795863496', DNSMASQ_CLIENT_ID: '01:52:54:00:aa:bb:cc' };

/** How the script ended, and what it has reported by then. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const done = spawnSync(join(directory, 'lease-script'), [...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  });
  const events = readdirSync(reported).map((name): LeaseEvent => {
    const report = readReport(name, readFileSync(join(reported, name), 'utf8'));
    assert.equal(report.vni, '10000');
    return report.event;
  });
  return { code: done.status, stdout: done.stdout, events };
}

describe('the lease script', () => {
  writeFileSync(
    join(directory, 'lease-script'),
    // Without a pause between its tries, and with few of them.
    leaseScript({ vni: '10000', directory, reported }).replace('sleep 1', ':').replace('-lt 600', '-lt 3'),
  );
  chmodSync(join(directory, 'lease-script'), 0o755);
  after(() => rmSync(directory, { recursive: true }));
  beforeEach(() => {
    rmSync(reported, { recursive: true, force: true });
    mkdirSync(reported);
    writeFileSync(join(directory, 'leases'), told);
  });

  it('gives dnsmasq the leases that were written down for it, or an error', () => {
    assert.deepEqual(run(['init']), { code: 0, stdout: told, events: [] });
    rmSync(join(directory, 'leases'));
    assert.notEqual(run(['init']).code, 0);
  });

  it('tells what happens, word by word', () => {
    const env = { ...known, DNSMASQ_LEASE_EXPIRES: '1795863500' };
    assert.deepEqual(run(['add', '52:54:00:aa:bb:cc', '10.20.0.150', 'we b; $(reboot)'], env).events, [
      {
        action: 'add',
        client: '52:54:00:aa:bb:cc',
        address: '10.20.0.150',
        name: 'we b; $(reboot)',
        expires: 1_795_863_500,
        clientId: '01:52:54:00:aa:bb:cc',
      },
    ]);
  });

  it('tells of IPv6 clients without a name', () => {
    const env = { DNSMASQ_IAID: 'T77', DNSMASQ_LEASE_EXPIRES: '9', DNSMASQ_MAC: '52:54:00:aa:bb:cc' };
    assert.deepEqual(run(['del', '00:01:02', 'fd20::1:77'], env).events, [
      {
        action: 'del',
        client: '00:01:02',
        address: 'fd20::1:77',
        expires: 9,
        iaid: 'T77',
        mac: '52:54:00:aa:bb:cc',
      },
    ]);
  });

  it('keeps the last that happened to an address', () => {
    run(['add', '52:54:00:aa:bb:cc', '10.20.0.150']);
    run(['del', '52:54:00:aa:bb:cc', '10.20.0.150']);
    const { events } = run(['add', '52:54:00:aa:bb:dd', '10.20.0.151']);
    assert.deepEqual(
      events.map(({ action, address }) => [action, address]),
      [
        ['del', '10.20.0.150'],
        ['add', '10.20.0.151'],
      ],
    );
  });

  it('keeps to itself what dnsmasq only repeats at its start, but no renewal', () => {
    const words = ['old', '52:54:00:aa:bb:cc', '10.20.0.150', 'web1'];
    assert.deepEqual(run(words, known), { code: 0, stdout: '', events: [] });
    const six = { DNSMASQ_LEASE_EXPIRES: '1795863496', DNSMASQ_IAID: '77' };
    assert.deepEqual(run(['old', '00:01:02', 'fd20::1:77'], six).events, []);
    assert.equal(run(words, { ...known, DNSMASQ_LEASE_EXPIRES: '1795863600' }).events[0]?.expires, 1_795_863_600);
    assert.equal(run(['del', ...words.slice(1)], known).events[0]?.action, 'del');
  });

  it('tells all where it does not know what was told', () => {
    rmSync(join(directory, 'leases'));
    assert.equal(run(['old', '52:54:00:aa:bb:cc', '10.20.0.150', 'web1'], known).events.length, 1);
  });

  it('does not end well when it could not tell', () => {
    writeFileSync(join(directory, 'leases'), '');
    rmSync(reported, { recursive: true });
    const done = spawnSync(join(directory, 'lease-script'), ['add', '52:54:00:aa:bb:cc', '10.20.0.150']);
    assert.equal(done.status, 1);
    mkdirSync(reported);
  });

  it('minds nothing else that dnsmasq may tell', () => {
    assert.deepEqual(run(['arp-add', '52:54:00:aa:bb:cc', '10.20.0.150']), { code: 0, stdout: '', events: [] });
  });
});
