/** Every rendered guest on a real libvirt and QEMU (emulation). `PVC_ACCEPT=1` stores what libvirt prints for the unit tests. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Nic } from '../schema.ts';
import { fromXml } from './define.ts';
import { type DeviceDiff, diffDevices } from './device-diff.ts';
import { vmDocumentText } from './document.ts';
import { startXml, testGuests, testNode } from './fixtures/load.ts';
import { nicElement } from './nic.ts';
import { missing, PrivateLibvirt } from './private-libvirt.ts';
import { viewDomain } from './view.ts';
import { el, parseXml, printXml } from './xml.ts';

const skip = missing() ?? false;
const guests = testGuests().map((guest) => ({ ...guest, spec: { ...guest.spec, accelerator: 'auto' as const } }));
const node = { ...testNode, kvm: false, consoleLogPath: '/run/console.log' };

/** What this machine or this libvirt lacks for some guests; the text of the refusal proves that it was nothing else. */
const lacking: Readonly<Record<string, RegExp>> = {
  'flags-uefi': /Unable to find any firmware/,
  hostdev: /doesn't support passthrough/,
  'numa-hugepages': /numad/,
  'proxmox-like': /vhost-vsock|openvswitch|vmbr0/,
  'pvc-classic': /Secret not found/,
  rbd: /Secret not found/,
  uefi: /TPM version/,
};

describe('rendered domains on a real libvirt', { skip, timeout: 120_000 }, () => {
  const libvirt = skip === false ? new PrivateLibvirt() : undefined;
  const real = (): PrivateLibvirt => libvirt ?? assert.fail('not started');
  const dump = async (name: string): Promise<string> => (await real().run(`virsh -q dumpxml ${name}`)).output;
  before(async () => await real().start());
  after(async () => await libvirt?.stop());

  it('takes the interface of a virtual function for valid', async () => {
    const nic: Nic = {
      ...{ mac: '52:54:00:00:00:01', model: 'virtio', extra: '' },
      source: { type: 'network', network: 'fast' },
    };
    const card = nicElement(nic, {
      type: 'hostdev',
      attributes: { managed: 'yes' },
      source: {},
      sourceChildren: [el('address', { type: 'pci', domain: '0x0000', bus: '0x65', slot: '0x02', function: '0x1' })],
      children: [el('vlan', {}, el('tag', { id: '130' }))],
    });
    const domain = `<domain type='qemu'><name>function</name><memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>${printXml(card)}</devices></domain>`;
    const define = await real().withXml(
      domain,
      (path) => `virsh -q define --validate ${path} && virsh -q dumpxml function && virsh -q undefine function`,
    );
    // libvirt knows the form; that this machine has no such device it says only at a start, or for want of VFIO.
    assert.ok(define.code === 0 || lacking['hostdev']?.test(define.output) === true, define.output);
  });

  for (const guest of guests) {
    it(`${guest.name}: the document is valid, the rendering starts`, async () => {
      const define = await real().withXml(
        vmDocumentText(guest.uuid, guest.fields),
        (path) => `virsh -q define --validate ${path} && virsh -q undefine --nvram ${guest.spec.name}`,
      );
      assert.ok(define.code === 0 || lacking[guest.name]?.test(define.output) === true, define.output);
      const started = startXml(guest, node).text;
      const create = await real().withXml(started, (path) => `virsh -q create --paused --validate ${path}`);
      if (create.code !== 0) {
        assert.match(create.output, lacking[guest.name] ?? /^it must start$/);
        return;
      }
      const live = await dump(guest.spec.name);
      await real().run(`virsh -q destroy ${guest.spec.name}`);
      if (process.env['PVC_ACCEPT'] === '1')
        writeFileSync(new URL(`fixtures/running/${guest.name}.xml`, import.meta.url), `${live.trim()}\n`);
      const nothing = { attach: [], detach: [], update: [], restart: [] };
      assert.deepEqual(
        diffDevices({ startedFrom: parseXml(started), wanted: parseXml(started), live: parseXml(live) }),
        nothing,
      );
      const read = fromXml(live).fields;
      assert.deepEqual(
        [read.name, read.memoryMiB, read.vcpus, read.accelerator, read.description],
        [guest.spec.name, guest.spec.memoryMiB, guest.spec.vcpus, 'auto', guest.spec.description],
      );
    });
  }

  it('what the difference says can be done to the running guest', async () => {
    const guest = guests.find(({ name }) => name === 'flags-default');
    assert.ok(guest);
    const started = startXml(guest, node).text;
    const create = await real().withXml(started, (path) => `virsh -q create --paused ${path}`);
    assert.equal(create.code, 0, create.output);
    const [first, second] = guest.spec.nics;
    const [vda, sdb, cdrom] = guest.spec.disks;
    assert.ok(first && second && vda && sdb && cdrom);
    const hot = { ...vda, target: 'vdb', source: { type: 'file', path: '/srv/images/hot.img' } as const };
    const changed = {
      ...guest.spec,
      nics: [
        { ...first, source: { type: 'bridge', bridge: 'br1' } as const, extra: "<link state='down'/>" },
        second,
        { ...first, mac: '52:54:00:ee:ff:01' },
      ],
      disks: [vda, sdb, hot, { ...cdrom, source: { type: 'file', path: '/srv/iso/other.iso' } as const }],
    };
    const restored = {
      ...guest.spec,
      nics: [first, second, ...changed.nics.slice(2)],
      disks: [vda, hot, { ...cdrom, source: { type: 'empty' } as const }],
    };
    for (const { spec, sizes } of [
      { spec: changed, sizes: [2, 0, 2] },
      { spec: restored, sizes: [0, 1, 2] },
    ]) {
      const wanted = parseXml(startXml({ ...guest, spec }, node).text);
      const compare = async (): Promise<DeviceDiff> =>
        diffDevices({ startedFrom: parseXml(started), wanted, live: parseXml(await dump(spec.name)) });
      const diff = await compare();
      assert.deepEqual([diff.attach.length, diff.detach.length, diff.update.length, diff.restart], [...sizes, []]);
      for (const [verb, list] of [
        ['detach', diff.detach],
        ['attach', diff.attach],
        ['update', diff.update],
      ] as const) {
        for (const device of list) {
          const done = await real().withXml(
            printXml(device),
            (path) => `virsh -q ${verb}-device ${spec.name} ${path} --live`,
          );
          assert.equal(done.code, 0, `${verb} ${printXml(device)}: ${done.output}`);
        }
      }
      assert.deepEqual(await compare(), { attach: [], detach: [], update: [], restart: [] });
      const view = viewDomain(await dump(spec.name));
      const shown = view.networks.map(({ mac, source, link }) => [mac, source, link]);
      assert.deepEqual(
        shown,
        spec.nics.map(({ mac, source, extra }) => [
          mac,
          'bridge' in source ? source.bridge : null,
          extra.includes('down') ? 'down' : 'up',
        ]),
      );
    }
    const file = await real().run(`virsh -q domblklist ${guest.spec.name}`);
    assert.match(file.output, /sda +-/);
    await real().run(`virsh -q destroy ${guest.spec.name}`);
  });
});
