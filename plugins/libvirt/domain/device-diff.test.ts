import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Disk, VmSpec } from '../schema.ts';
import { type DeviceDiff, diffDevices } from './device-diff.ts';
import { startXml, type TestGuest, testGuests, testNode } from './fixtures/load.ts';
import { definitionWith } from './scsi.ts';
import { child, descend, parseXml, printXml, type XmlElement } from './xml.ts';

/** The running domains were made from these renderings by a real libvirt (`domain.real.test.ts`). */
const node = { ...testNode, kvm: false, consoleLogPath: '/run/console.log' };
const running = (name: string): XmlElement =>
  parseXml(readFileSync(new URL(`fixtures/running/${name}.xml`, import.meta.url), 'utf8'));
const guest = (name: string): TestGuest => {
  const found = testGuests().find((one) => one.name === name);
  assert.ok(found);
  return { ...found, spec: { ...found.spec, accelerator: 'auto' } };
};
const render = (one: TestGuest, changes: Partial<VmSpec> = {}): XmlElement =>
  parseXml(startXml({ ...one, spec: { ...one.spec, ...changes } }, node).text);

const nothing: DeviceDiff = { attach: [], detach: [], update: [], restart: [] };
const main = guest('flags-default');
const { nics, disks } = main.spec;
const [card, userCard] = nics;
const [vda, sdb, cdrom] = disks;
assert.ok(card && userCard && vda && sdb && cdrom);
const live = running('flags-default');
const from = render(main);
const diff = (changes: Partial<VmSpec>, startedFrom: XmlElement | undefined = from): DeviceDiff =>
  diffDevices({ startedFrom, wanted: render(main, changes), live });
const targets = (list: readonly XmlElement[]): (string | undefined)[] =>
  list.map(
    (device) =>
      child(device, device.name === 'disk' ? 'target' : 'mac')?.attributes[device.name === 'disk' ? 'dev' : 'address'],
  );

describe('diffDevices', () => {
  for (const file of readdirSync(new URL('fixtures/running/', import.meta.url))) {
    const name = file.slice(0, -'.xml'.length);
    it(`${name}: a running guest is what it was started from`, () => {
      const wanted = render(guest(name));
      assert.deepEqual(diffDevices({ startedFrom: wanted, wanted, live: running(name) }), nothing);
    });
  }

  for (const name of [
    'flags-default',
    'flags-pc',
    'windows',
    'floppy',
    'minimal',
    'spice-desktop',
    'qemu-commandline',
  ]) {
    it(`${name}: nor does libvirt's print alone differ`, () =>
      assert.deepEqual(diffDevices({ wanted: render(guest(name)), live: running(name) }), nothing));
  }

  it('a new disk and a new card are attached as rendered', () => {
    const added: Disk = { ...vda, target: 'vdb', source: { type: 'file', path: '/srv/b.img' } };
    const result = diff({ nics: [...nics, { ...card, mac: '52:54:00:00:00:99' }], disks: [...disks, added] });
    assert.deepEqual(targets(result.attach), ['52:54:00:00:00:99', 'vdb']);
    assert.deepEqual({ ...result, attach: [] }, nothing);
    assert.match(printXml(result.attach[1] as XmlElement), /discard='unmap'[\s\S]*\/srv\/b\.img/);
  });

  it('the first disk on SCSI brings its controller along', () => {
    const minimal = guest('minimal');
    const startedFrom = render(minimal);
    const added: Disk = { ...sdb, target: 'sda', bus: 'scsi' };
    const changes = {
      disks: [...minimal.spec.disks, added],
      definition: definitionWith(minimal.spec, added),
    };
    const wanted = render(minimal, changes);
    const before = running('minimal');
    const result = diffDevices({ startedFrom, wanted, live: before });
    assert.deepEqual(
      result.attach.map((device) => [device.name, device.attributes['model'] ?? '']),
      [
        ['controller', 'virtio-scsi'],
        ['disk', ''],
      ],
    );
    assert.deepEqual({ ...result, attach: [] }, nothing);

    const after = parseXml(printXml(before));
    child(after, 'devices')?.children.push(...result.attach);
    for (const from of [startedFrom, undefined])
      assert.deepEqual(diffDevices({ startedFrom: from, wanted, live: after }), nothing);
    // A second one finds it there; another model in its place is a matter of a restart.
    assert.equal(definitionWith({ ...minimal.spec, ...changes }, added), changes.definition);
    const other = parseXml(
      printXml(after).replace(
        "<controller type='scsi' index='0' model='virtio-scsi'",
        "<controller type='scsi' index='0' model='lsilogic'",
      ),
    );
    const refused = diffDevices({ startedFrom, wanted, live: other });
    assert.deepEqual([refused.attach, refused.restart.length], [[], 1]);
  });

  it('what is gone is detached as libvirt prints it', () => {
    const result = diff({ nics: [card], disks: [vda, cdrom] });
    assert.deepEqual(targets(result.detach), [userCard.mac, 'sdb']);
    assert.ok(
      result.detach.every((device) => child(device, 'alias') !== undefined && child(device, 'address') !== undefined),
    );
    assert.deepEqual({ ...result, detach: [] }, nothing);
  });

  it('another medium is an update, an empty drive too', () => {
    const other = diff({ disks: [vda, sdb, { ...cdrom, source: { type: 'block', path: '/dev/sr0' } }] });
    assert.deepEqual({ ...other, update: [] }, nothing);
    const [update] = other.update;
    assert.equal(update?.attributes['type'], 'block');
    assert.deepEqual(descend(update, 'source')?.attributes, { dev: '/dev/sr0' });
    assert.ok(child(update, 'address') !== undefined && child(update, 'backingStore') === undefined);
    const [empty] = diff({ disks: [vda, sdb, { ...cdrom, source: { type: 'empty' } }] }).update;
    assert.equal(child(empty, 'source'), undefined);
  });

  it('another bridge and a link going down are updates that keep the rest of the card', () => {
    const result = diff({
      nics: [{ ...card, source: { type: 'bridge', bridge: 'br9' }, extra: "<link state='down'/>" }, userCard],
    });
    assert.deepEqual({ ...result, update: [] }, nothing);
    const [update] = result.update;
    assert.equal(child(update, 'source')?.attributes['bridge'], 'br9');
    assert.equal(child(update, 'link')?.attributes['state'], 'down');
    assert.equal(child(update, 'target'), undefined, 'vnetN is not repeated');
    assert.deepEqual(
      child(update, 'address')?.attributes,
      child(descend(live, 'devices', 'interface'), 'address')?.attributes,
    );
  });

  it('a link that went down comes up again', () => {
    const windows = guest('windows');
    const [nic] = windows.spec.nics;
    assert.ok(nic);
    const result = diffDevices({
      startedFrom: render(windows),
      wanted: render(windows, { nics: [{ ...nic, extra: '' }] }),
      live: running('windows'),
    });
    assert.deepEqual(
      result.update.map((device) => child(device, 'link')?.attributes['state']),
      ['up'],
    );
  });

  it('another kind of network or another image behind a disk is pulled out and plugged in', () => {
    const result = diff({
      nics: [{ ...card, source: { type: 'user' } }, userCard],
      disks: [{ ...vda, source: { type: 'file', path: '/srv/z.img' } }, sdb, cdrom],
    });
    assert.deepEqual(
      [targets(result.detach), targets(result.attach), result.update, result.restart],
      [[card.mac, 'vda'], [card.mac, 'vda'], [], []],
    );
  });

  it('what cannot be done live is listed', () => {
    const result = diff({
      memoryMiB: 512,
      vcpus: 4,
      topology: { sockets: 2, cores: 2, threads: 1 },
      nics: [{ ...card, model: 'e1000e' }, userCard],
      disks: [{ ...vda, extra: "<driver discard='unmap' cache='none'/>" }, sdb, { ...cdrom, target: 'sdc' }],
      definition: main.spec.definition
        .replace("machine='q35'", "machine='pc'")
        .replace('<apic/>', '')
        .replace("<watchdog model='i6300esb' action='reset'/>", ''),
    });
    assert.deepEqual({ ...result, restart: [] }, nothing);
    assert.deepEqual(result.restart, [
      'memory: 256 MiB → 512 MiB',
      'vcpu: 2 → 4',
      'machine: q35 → pc',
      'features: changed',
      'cpu: changed',
      'devices/watchdog: removed',
      `network card ${card.mac}: model`,
      'drive vda: driver',
      'drive sda: removed, which its bus cannot do while the guest runs',
      'drive sdc: added, which its bus cannot do while the guest runs',
    ]);
  });

  it('a balloon that shall start smaller is listed', () => {
    const definition = main.spec.definition.replace('<os>', "<currentMemory unit='MiB'>128</currentMemory><os>");
    assert.deepEqual(diff({ definition }).restart, ['currentMemory: 256 MiB → 128 MiB']);
  });

  it('a device plugged in since the start is compared with what runs', () => {
    const without = render(main, { nics: [userCard], disks: [vda, cdrom] });
    assert.deepEqual(diffDevices({ startedFrom: without, wanted: from, live }), nothing);
    const [first] = diffDevices({
      startedFrom: without,
      wanted: render(main, { nics: [{ ...card, model: 'e1000' }, userCard] }),
      live,
    }).restart;
    assert.equal(first, `network card ${card.mac}: model`);
  });

  it('a change that was already made live is none', () => {
    const wanted = render(main, {
      disks: [vda, sdb, { ...cdrom, source: { type: 'file', path: '/srv/iso/other.iso' } }],
    });
    const changed = parseXml(printXml(live).replace('/srv/iso/windows.iso', '/srv/iso/other.iso'));
    assert.deepEqual(diffDevices({ startedFrom: from, wanted, live: changed }), nothing);
  });

  it('the version of the document in the metadata and the description do not count', () => {
    assert.deepEqual(diff({ description: 'another' }), nothing);
    const wanted = parseXml(printXml(from).replace("version='7'", "version='8'"));
    assert.deepEqual(diffDevices({ startedFrom: from, wanted, live }), nothing);
  });

  it('without the start known, typed amounts and missing devices are still found', () => {
    const wanted = render(main, {
      memoryMiB: 512,
      definition: main.spec.definition.replace('</devices>', "<sound model='ich9'/></devices>"),
    });
    assert.deepEqual(diffDevices({ wanted, live }).restart, ['memory: 256 MiB → 512 MiB', 'devices/sound: changed']);
  });
});
