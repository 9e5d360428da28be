import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { vmDocumentText } from './document.ts';
import { fixtureText, testGuests } from './fixtures/load.ts';
import { viewDomain } from './view.ts';

describe('viewDomain', () => {
  it('shows a running guest', () => {
    const view = viewDomain(readFileSync(new URL('fixtures/running/flags-default.xml', import.meta.url), 'utf8'));
    const { controllers, ...rest } = view;
    assert.deepEqual(rest, {
      name: 'made1',
      uuid: rest.uuid,
      title: null,
      description: 'Made from options',
      type: 'qemu',
      arch: 'x86_64',
      machine: 'pc-q35-7.2',
      emulator: '/usr/bin/qemu-system-x86_64',
      memoryMiB: 256,
      currentMemoryMiB: 256,
      vcpus: 2,
      vcpusOnline: 2,
      topology: '1/2/1',
      cpu: { mode: 'maximum', model: null },
      firmware: 'bios',
      boot: ['hd', 'cdrom', 'network'],
      kernel: null,
      features: ['acpi', 'apic'],
      clock: 'utc',
      networks: [
        {
          type: 'bridge',
          source: 'br0',
          mac: rest.networks[0]?.mac,
          model: 'virtio',
          target: rest.networks[0]?.target,
          link: 'up',
        },
        { type: 'user', source: null, mac: rest.networks[1]?.mac, model: 'virtio', target: null, link: 'up' },
      ],
      disks: [
        {
          type: 'file',
          device: 'disk',
          name: '/srv/images/a.img',
          dev: 'vda',
          bus: 'virtio',
          format: 'raw',
          readonly: false,
        },
        {
          type: 'file',
          device: 'disk',
          name: '/srv/images/b.qcow2',
          dev: 'sdb',
          bus: 'scsi',
          format: 'qcow2',
          readonly: false,
        },
        {
          type: 'file',
          device: 'cdrom',
          name: '/srv/iso/windows.iso',
          dev: 'sda',
          bus: 'sata',
          format: 'raw',
          readonly: true,
        },
      ],
      hostdevs: [],
      console: { type: 'pty', tty: rest.console?.tty ?? null, log: '/run/console.log' },
      vnc: { listen: '127.0.0.1', port: 5900 },
      spice: null,
      channels: [{ type: 'unix', name: 'org.qemu.guest_agent.0', state: 'disconnected' }],
      agent: 'configured',
      video: ['vga'],
      watchdog: 'i6300esb',
      tpm: null,
      rng: true,
    });
    assert.match(rest.console?.tty ?? '', /^\/dev\/pts\/\d+$/);
    assert.match(rest.networks[0]?.target ?? '', /^vnet\d+$/);
    assert.ok(controllers.some(({ type, model }) => type === 'usb' && model === 'qemu-xhci'));
  });

  it('shows an agent that answers, boot order by device, host devices, rbd disks, UEFI and online vCPUs', () => {
    assert.equal(viewDomain(fixtureText('virt-manager-live')).agent, 'connected');
    const uefi = viewDomain(fixtureText('uefi'));
    assert.deepEqual([uefi.firmware, uefi.boot, uefi.tpm], ['uefi', ['vda', '52:54:00:11:00:01'], 'tpm-crb']);
    assert.deepEqual(viewDomain(fixtureText('hostdev')).hostdevs, [
      { type: 'pci', source: '0000:65:00.0' },
      { type: 'usb', source: '0x0529:0x0001' },
    ]);
    const rbd = viewDomain(fixtureText('rbd'));
    assert.deepEqual(
      rbd.disks.map(({ type, name, dev }) => [type, name, dev]),
      [
        ['network', 'vms/db_1_root', 'sda'],
        ['volume', 'vms/db_1_data', 'sdb'],
        ['block', '/dev/disk/by-id/wwn-0x5002538f', 'sdc'],
        ['block', '/dev/sdx', 'sdd'],
      ],
    );
    assert.deepEqual(
      [rbd.memoryMiB, rbd.currentMemoryMiB, rbd.vcpus, rbd.vcpusOnline, rbd.topology],
      [8192, 6144, 4, 2, '4/1/1'],
    );
    assert.deepEqual(viewDomain(fixtureText('windows')).features, ['acpi', 'apic', 'hyperv', 'kvm']);
  });

  it('reads every stored guest', () => {
    for (const { uuid, spec, fields } of testGuests()) {
      const view = viewDomain(vmDocumentText(uuid, fields));
      assert.deepEqual(
        [view.name, view.uuid, view.memoryMiB, view.vcpus],
        [spec.name, uuid, spec.memoryMiB, spec.vcpus],
      );
      assert.ok(view.console !== null);
    }
  });
});
