import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../host/virtual-host.ts';
import { directControl, systemdControl } from './direct.ts';

const argv = ['/usr/bin/ceph-osd', '--foreground', '--id', '3'] as const;
const service = {
  name: 'ceph-osd-3',
  unit: 'ceph-osd@3.service',
  argv,
  env: { CEPH_USE_RANDOM_NONCE: '1' },
  ready: async () => true,
  readyTimeoutMs: 1_000,
};
const directories = { run: '/run/pvc', log: '/var/log/pvc' };

/** A process as the kernel shows it. */
async function shown(
  host: ReturnType<typeof createVirtualHost>,
  words: readonly string[],
  session?: number,
): Promise<number> {
  const pid = await host.processes.detach(words as [string, ...string[]], { logFile: '/dev/null' });
  await host.files.makeDirectory(`/proc/${pid}`);
  await host.files.writeAtomic(`/proc/${pid}/stat`, `${pid} (a (b) c) S 1 ${pid} ${session ?? pid} 0 -1 4194304`);
  await host.files.writeAtomic(`/proc/${pid}/cmdline`, `${words.join('\0')}\0`);
  return pid;
}

async function setUp() {
  const host = createVirtualHost();
  for (const path of ['/run/pvc', '/var/log/pvc', '/proc']) await host.files.makeDirectory(path);
  return { host, control: directControl(host, service, directories) };
}

describe('a service without systemd', () => {
  it('is started once, and found by the next daemon', async () => {
    const { host, control } = await setUp();
    assert.equal(await control.running(), undefined);
    await control.start();
    const pid = await control.running();
    assert.ok(pid);
    assert.equal(await directControl(host, service, directories).running(), pid);
    host.processes.end(pid);
    assert.equal(await control.running(), undefined);
  });

  it('is started with what its environment shall have', async () => {
    const { host, control } = await setUp();
    await control.start();
    assert.deepEqual(
      [...host.processes.running.values()].map(({ env }) => env),
      [service.env],
    );
  });

  it('is not taken for running because of what it has forked', async () => {
    const { host, control } = await setUp();
    const pid = await shown(host, argv);
    await shown(host, argv, pid);
    assert.equal(await control.running(), pid);
    host.processes.end(pid);
    await host.files.remove(`/proc/${pid}`);
    assert.equal(await control.running(), undefined);
  });

  it('is found when the daemon that started it was killed before it wrote that down', async () => {
    const { host, control } = await setUp();
    const other = await shown(host, [...argv.slice(0, -1), '4']);
    const pid = await shown(host, argv);
    assert.equal(await control.running(), pid);
    await control.stop();
    assert.deepEqual(host.processes.signals, [{ pid, signal: 'SIGTERM' }]);
    assert.ok(await host.processes.alive(other));
    // Its directory in /proc may be seen a moment longer than it lives.
    assert.equal(await control.running(), undefined);
  });
});

describe('a service of systemd', () => {
  const dropIn = '/etc/systemd/system/ceph-osd@.service.d/pvc.conf';

  /** @param told what systemd says of the unit's environment, at first and after it has read its files anew */
  async function setUpSystemd(...told: readonly [string, ...string[]]) {
    const host = createVirtualHost();
    await host.files.makeDirectory('/etc/systemd/system');
    let reloads = 0;
    host.processes.on(['systemctl', 'show', /Environment/], () => ({ stdout: `Environment=${told[reloads]}\n` }));
    host.processes.on(['systemctl', 'show', /ActiveState/], { stdout: 'MainPID=7\nActiveState=active\n' });
    host.processes.on(['systemctl', 'daemon-reload'], () => {
      reloads += 1;
      return {};
    });
    return { host, control: systemdControl(host, service), reloads: () => reloads };
  }

  it('has its environment from a drop-in for all instances, written once, also when it runs already', async () => {
    const { host, control, reloads } = await setUpSystemd('CLUSTER=ceph', 'CLUSTER=ceph CEPH_USE_RANDOM_NONCE=1');
    assert.equal(await control.running(), 7);
    assert.equal(
      await host.files.readText(dropIn),
      '# Written by pvc, which starts this service and looks after it.\n[Service]\nEnvironment=CEPH_USE_RANDOM_NONCE=1\n',
    );
    assert.equal(reloads(), 1);
    assert.equal(await control.running(), 7);
    assert.equal(await systemdControl(host, { ...service, unit: 'ceph-osd@4.service' }).running(), 7);
    assert.equal(reloads(), 1);
  });

  it('has it also when whoever wrote the drop-in ended before systemd read it', async () => {
    const { host, control, reloads } = await setUpSystemd('CEPH_USE_RANDOM_NONCE=', 'CEPH_USE_RANDOM_NONCE=1');
    await host.files.makeDirectory('/etc/systemd/system/ceph-osd@.service.d');
    await host.files.writeAtomic(dropIn, '[Service]\n');
    await control.running();
    assert.equal(reloads(), 1);
  });

  it('that systemd does not tell about is not taken for one that has ended', async () => {
    const { host, control } = await setUpSystemd('CEPH_USE_RANDOM_NONCE=1');
    host.processes.on(['systemctl', 'show', /ActiveState/], { code: 1, stderr: 'Failed to connect to bus' });
    await assert.rejects(control.running(), /systemctl show .*ceph-osd@3.service: Failed to connect to bus/);
  });

  it('without an environment of its own leaves the files of systemd alone', async () => {
    const { host } = await setUpSystemd('');
    const { env: _, ...bare } = service;
    assert.equal(await systemdControl(host, bare).running(), 7);
    assert.deepEqual(await host.files.list('/etc/systemd/system'), []);
  });
});
