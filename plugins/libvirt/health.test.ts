/** The health check of libvirt: quiet while libvirtd starts, told once it is silent, until it answers. @module */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CheckedLink, libvirtHealth } from './health.ts';

const silent = async (): Promise<never> => {
  throw new Error('no reply within 8 s');
};
const signal = new AbortController().signal;

describe('the health check of libvirt', () => {
  let link: CheckedLink;
  const connected: CheckedLink = { connected: true, awayMs: 0, why: '', driver: { listDomains: async () => [] } };
  const away = (awayMs: number): CheckedLink => ({
    connected: false,
    awayMs,
    why: 'connection refused',
    driver: { listDomains: silent },
  });

  it('says nothing while libvirtd starts, and something when it does not come', async () => {
    const check = libvirtHealth(
      () => 'hv1',
      () => link,
    );
    link = away(500);
    assert.equal(await check.run(signal), undefined);
    link = away(20_000);
    assert.match((await check.run(signal))?.message ?? '', /does not answer on hv1.*connection refused/);
    link = connected;
    assert.equal(await check.run(signal), undefined);
  });

  it('stays told while the link to a hung libvirtd is given up and opened again', async () => {
    const check = libvirtHealth(
      () => 'hv1',
      () => link,
    );
    link = { ...connected, driver: { listDomains: silent } };
    assert.match((await check.run(signal))?.message ?? '', /no reply within 8 s/);
    link = away(100);
    assert.equal((await check.run(signal))?.severity, 'critical');
    link = connected;
    assert.equal(await check.run(signal), undefined);
    link = away(100);
    assert.equal(await check.run(signal), undefined);
  });
});
