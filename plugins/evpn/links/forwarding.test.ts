import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { forwardPackets, keepRouters } from './forwarding.ts';

const conf = '/proc/sys/net/ipv6/conf';

/** The kernel takes what is written in place of what was there; files in memory keep both: the last line counts. */
async function machine(settings: Readonly<Record<string, string>>) {
  const host = createVirtualHost();
  for (const [path, value] of Object.entries(settings)) {
    await host.files.makeDirectory(path.slice(0, path.lastIndexOf('/')));
    await host.files.writeAtomic(path, `${value}\n`);
  }
  const last = async (path: string) => (await host.files.readText(path))?.trim().split('\n').at(-1);
  return { host, last };
}

const before = {
  '/proc/sys/net/ipv4/ip_forward': '0',
  [`${conf}/all/forwarding`]: '0',
  [`${conf}/all/accept_ra`]: '1',
  [`${conf}/default/accept_ra`]: '1',
  [`${conf}/up/accept_ra`]: '1',
  [`${conf}/fixed/accept_ra`]: '0',
  [`${conf}/pvcn100/accept_ra`]: '1',
  [`${conf}/pvt525400123456/accept_ra`]: '1',
};

describe('a node that passes packets on', () => {
  it('goes on to believe the routers that it believed', async () => {
    const { host, last } = await machine(before);
    await forwardPackets(host);
    for (const [path, value] of Object.entries({
      ...before,
      '/proc/sys/net/ipv4/ip_forward': '1',
      [`${conf}/all/forwarding`]: '1',
      [`${conf}/up/accept_ra`]: '2',
    }))
      assert.equal(await last(path), value, path);
  });

  it('is left as it is when it does already', async () => {
    const on = { ...before, '/proc/sys/net/ipv4/ip_forward': '1', [`${conf}/all/forwarding`]: '1' };
    const { host, last } = await machine(on);
    await forwardPackets(host);
    assert.equal(await last(`${conf}/up/accept_ra`), '1');
    await keepRouters(host);
    assert.equal(await last(`${conf}/up/accept_ra`), '2');
  });

  it('needs no IPv6', async () => {
    const { host, last } = await machine({ '/proc/sys/net/ipv4/ip_forward': '0' });
    await forwardPackets(host);
    assert.equal(await last('/proc/sys/net/ipv4/ip_forward'), '1');
  });
});
