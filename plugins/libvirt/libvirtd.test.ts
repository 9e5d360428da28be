import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../core/host/virtual-host.ts';
import { libvirtConfig, libvirtdService, withSettings, writeQemuSettings } from './libvirtd.ts';

const settings = { user: 'root', remember_owner: 0, namespaces: [], cgroup_controllers: ['cpu', 'a "b"'] };
const block = [
  '# BEGIN written by pvc; change plugins.libvirt.qemu in pvc.yaml instead',
  'user = "root"',
  'remember_owner = 0',
  'namespaces = [  ]',
  'cgroup_controllers = [ "cpu", "a \\"b\\"" ]',
  '# END written by pvc',
  '',
].join('\n');

describe('qemu.conf', () => {
  for (const [what, text, wanted] of [
    ['an empty file', '', block],
    ['what the administrator wrote', '# mine\nmax_files = 1\n', `# mine\nmax_files = 1\n${block}`],
    ['a last line without its end', 'max_files = 1', `max_files = 1\n${block}`],
  ] as const) {
    it(`gets the settings after ${what}, the same again and again`, () => {
      assert.equal(withSettings(text, settings), wanted);
      assert.equal(withSettings(wanted, settings), wanted);
    });
  }

  it('loses the old settings when they change, and the block when there are none', () => {
    const before = `# mine\n${block}`;
    assert.equal(withSettings(before, {}), '# mine\n');
    const after = withSettings(before, { user: 'qemu' });
    assert.ok(after.startsWith('# mine\n# BEGIN') && after.includes('user = "qemu"') && !after.includes('namespaces'));
  });

  it('is written only when it changes', async () => {
    const host = createVirtualHost();
    await writeQemuSettings(host, settings);
    assert.equal(await host.files.readText('/etc/libvirt/qemu.conf'), block);
    assert.equal((await host.files.stat('/etc/libvirt/qemu.conf'))?.mode, 0o600);
    host.files.fault = (_path, write) => (write ? 'denied' : undefined);
    await writeQemuSettings(host, settings);
    await assert.rejects(writeQemuSettings(host, {}));
  });

  it('cannot be given lines of its own by a setting', () => {
    assert.ok(!libvirtConfig.safeParse({ qemu: { 'user = "root"\nx': 1 } }).success);
    assert.equal(withSettings('', { user: 'a"\nb = 1' }).split('\n').length, 4);
  });
});

describe('the service libvirtd', () => {
  it('is ready once somebody listens on its socket', async () => {
    const host = createVirtualHost();
    const config = libvirtConfig.parse({});
    const service = libvirtdService(host, config, false);
    assert.deepEqual([service.argv, service.unit], [['/usr/sbin/libvirtd'], 'libvirtd.service']);
    assert.equal(await service.ready(), false);
    const stream = new PassThrough();
    host.net.listen(config.socket, () => stream);
    assert.equal(await service.ready(), true);
    assert.equal(stream.destroyed, true, 'the connection is not left open');
  });
});
