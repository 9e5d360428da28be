/** The health check of libvirt: quiet while libvirtd starts, told once it is silent, until it answers. @module */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CheckedLink, libvirtHealth } from './health.ts';

const silent = async (): Promise<never> => {
  throw new Error('no reply within 8 s');
};
const signal = new AbortController().signal;

describe('the health check of libvirt', () => {
  const connected: CheckedLink = { connected: true, awayMs: 0, why: '', list: async () => [] };
  const away = (awayMs: number): CheckedLink => ({
    connected: false,
    awayMs,
    why: 'connection refused',
    list: silent,
  });

  /** A check whose link can be exchanged, and what it finds then. */
  function checked() {
    const link = { ...connected };
    const check = libvirtHealth('hv1', link);
    return (now: CheckedLink) => check.run(Object.assign(link, now) && signal);
  }

  it('says nothing while libvirtd starts, and something when it does not come', async () => {
    const finding = checked();
    assert.equal(await finding(away(500)), undefined);
    assert.match((await finding(away(20_000)))?.message ?? '', /does not answer on hv1.*connection refused/);
    assert.equal(await finding(connected), undefined);
  });

  it('stays told while the link to a hung libvirtd is given up and opened again', async () => {
    const finding = checked();
    const hung = { ...connected, list: silent };
    assert.match((await finding(hung))?.message ?? '', /no reply within 8 s/);
    assert.equal((await finding(away(100)))?.severity, 'critical');
    assert.equal(await finding(connected), undefined);
    assert.equal(await finding(away(100)), undefined);
  });
});
