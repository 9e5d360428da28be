import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/plugin/api.ts';
import { type VmSpec, vmSpec } from '../schema.ts';
import { fromFlags } from './create.ts';
import { type DomainDraft, unresolved } from './draft.ts';
import { testNode } from './fixtures/load.ts';
import { assignMacs } from './mac.ts';
import { finishDomain, renderDomain } from './render.ts';
import { child, childrenNamed, descend, el, parseXml, textOf } from './xml.ts';

const uuid = '0b5ed0a2-7a3c-4f5e-9d0a-2f6a52c9a001';
let last = 0;
const { fields } = fromFlags({
  name: 'web1',
  vcpus: 2,
  memoryMiB: 512,
  nics: [{ source: { type: 'network', network: 'office' } }, { source: { type: 'bridge', bridge: 'br0' } }],
  disks: [
    { source: { type: 'volume', pool: 'vms', volume: 'web1-root' } },
    { source: { type: 'file', path: '/srv/a.img' } },
  ],
});
const spec: VmSpec = vmSpec.parse({
  ...assignMacs(fields, { randomBytes: () => Uint8Array.of(0, 0, (last += 1)), taken: () => false }),
  run: 'running',
  node: 'hv1',
});
const [office, bridged] = spec.nics;
const [root, data] = spec.disks;
assert.ok(office && bridged && root && data);
const render = (changes: Partial<VmSpec> = {}, node = testNode) =>
  renderDomain({ uuid, spec: { ...spec, ...changes }, version: 12, node });
const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof PvcError, String(error));
    return error.code;
  }
  return assert.fail('nothing thrown');
};
const resolve = (draft: DomainDraft): void => {
  draft.addNic(office, { type: 'bridge', source: { bridge: 'vx100' }, children: [el('mtu', { size: 1400 })] });
  draft.addDisk(root, {
    type: 'network',
    source: el('source', { protocol: 'rbd', name: 'vms/web1-root' }),
    children: [el('auth', { username: 'pvc' })],
  });
};

describe('renderDomain', () => {
  it('gives a guest its node: display, console log, version of the document', () => {
    const { draft, notes } = render();
    assert.deepEqual(notes, []);
    assert.equal(draft.find('devices/graphics/listen')?.attributes['address'], '127.0.0.1');
    assert.equal(draft.find('devices/serial/log')?.attributes['file'], testNode.consoleLogPath);
    assert.equal(draft.find('metadata/pvc:guest')?.attributes['version'], '12');
    assert.equal(draft.find('devices/emulator'), undefined);
    assert.equal(
      textOf(render({}, { ...testNode, emulator: '/opt/qemu' }).draft.find('devices/emulator')),
      '/opt/qemu',
    );
  });

  it('refuses KVM where there is none, and falls back where the guest lets it', () => {
    assert.equal(
      code(() => render({ accelerator: 'kvm' }, { ...testNode, kvm: false })),
      'VM_NO_KVM',
    );
    const { draft, notes } = render({}, { ...testNode, kvm: false });
    assert.equal(draft.root.attributes['type'], 'qemu');
    assert.equal(draft.find('cpu')?.attributes['mode'], 'maximum');
    assert.equal(notes.length, 2);
  });

  it('keeps what people said about reboots, not about powering off', () => {
    const definition = spec.definition.replace(
      '<devices>',
      '<on_poweroff>restart</on_poweroff><on_reboot>destroy</on_reboot><devices>',
    );
    const { draft, notes } = render({ definition });
    assert.deepEqual(
      ['on_poweroff', 'on_reboot', 'on_crash'].map((name) => textOf(draft.find(name))),
      ['destroy', 'destroy', 'destroy'],
    );
    assert.equal(notes.length, 1);
    assert.equal(childrenNamed(draft.root, 'on_poweroff').length, 1);
  });

  it('adds a console to a definition without one, and logs the first pty', () => {
    const none = render({ definition: '<domain><os><type>hvm</type></os></domain>' }).draft;
    assert.equal(none.findAll('devices/serial/log').length, 1);
    const two = render({
      definition:
        "<domain><os><type>hvm</type></os><devices><serial type='tcp'/><serial type='pty'/><console type='pty'/></devices></domain>",
    }).draft;
    assert.equal(two.findAll('devices/serial[@type=pty]/log').length, 1);
    assert.equal(two.findAll('devices/console/log').length, 0);
  });

  it('lets no current amount exceed the whole', () => {
    const definition = spec.definition.replace(
      '<os>',
      "<currentMemory unit='MiB'>4096</currentMemory><vcpu current='8' cpuset='0-7'/><os>",
    );
    const { draft, notes } = render({ definition });
    assert.equal(textOf(draft.find('currentMemory')), '512');
    assert.deepEqual(draft.find('vcpu')?.attributes, { cpuset: '0-7' });
    assert.equal(notes.length, 2);
  });

  it('does not touch its input and gives the same each time', () => {
    const before = structuredClone(spec);
    const first = render().draft;
    first.find('os')?.children.splice(0);
    assert.deepEqual(spec, before);
    assert.deepEqual(render().draft.root, render().draft.root);
  });
});

describe('finishDomain', () => {
  it('refuses to start what no plugin knows, and names it', () => {
    const { draft } = render();
    assert.deepEqual(unresolved(draft, spec), [
      { kind: 'nic', mac: office.mac, network: 'office' },
      { kind: 'disk', target: 'vda', pool: 'vms', volume: 'web1-root' },
    ]);
    assert.equal(
      code(() => finishDomain(draft, spec)),
      'VM_DEVICES_UNRESOLVED',
    );
  });

  it('prints what plugins completed, in the order of the document', () => {
    const { draft } = render();
    resolve(draft);
    const devices = child(parseXml(finishDomain(draft, spec)), 'devices');
    assert.deepEqual(
      childrenNamed(devices, 'interface').map((device) => child(device, 'mac')?.attributes['address']),
      [office.mac, bridged.mac],
    );
    assert.deepEqual(
      childrenNamed(devices, 'disk').map((device) => child(device, 'target')?.attributes['dev']),
      ['vda', 'vdb'],
    );
    const [disk] = childrenNamed(devices, 'disk');
    assert.equal(disk?.attributes['type'], 'network');
    assert.equal(descend(disk, 'driver')?.attributes['discard'], 'unmap');
    assert.equal(descend(disk, 'auth')?.attributes['username'], 'pvc');
    assert.equal(descend(childrenNamed(devices, 'interface')[0], 'mtu')?.attributes['size'], '1400');
  });

  it('finds a draft that a plugin damaged', () => {
    const damages: readonly ((draft: DomainDraft) => void)[] = [
      (draft) => (draft.ensure('name').children = [{ text: 'other' }]),
      (draft) => (draft.ensure('uuid').children = [{ text: uuid.replace('0b', '0c') }]),
      (draft) => (draft.ensure('on_poweroff').children = [{ text: 'restart' }]),
      (draft) => (draft.root.name = 'network'),
      (draft) => draft.addNic(office, { type: 'user' }),
      (draft) => draft.addDisk(data, { type: 'file', source: el('source', { file: '/x' }) }),
      (draft) => draft.addDevice(el('bad name')),
      (draft) => draft.addDevice(el('sound', { model: 'a\u0000' })),
    ];
    for (const damage of damages) {
      const { draft } = render();
      resolve(draft);
      damage(draft);
      assert.equal(
        code(() => finishDomain(draft, spec)),
        'VM_DRAFT_BROKEN',
      );
    }
  });
});

describe('DomainDraft', () => {
  it('finds and makes elements by path', () => {
    const { draft } = render();
    assert.equal(draft.findAll('devices/controller[@type=pci][@model=pcie-root-port]').length, 14);
    assert.equal(draft.find('devices/controller[@type=ide]'), undefined);
    const features = draft.ensure('features/hyperv[@mode=custom]/relaxed[@state=on]');
    assert.equal(draft.ensure('features/hyperv[@mode=custom]/relaxed[@state=on]'), features);
    assert.equal(draft.find('features/hyperv')?.attributes['mode'], 'custom');
    assert.throws(() => draft.find('devices//disk'), /no path/);
    assert.throws(() => draft.find('*[@x=y]'), /no path/);
  });
  it("what belongs to another kind of source is not merged into a plugin's", () => {
    const { draft } = render();
    const element = draft.addNic(
      { ...office, extra: "<source portgroup='gold'/>\n<boot order='1'/>" },
      { type: 'bridge', source: { bridge: 'vx1' } },
    );
    assert.deepEqual(child(element, 'source')?.attributes, { bridge: 'vx1' });
    assert.equal(child(element, 'boot')?.attributes['order'], '1');
  });
});
