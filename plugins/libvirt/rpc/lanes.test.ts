import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeDaemon, settle } from '../../../test/libvirt/fake-daemon.ts';
import { openLibvirt } from './connection.ts';
import { Lanes } from './lanes.ts';

const options = { target: { path: '/run/libvirt/libvirt-sock' }, uri: 'qemu:///system', keepaliveMs: 8_000 } as const;

describe('the connections of one driver', () => {
  it('end for the reason that the main one ended for, also in the eyes of who waits on another', async () => {
    const [first, second] = [new FakeDaemon(), new FakeDaemon()];
    const lanes = new Lanes(second.host, options, await openLibvirt(first.host, options));
    const waiting = lanes.alone((connection) => connection.call('connectGetHostname', {}));
    const told = assert.rejects(waiting, { code: 'LIBVIRT_LOST' });
    await settle();
    first.socket.destroy();
    await told;
    assert.equal((await lanes.main.closed)?.code, 'LIBVIRT_LOST');
  });

  it('say good-bye each when the driver is closed', async () => {
    const [first, second] = [new FakeDaemon(), new FakeDaemon()];
    const lanes = new Lanes(second.host, options, await openLibvirt(first.host, options));
    const waiting = lanes.alone((connection) => connection.call('connectGetHostname', {}));
    const told = assert.rejects(waiting, { code: 'LIBVIRT_CLOSED' });
    await settle();
    await lanes.close();
    await told;
    assert.equal(await lanes.main.closed, undefined);
  });
});
