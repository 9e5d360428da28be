import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../host/virtual-host.ts';
import { directControl } from './direct.ts';

const argv = ['/usr/bin/ceph-osd', '--foreground', '--id', '3'] as const;
const service = {
  name: 'ceph-osd-3',
  unit: 'ceph-osd@3.service',
  argv,
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
