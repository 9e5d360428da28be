import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type VmSpec, vmSpec } from '../schema.ts';
import { fromElement, fromXml, type VmFields } from './define.ts';
import { vmDocument, vmDocumentText } from './document.ts';
import { testGuests, testNode } from './fixtures/load.ts';
import { renderDomain } from './render.ts';
import { el, parseXml, printXml, type XmlElement } from './xml.ts';

const uuid = '0b5ed0a2-7a3c-4f5e-9d0a-2f6a52c9a001';
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
/** Longer texts are generated in `xml.test.ts`. */
const text = fc.string({ unit: fc.constantFrom('a', 'Z', ' ', '&', '<', "'", '"', 'é', '\n', '😀'), maxLength: 12 });

/** Elements that nobody knows, which have to survive wherever they are. */
const foreign: fc.Arbitrary<XmlElement> = fc
  .record({
    name: word,
    attributes: fc.dictionary(word, text, { maxKeys: 2, noNullPrototype: true }),
    inner: fc.option(fc.record({ name: word, value: text.filter((value) => value.trim() !== '') }), { nil: undefined }),
  })
  .map(({ name, attributes, inner }) =>
    el(`x-${name}`, attributes, inner === undefined ? undefined : el(inner.name, {}, inner.value)),
  );
const foreigners = fc.array(foreign, { maxLength: 3 });

const hex = fc.integer({ min: 0, max: 0xffffff }).map((value) =>
  value
    .toString(16)
    .padStart(6, '0')
    .replace(/(..)(..)(..)/, '$1:$2:$3'),
);
const nicElement = fc
  .record({
    plug: fc.constantFrom<readonly [string, Record<string, string> | undefined]>(
      ['bridge', { bridge: 'br0' }],
      ['user', undefined],
      ['network', { network: 'office', portgroup: 'gold' }],
      ['direct', { dev: 'eth0' }],
    ),
    mac: hex.map((tail) => `52:54:00:${tail}`),
    model: fc.option(fc.constantFrom('virtio', 'e1000e'), { nil: undefined }),
    managed: fc.boolean(),
    rest: foreigners,
  })
  .map(({ plug: [type, source], mac, model, managed, rest }) =>
    el(
      'interface',
      { type, managed: managed ? 'no' : undefined },
      el('mac', { address: mac }),
      source && el('source', source),
      model === undefined ? undefined : el('model', { type: model }),
      ...rest,
    ),
  );

const diskElement = fc
  .record({
    at: fc.integer({ min: 0, max: 25 }),
    kind: fc.constantFrom('file', 'block', 'volume', 'network', 'empty'),
    cache: fc.boolean(),
    driver: fc.boolean(),
    rest: foreigners,
  })
  .map(({ at, kind, cache, driver, rest }) => {
    const sources: Record<string, XmlElement> = {
      file: el('source', { file: '/srv/a b.img', startupPolicy: 'optional' }),
      block: el('source', { dev: '/dev/sdz' }, el('seclabel', { relabel: 'no' })),
      volume: el('source', { pool: 'vms', volume: 'data' }),
      network: el('source', { protocol: 'rbd', name: 'vms/x' }),
    };
    return el(
      'disk',
      { type: kind === 'empty' ? 'file' : kind, device: kind === 'empty' ? 'cdrom' : 'disk' },
      ...rest,
      driver ? el('driver', { name: 'qemu', type: 'raw', cache: cache ? 'none' : undefined }) : undefined,
      sources[kind],
      el('target', { dev: `sd${String.fromCharCode(97 + at)}`, bus: 'scsi' }),
    );
  });

const anyDomain: fc.Arbitrary<XmlElement> = fc
  .record({
    type: fc.constantFrom('kvm', 'qemu'),
    description: text.map((value) => value.trim()),
    memoryMiB: fc.integer({ min: 16, max: 100_000 }),
    balloon: fc.boolean(),
    vcpu: fc.constantFrom(
      el('vcpu', {}, '4'),
      el('vcpu', { placement: 'static', current: 2 }, '4'),
      el('vcpu', { cpuset: '0-3', current: 4 }, '4'),
    ),
    cpu: fc.constantFrom(
      undefined,
      el('cpu', { mode: 'host-model' }),
      el('cpu', {}, el('topology', { sockets: 1, dies: 2, cores: 1, threads: 2 }), el('model', {}, 'qemu64')),
    ),
    reboot: fc.constantFrom(undefined, 'restart', 'destroy'),
    nics: fc.uniqueArray(nicElement, { maxLength: 4, selector: (element) => JSON.stringify(element.children[0]) }),
    disks: fc.uniqueArray(diskElement, {
      maxLength: 4,
      selector: (element) => JSON.stringify(element.children.at(-1)),
    }),
    serial: fc.constantFrom(
      undefined,
      el('serial', { type: 'pty' }),
      el('console', { type: 'pty' }),
      el('serial', { type: 'tcp' }),
    ),
    top: foreigners,
    devices: foreigners,
    shuffle: fc.array(fc.nat(), { minLength: 24, maxLength: 24 }),
  })
  .map(({ type, description, memoryMiB, balloon, vcpu, cpu, reboot, nics, disks, serial, top, devices, shuffle }) => {
    const mixed = <T>(items: readonly T[]): T[] =>
      items
        .map((item, at) => [shuffle[at % 24] ?? 0, item] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, item]) => item);
    return el(
      'domain',
      { type },
      ...mixed([
        el('name', {}, 'guest'),
        description === '' ? undefined : el('description', {}, description),
        el('memory', { unit: 'MiB', dumpCore: balloon ? 'off' : undefined }, String(memoryMiB)),
        balloon ? el('currentMemory', { unit: 'MiB' }, String(Math.ceil(memoryMiB / 2))) : undefined,
        vcpu,
        cpu,
        el('os', {}, el('type', {}, 'hvm')),
        reboot === undefined ? undefined : el('on_reboot', {}, reboot),
        el('devices', {}, ...mixed([...nics, ...disks, serial, ...devices])),
        ...top,
      ]),
    );
  });

const specOf = (fields: VmFields): VmSpec => vmSpec.parse({ ...fields, run: 'stopped', node: 'hv1' });

/** What a rendering holds before plugins add theirs. */
const own = (fields: VmFields): VmFields => ({
  ...fields,
  nics: fields.nics.filter(({ source }) => source.type !== 'network'),
  disks: fields.disks.filter(({ source }) => source.type !== 'volume'),
});

describe('a guest and its XML', () => {
  it('the document gives the same guest, for any domain', () => {
    fc.assert(
      fc.property(anyDomain, (domain) => {
        const { fields } = fromXml(printXml(domain));
        const again = fromXml(vmDocumentText(uuid, fields));
        assert.deepEqual(again.fields, fields);
        assert.equal(again.uuid, uuid);
        assert.equal(vmDocumentText(uuid, again.fields), vmDocumentText(uuid, fields));
      }),
      { numRuns: 150 },
    );
  });

  it('loses no element and no attribute of any domain', () => {
    const words = (element: XmlElement): string[] => [
      ...Object.entries(element.attributes).map(([key, value]) => `${element.name}@${key}=${value}`),
      element.name,
      ...element.children.flatMap((node) => ('name' in node ? words(node) : [])),
    ];
    // Defaults that need not be said, and the emulator's own.
    const implied = ['vcpu@placement=static', 'vcpu@current=4', 'on_reboot'];
    fc.assert(
      fc.property(anyDomain, (domain) => {
        const after = words(vmDocument(uuid, fromElement(domain).fields));
        for (const said of words(domain).filter((one) => !implied.includes(one))) {
          const at = after.indexOf(said);
          assert.notEqual(at, -1, said);
          after.splice(at, 1);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('a rendering with KVM gives the same guest, less what plugins add', () => {
    fc.assert(
      fc.property(anyDomain, (domain) => {
        // An emulated guest is fitted for emulation, which is another test's matter.
        const fields: VmFields = { ...fromElement(domain).fields, accelerator: 'auto' };
        const { draft, notes } = renderDomain({ uuid, spec: specOf(fields), version: 1, node: testNode });
        const read = fromXml(printXml(draft.root));
        assert.deepEqual(read.fields, own(fields));
        assert.deepEqual(notes, []);
      }),
      { numRuns: 150 },
    );
  });

  for (const guest of testGuests()) {
    it(`${guest.name} survives its document, its rendering and the schema`, () => {
      assert.deepEqual(fromXml(vmDocumentText(guest.uuid, guest.fields)).fields, guest.fields);
      const { draft } = renderDomain({ uuid: guest.uuid, spec: guest.spec, version: 3, node: testNode });
      const read = fromXml(printXml(draft.root));
      assert.deepEqual(read.fields, own(guest.fields));
      assert.equal(read.uuid, guest.uuid);
      assert.deepEqual(parseXml(printXml(draft.root)), draft.root);
    });
  }

  it('an emulated rendering keeps what was asked', () => {
    const guest = testGuests().find(({ name }) => name === 'minimal');
    assert.ok(guest);
    for (const [accelerator, kvm] of [
      ['auto', false],
      ['auto', true],
      ['kvm', true],
      ['tcg', true],
      ['tcg', false],
    ] as const) {
      const { draft } = renderDomain({
        uuid,
        spec: { ...guest.spec, accelerator },
        version: 1,
        node: { ...testNode, kvm },
      });
      assert.equal(draft.root.attributes['type'], accelerator === 'tcg' || !kvm ? 'qemu' : 'kvm');
      assert.equal(fromElement(draft.root).fields.accelerator, accelerator);
    }
    const changed = vmDocument(uuid, { ...guest.fields, accelerator: 'kvm' });
    assert.equal(fromElement(changed).fields.accelerator, 'kvm');
    changed.attributes['type'] = 'qemu';
    assert.equal(fromElement(changed).fields.accelerator, 'tcg', 'the type that was edited wins over the mark');
  });
});
