import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { PvcError } from '../../../core/error/error.ts';
import { eventually } from '../../../test/fixtures/expect.ts';
import { PrivateLibvirtd } from '../../../test/libvirt/private-libvirtd.ts';
import { realHost } from '../../../test/libvirt/real-host.ts';
import { openLibvirt } from './connection.ts';
import { LibvirtDriver } from './domain.ts';
import { maxMessageBytes } from './frame.ts';

const uuid = '7f1f1a1e-0000-4000-8000-000000000001';
const domain = { name: 'web1', uuid, id: -1 };

const rejection = (promise: Promise<unknown>): Promise<PvcError> =>
  promise.then(
    () => assert.fail('resolved'),
    (error: unknown) => error as PvcError,
  );

describe('a libvirtd that fails', { timeout: 60_000 }, () => {
  let rig: PrivateLibvirtd;
  const logged: string[] = [];
  const open = (keepaliveMs = 8_000): Promise<LibvirtDriver> =>
    LibvirtDriver.open(realHost(logged), { target: { path: rig.socketPath }, uri: 'qemu:///system', keepaliveMs });

  before(async () => {
    rig = await PrivateLibvirtd.start();
    await using driver = await open();
    await driver.create(rig.guestXml('web1', uuid));
  });
  after(async () => {
    await rig?.[Symbol.asyncDispose]();
  });

  it('killed in the middle of calls: each ends at once with what is known, and so do consoles and events', async () => {
    await using driver = await open();
    const console = await driver.openConsole(uuid);
    const consoleEnd = new Promise<PvcError>((resolve) => console.once('error', resolve));
    const events = driver.events.stream(['lifecycle'], new AbortController().signal);
    const eventEnd = rejection(events.next());
    await rig.signalGuest('web1', 'STOP');
    // Both wait for the stopped QEMU.
    const write = rejection(driver.setMemory(uuid, 16_384));
    const read = rejection(driver.connection.call('domainMemoryStats', { domain, maxStats: 20, flags: 0 }));
    assert.equal((await driver.listDomains()).length, 1);
    await rig.signalDaemon('KILL');
    assert.equal((await write).code, 'LIBVIRT_OUTCOME_UNKNOWN');
    assert.equal((await read).code, 'LIBVIRT_LOST');
    assert.equal((await consoleEnd).code, 'LIBVIRT_LOST');
    assert.equal((await eventEnd).code, 'LIBVIRT_LOST');
    assert.equal((await driver.closed)?.code, 'LIBVIRT_LOST');
    assert.equal((await rejection(driver.listDomains())).code, 'LIBVIRT_LOST');
    assert.ok(logged.some((line) => line.startsWith('warn The connection to libvirt')));
  });

  it('not there: connecting says so', async () => {
    // While it dies, the kernel may still take a connection, and drops it then.
    await eventually('nobody to listen', async () => (await rejection(open())).code === 'CONNECT_FAILED');
  });

  it('started again: a new connection finds the guest as it was', async () => {
    await rig.signalGuest('web1', 'CONT');
    await rig.startDaemon();
    await using driver = await open();
    assert.deepEqual(
      (await driver.listDomains()).map(({ uuid: u, name, state }) => [u, name, state]),
      [[uuid, 'web1', 'running']],
    );
    const console = await driver.openConsole(uuid);
    const [data] = await Promise.race([once(console, 'data'), once(console, 'close')]);
    assert.ok(data !== undefined, 'the guest still ticks');
    console.destroy();
  });

  it('stopped: the keepalive notices within the time that was set, and not before', async () => {
    const driver = await open(800);
    const host = realHost();
    const idleSince = host.clock.monotonicMs();
    // Alive and idle for longer than the limit: pings are answered.
    await host.clock.sleep(1_500);
    assert.equal((await driver.listDomains()).length, 1);
    assert.ok(host.clock.monotonicMs() - idleSince > 800);
    await rig.signalDaemon('STOP');
    const pending = rejection(driver.shutdown(uuid, 'acpi'));
    assert.equal((await driver.closed)?.code, 'LIBVIRT_HUNG');
    assert.equal((await pending).code, 'LIBVIRT_OUTCOME_UNKNOWN');
    assert.equal(
      (
        await rejection(
          openLibvirt(host, { target: { path: rig.socketPath }, uri: 'qemu:///system', keepaliveMs: 400 }),
        )
      ).code,
      'LIBVIRT_HUNG',
    );
    await rig.signalDaemon('CONT');
    await using again = await open();
    assert.equal((await again.listDomains()).length, 1);
  });

  it('full of calls that hang: the connection is not taken for hung', async () => {
    await using driver = await open(800);
    await rig.signalGuest('web1', 'STOP');
    const stuck = Array.from({ length: 8 }, () =>
      rejection(driver.connection.call('domainMemoryStats', { domain, maxStats: 20, flags: 0 }, { timeoutMs: 2_500 })),
    );
    // Sent one by one past our own limit, this many would stop libvirtd from reading, pings included.
    for (const error of await Promise.all(stuck)) assert.equal(error.code, 'LIBVIRT_SLOW');
    assert.equal((await driver.listDomains()).length, 1, 'on a connection of its own');
    await rig.signalGuest('web1', 'CONT');
  });

  it('agrees with us on the largest message', async () => {
    const announce = (length: number): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect({ path: rig.socketPath });
        const head = Buffer.alloc(4);
        head.writeUInt32BE(length);
        socket.write(head);
        socket.once('close', () => resolve(false));
        socket.once('error', () => undefined);
        setTimeout(() => {
          resolve(true);
          socket.destroy();
        }, 300);
      });
    assert.equal(await announce(maxMessageBytes + 4), true, 'waits for the rest');
    assert.equal(await announce(maxMessageBytes + 5), false, 'refuses');
  });

  it('pings its clients, who answer', async () => {
    const host = realHost();
    await rig.run(
      'kill $(cat /run/libvirtd.pid); while [ -e /run/libvirtd.pid ]; do sleep 0.1; done; printf "keepalive_interval=1\\nkeepalive_count=1\\n" >> /etc/libvirt/libvirtd.conf',
    );
    await rig.startDaemon();
    await using driver = await open();
    // It drops a client that leaves one ping unanswered for a second.
    await host.clock.sleep(2_500);
    assert.equal((await driver.listDomains()).length, 1);
  });
});

const once = (emitter: NodeJS.EventEmitter, event: string): Promise<unknown[]> =>
  new Promise((resolve) => emitter.once(event, (...args: unknown[]) => resolve(args)));
