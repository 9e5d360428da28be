import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, afterEach, before, describe, it } from 'node:test';
import { PrivateLibvirtd } from '../../../test/libvirt/private-libvirtd.ts';
import { realHost } from '../../../test/libvirt/real-host.ts';
import { LibvirtDriver } from './domain.ts';
import { isLibvirt, LibvirtError } from './errors.ts';
import type { DomainEvent } from './event-kinds.ts';

const uuid = (number: number): string => `7f1f1a1e-0000-4000-8000-${String(number).padStart(12, '0')}`;
const absent = uuid(999);

/** Waits for a text on a console; what came with it is kept for the next wait. */
const reader = (console: Duplex) => {
  let seen = '';
  let wake = (): void => undefined;
  console.on('data', (data: Buffer) => {
    seen += data.toString('latin1');
    wake();
  });
  return async (wanted: RegExp): Promise<string> => {
    for (;;) {
      const match = wanted.exec(seen);
      if (match !== null) {
        seen = seen.slice(match.index + match[0].length);
        return match[0];
      }
      if (console.destroyed) assert.fail(`the console ended before ${wanted}; it said ${JSON.stringify(seen)}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
        console.once('close', resolve);
      });
    }
  };
};

/** Collects events and waits for one. */
const watcher = async (driver: LibvirtDriver) => {
  const events: DomainEvent[] = [];
  let wake = (): void => undefined;
  const stop = await driver.events.subscribe(
    ['lifecycle', 'reboot', 'device-removed', 'device-added', 'balloon-change', 'job-completed', 'rtc-change'],
    (event) => {
      events.push(event);
      wake();
    },
  );
  const until = async (what: (event: DomainEvent) => boolean): Promise<DomainEvent> => {
    for (;;) {
      const found = events.find(what);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const life = (id: string, event: string, detail: string) =>
    until((e) => e.kind === 'lifecycle' && e.domain.uuid === id && e.event === event && e.detail === detail);
  return { events, until, life, stop };
};

describe('the libvirt driver', { timeout: 60_000 }, () => {
  let rig: PrivateLibvirtd;
  let driver: LibvirtDriver;
  const logged: string[] = [];

  before(async () => {
    rig = await PrivateLibvirtd.start();
    driver = await LibvirtDriver.open(realHost(logged), { target: { path: rig.socketPath }, uri: 'qemu:///system' });
  });
  afterEach(async () => {
    for (const domain of await driver.listDomains()) await driver.destroy(domain.uuid);
  });
  after(async () => {
    await driver?.close();
    await rig?.[Symbol.asyncDispose]();
    assert.deepEqual(logged, []);
  });

  it('works on the test driver', async () => {
    await using test = await LibvirtDriver.open(realHost(), {
      target: { path: rig.socketPath },
      uri: 'test:///default',
    });
    const { life } = await watcher(test);
    const [domain] = await test.listDomains();
    assert.deepEqual([domain?.name, domain?.state], ['test', 'running']);
    assert.ok(domain);
    await test.suspend(domain.uuid);
    await life(domain.uuid, 'suspended', 'paused');
    assert.equal((await test.info(domain.uuid))?.state, 'paused');
    await test.resume(domain.uuid);
    await life(domain.uuid, 'resumed', 'unpaused');
    assert.equal(await test.destroy(domain.uuid), 'done');
    await life(domain.uuid, 'stopped', 'destroyed');
    assert.equal(await test.destroy(domain.uuid), 'absent', 'it is defined but does not run');
    assert.deepEqual(
      await test
        .interfaceAddresses(domain.uuid, 'arp')
        .catch((error: unknown) => isLibvirt(error, 'OPERATION_INVALID')),
      true,
    );
  });

  it('tells versions, the node and what it can do', async () => {
    const versions = await driver.versions();
    assert.match(versions.libvirt, /^\d+\.\d+\.\d+$/);
    assert.match(versions.hypervisor, /^\d+\.\d+\.\d+$/);
    const node = await driver.nodeInfo();
    assert.ok(node.cpus > 0 && node.memoryKiB > 100_000 && node.model === 'x86_64');
    assert.match(await driver.capabilities(), /^<capabilities>/);
    assert.match(await driver.domainCapabilities({ virtType: 'qemu', arch: 'x86_64' }), /<domain>qemu<\/domain>/);
  });

  it('answers for a domain that does not exist', async () => {
    assert.equal(await driver.info(absent), undefined);
    assert.equal(await driver.getXml(absent), undefined);
    assert.equal(await driver.memoryStats(absent), undefined);
    assert.equal(await driver.jobStats(absent), undefined);
    assert.equal(await driver.destroy(absent), 'absent');
    assert.deepEqual(await driver.stats([absent]), []);
    assert.deepEqual(await driver.stats([]), []);
    assert.equal(await driver.removeSecret(absent), 'absent');
    for (const attempt of [
      () => driver.suspend(absent),
      () => driver.shutdown(absent, 'acpi'),
      () => driver.shutdown(absent, 'agent'),
      () => driver.attachDevice(absent, '<disk/>'),
      () => driver.openConsole(absent),
      () => driver.migrateP2P(absent, { destinationUri: 'qemu+tcp://127.0.0.1:1/system', timeoutMs: 5_000 }),
    ])
      await assert.rejects(attempt, (error: unknown) => isLibvirt(error, 'NO_DOMAIN'));
  });

  it("refuses bad XML with libvirt's reason", async () => {
    await assert.rejects(driver.create('<domain'), (error: unknown) => isLibvirt(error, 'XML_DETAIL', 'XML_ERROR'));
    await assert.rejects(driver.create("<domain type='qemu'><name>x</name></domain>"), (error: unknown) =>
      isLibvirt(error, 'XML_ERROR', 'OS_TYPE'),
    );
    assert.deepEqual(await driver.listDomains(), []);
  });

  it('runs a guest, its console and its events, until the guest switches itself off', async () => {
    const { life, events, stop } = await watcher(driver);
    const id = await driver.create(rig.guestXml('web1', uuid(1)), { paused: true });
    assert.equal(id, uuid(1));
    assert.deepEqual(
      (await driver.listDomains()).map(({ uuid: u, name, state, reason }) => [u, name, state, reason]),
      [[id, 'web1', 'paused', 'user']],
    );
    const console = await driver.openConsole(id);
    const see = reader(console);
    await driver.resume(id);
    await see(/tick 0\ntick 1\n/);
    console.write('hello');
    await see(/h(tick \d\n)?e(tick \d\n)?l(tick \d\n)?l(tick \d\n)?o/);

    await assert.rejects(
      driver.openConsole(id),
      (error: unknown) => isLibvirt(error, 'OPERATION_FAILED'),
      'somebody has it',
    );
    const lost = new Promise((resolve) => console.once('close', resolve));
    const second = await driver.openConsole(id, { force: true });
    await lost;
    const seeSecond = reader(second);
    await seeSecond(/tick/);

    const [stats] = await driver.stats([id]);
    assert.ok(stats !== undefined && (stats.cpu?.timeNs ?? 0) > 0);
    assert.deepEqual(
      [stats.state, stats.balloon?.maximumKiB, stats.vcpus?.current, stats.vcpus?.maximum],
      ['running', 32_768, 1, 2],
    );
    assert.deepEqual(
      stats.blocks.map(({ name, capacityBytes }) => [name, capacityBytes]),
      [['vda', 1_048_576]],
    );
    assert.ok((stats.blocks[0]?.readBytes ?? 0) >= 512);
    const info = await driver.info(id);
    assert.deepEqual([info?.state, info?.reason, info?.maxMemoryKiB, info?.vcpus], ['running', 'unpaused', 32_768, 1]);
    assert.equal((await driver.memoryStats(id))?.['actual-balloon'], 32_768);
    assert.match((await driver.getXml(id)) ?? '', /<name>web1<\/name>/);

    const ended = new Promise((resolve) => second.once('close', resolve));
    second.write('q');
    await life(id, 'stopped', 'shutdown');
    await ended;
    assert.deepEqual(await driver.listDomains(), []);
    assert.deepEqual(
      events.flatMap((event) => (event.kind === 'lifecycle' ? [`${event.event} ${event.detail}`] : [])),
      ['started booted', 'suspended paused', 'resumed unpaused', 'shutdown guest', 'stopped shutdown'],
    );
    await stop();
  });

  it('changes a running guest', async () => {
    const { until, life, stop } = await watcher(driver);
    const id = await driver.create(
      rig.guestXml('web2', uuid(2), "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>"),
    );
    // While SeaBIOS still looks at the drives, a medium cannot be changed.
    const booting = await driver.openConsole(id);
    await reader(booting)(/tick/);
    booting.destroy();
    await writeFile(join(rig.dir, 'extra.img'), Buffer.alloc(1_048_576));
    const disk = (target: string, bus: string): string =>
      `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${rig.dir}/extra.img'/><target dev='${target}' bus='${bus}'/></disk>`;
    await driver.attachDevice(id, disk('sda', 'usb'));
    const added = await until((event) => event.kind === 'device-added');
    assert.deepEqual(
      (await driver.stats([id]))[0]?.blocks.filter(({ name }) => name === 'sda').map(({ path }) => path),
      [`${rig.dir}/extra.img`],
    );
    await driver.blockResize(id, 'sda', 2_097_152);
    assert.equal((await driver.stats([id]))[0]?.blocks.find(({ name }) => name === 'sda')?.capacityBytes, 2_097_152);
    await driver.detachDevice(id, disk('sda', 'usb'));
    const removed = await until((event) => event.kind === 'device-removed');
    assert.deepEqual(removed.kind === 'device-removed' && removed.alias, added.kind === 'device-added' && added.alias);

    await driver.attachDevice(
      id,
      "<interface type='ethernet'><mac address='52:54:00:00:00:02'/><target dev='tap7'/><model type='virtio'/></interface>",
    );
    assert.deepEqual(
      (await driver.stats([id]))[0]?.interfaces.map(({ name }) => name),
      ['tap7'],
    );
    await driver.updateDevice(
      id,
      `<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='${rig.dir}/boot.img'/><target dev='hdc' bus='ide'/><readonly/></disk>`,
    );
    assert.match((await driver.getXml(id)) ?? '', /device='cdrom'>\s*<driver[^>]*>\s*<source file='[^']*boot.img'/);

    await driver.setMemory(id, 16_384);
    await driver.setVcpus(id, 2);
    assert.equal((await driver.info(id))?.vcpus, 2);
    await driver.suspend(id);
    await life(id, 'suspended', 'paused');
    assert.deepEqual([(await driver.info(id))?.state, (await driver.info(id))?.reason], ['paused', 'user']);
    // The list tells a state in the same words, and the number that the domain's XML has: a glance relies on it.
    const [listed] = await driver.listDomains();
    assert.deepEqual([listed?.state, listed?.reason], ['paused', 'user']);
    assert.match((await driver.getXml(id)) ?? '', new RegExp(`<domain type='qemu' id='${listed?.id}'`));
    await driver.resume(id);
    await driver.reset(id);
    await until((event) => event.kind === 'reboot');
    await driver.shutdown(id, 'acpi');
    assert.equal((await driver.info(id))?.state, 'running', 'the boot sector knows no power button');
    await assert.rejects(driver.shutdown(id, 'agent'), (error: unknown) => isLibvirt(error, 'ARGUMENT_UNSUPPORTED'));
    await assert.rejects(driver.agentCommand(id, '{"execute":"guest-ping"}', 3), (error: unknown) =>
      isLibvirt(error, 'ARGUMENT_UNSUPPORTED'),
    );
    assert.equal(await driver.destroy(id, true), 'done');
    await life(id, 'stopped', 'destroyed');
    await stop();
  });

  it('ends a guest with its connection when asked to', async () => {
    const { life, stop } = await watcher(driver);
    const other = await LibvirtDriver.open(realHost(), { target: { path: rig.socketPath }, uri: 'qemu:///system' });
    const id = await other.create(rig.guestXml('brief', uuid(3)), { autodestroy: true });
    await other.close();
    await life(id, 'stopped', 'destroyed');
    await stop();
  });

  it('is not held up by guests that hang', async () => {
    const ids = await Promise.all(
      [4, 5, 6, 7, 8, 9].map((number) => driver.create(rig.guestXml(`hang${number}`, uuid(number)))),
    );
    for (const number of [4, 5, 6, 7, 8]) await rig.signalGuest(`hang${number}`, 'STOP');
    // Each asks a stopped QEMU something and gets no answer.
    const stuck = Promise.allSettled(ids.slice(0, 5).map((id) => driver.setMemory(id, 16_384)));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await driver.listDomains()).length, 6);
    assert.equal((await driver.stats()).length, 6);
    await driver.suspend(uuid(9));
    // A QEMU that has just begun to hang: the statistics themselves are the call that gets stuck on it, once.
    await rig.signalGuest('hang9', 'STOP');
    await assert.rejects(driver.stats(undefined, { timeoutMs: 500 }), { code: 'LIBVIRT_SLOW' });
    assert.equal((await driver.listDomains()).length, 6);
    assert.equal((await driver.stats()).length, 6);
    // libvirtd gives each 10 s to end politely before it kills.
    assert.deepEqual(await Promise.all(ids.map((id) => driver.destroy(id))), Array(6).fill('done'));
    const results = await stuck;
    assert.ok(results.every((result) => result.status === 'rejected' && result.reason instanceof LibvirtError));
  });

  it('moves a running guest to another libvirtd, and leaves it when cancelled', async () => {
    const away = await PrivateLibvirtd.start({ name: 'hv2', besides: rig, tcpPort: 16_510 });
    const there = await LibvirtDriver.open(realHost(), { target: { path: away.socketPath }, uri: 'qemu:///system' });
    try {
      const source = await watcher(driver);
      const id = await driver.create(rig.guestXml('mover', uuid(20)));
      const destination = {
        destinationUri: 'qemu+tcp://127.0.0.1:16510/system',
        migrateUri: 'tcp://127.0.0.1',
        unsafe: true,
      } as const;

      await assert.rejects(
        driver.migrateP2P(id, { ...destination, destinationUri: 'qemu+tcp://127.0.0.1:1/system', timeoutMs: 10_000 }),
        (error: unknown) => isLibvirt(error, 'OPERATION_FAILED', 'SYSTEM_ERROR'),
      );
      // Slow enough to be under way when it is cancelled: SeaBIOS leaves a few MiB to send.
      const control = new AbortController();
      const slow = driver.migrateP2P(id, {
        ...destination,
        bandwidthMiBs: 1,
        timeoutMs: 30_000,
        signal: control.signal,
      });
      slow.catch(() => undefined);
      for (let running = false; !running; ) running = (await driver.jobStats(id))?.values['operation'] === 5;
      control.abort();
      await assert.rejects(slow, (error: unknown) => isLibvirt(error, 'OPERATION_ABORTED'));
      assert.equal((await driver.info(id))?.state, 'running');
      assert.deepEqual(await there.listDomains(), []);

      await driver.migrateP2P(id, { ...destination, maxDowntimeMs: 300, timeoutMs: 30_000 });
      assert.equal(await driver.info(id), undefined);
      assert.deepEqual((await there.info(id))?.state, 'running');
      await source.life(id, 'stopped', 'migrated');
      const job = await source.until(
        (event) =>
          event.kind === 'job-completed' &&
          event.values['success'] !== false &&
          Number(event.values['memory_total']) > 0,
      );
      assert.equal(job.kind === 'job-completed' && job.operation, 'migration-out');
      const console = await there.openConsole(id);
      await reader(console)(/tick \d\n/);
      console.destroy();
      await there.destroy(id);
      await source.stop();
    } finally {
      await there.close();
      await away[Symbol.asyncDispose]();
    }
  });
});
