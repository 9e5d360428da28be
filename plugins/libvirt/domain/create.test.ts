import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/plugin/api.ts';
import { fromFlags, type GuestFlags } from './create.ts';
import { fromXml } from './define.ts';
import { vmDocumentText } from './document.ts';
import { viewDomain } from './view.ts';

const base: GuestFlags = { name: 'web1', vcpus: 2, memoryMiB: 1024 };
const uuid = '0b5ed0a2-7a3c-4f5e-9d0a-2f6a52c9a001';
const viewOf = (flags: GuestFlags) => viewDomain(vmDocumentText(uuid, fromFlags(flags).fields));

const details = (flags: GuestFlags): readonly string[] => {
  try {
    fromFlags(flags);
  } catch (error) {
    assert.ok(error instanceof PvcError && error.code === 'VM_FLAGS_INVALID', String(error));
    return error.details;
  }
  return assert.fail('accepted');
};

describe('fromFlags', () => {
  it('makes a modern guest from next to nothing', () => {
    const view = viewOf(base);
    assert.equal(view.machine, 'q35');
    assert.equal(view.memoryMiB, 1024);
    assert.deepEqual(view.cpu, { mode: 'host-model', model: null });
    assert.deepEqual(view.features, ['acpi', 'apic']);
    assert.deepEqual(view.vnc, { listen: null, port: 'auto' });
    assert.equal(view.console?.type, 'pty');
    assert.equal(view.agent, 'configured');
    assert.equal(view.rng, true);
    assert.equal(view.clock, 'utc');
    assert.deepEqual(view.boot, ['hd', 'network']);
    assert.equal(view.watchdog, null);
    assert.ok(
      view.controllers.filter(({ model }) => model === 'pcie-root-port').length >= 10,
      'slots to plug devices in',
    );
  });

  it('leaves out what was not asked for', () => {
    const view = viewOf({ ...base, graphics: 'none', guestAgent: false, machine: 'pc' });
    assert.equal(view.vnc, null);
    assert.deepEqual(view.video, []);
    assert.equal(view.agent, 'none');
    assert.ok(view.controllers.every(({ type }) => type !== 'pci'));
  });

  it('gives each drive a target of its own, in order', () => {
    const disks = Array.from(
      { length: 28 },
      (_none, at) => ({ source: { type: 'file', path: `/srv/${at}.img` } }) as const,
    );
    const { fields } = fromFlags({
      ...base,
      cdrom: '',
      disks: [
        ...disks,
        { source: { type: 'block', path: '/dev/sdb' }, bus: 'scsi' },
        { source: { type: 'volume', pool: 'vms', volume: 'data' }, bus: 'sata' },
      ],
    });
    assert.deepEqual(
      fields.disks.slice(24).map(({ target }) => target),
      ['vdy', 'vdz', 'vdaa', 'vdab', 'sdb', 'sdc', 'sda'],
    );
    assert.deepEqual(fields.disks.at(-1), {
      target: 'sda',
      device: 'cdrom',
      bus: 'sata',
      source: { type: 'empty' },
      format: 'raw',
      readonly: true,
      extra: '',
    });
    assert.match(fields.definition, /virtio-scsi/);
    assert.doesNotMatch(fromFlags(base).fields.definition, /virtio-scsi/);
  });

  it('keeps a MAC address that was given and leaves the others open', () => {
    const { fields } = fromFlags({
      ...base,
      nics: [
        { source: { type: 'bridge', bridge: 'br0' }, mac: '52:54:00:AA:00:01' },
        { source: { type: 'network', network: 'office' }, model: 'e1000e' },
      ],
    });
    assert.deepEqual(
      fields.nics.map(({ mac, model }) => [mac, model]),
      [
        ['52:54:00:aa:00:01', 'virtio'],
        [undefined, 'e1000e'],
      ],
    );
  });

  it('starts a kernel directly, or UEFI, or in the order asked for', () => {
    const direct = viewOf({ ...base, kernel: '/srv/vmlinuz', initrd: '/srv/initrd', cmdline: 'console=ttyS0 x="<&>"' });
    assert.deepEqual(direct.kernel, { path: '/srv/vmlinuz', initrd: '/srv/initrd', cmdline: 'console=ttyS0 x="<&>"' });
    assert.deepEqual(direct.boot, ['kernel']);
    assert.equal(viewOf({ ...base, firmware: 'uefi' }).firmware, 'uefi');
    assert.deepEqual(viewOf({ ...base, boot: ['network', 'disk'] }).boot, ['network', 'hd']);
  });

  it('refuses what does not go together, all of it at once', () => {
    assert.deepEqual(
      details({ ...base, initrd: '/i', cmdline: 'c', boot: ['cdrom'], topology: { sockets: 1, cores: 3, threads: 1 } }),
      [
        '--initrd needs --kernel',
        '--cmdline needs --kernel',
        '--boot cdrom needs --cdrom',
        '--topology: 1 socket × 3 cores × 1 thread make 3 vCPUs, but --vcpus says 2',
      ],
    );
    const values = details({ ...base, name: 'a/b', memoryMiB: 1, vcpus: 0, cdrom: 'relative.iso' });
    assert.equal(values.length, 4);
    assert.ok(
      values.every((detail) => !detail.includes('/domain')),
      values.join('\n'),
    );
  });

  it('is the same whether made again or read from its own document', () => {
    const flags: GuestFlags = { ...base, accelerator: 'kvm', watchdog: true, description: 'x' };
    const made = fromFlags(flags);
    assert.deepEqual(fromFlags(flags), made);
    assert.deepEqual(fromXml(vmDocumentText(uuid, made.fields)).fields, made.fields);
  });
});
