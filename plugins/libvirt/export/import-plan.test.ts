import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withCode } from '../../../test/fixtures/expect.ts';
import type { ExportSet } from './chain.ts';
import { importOf } from './import-plan.ts';
import type { Manifest } from './manifest.ts';
import { guestUuid, sampleSet } from './testing/sample-set.ts';

const chain: readonly [ExportSet, ...ExportSet[]] = [sampleSet('1', null), sampleSet('2', '1')];
const plain = { name: undefined, pool: undefined, beside: false };
const { guest, disks } = sampleSet('1', null).manifest;

const refused =
  (reason: RegExp) =>
  (error: unknown): boolean =>
    withCode('VM_IMPORT_UNFIT')(error) && reason.test((error as Error).message);

describe('an import', () => {
  it('brings a guest back as it was', () => {
    const imported = importOf(chain, plain);
    assert.deepEqual([imported.defined.uuid, imported.defined.fields.name], [guestUuid, 'web1']);
    assert.deepEqual(imported.defined.fields.disks, [], 'it has none until they are whole');
    assert.equal(imported.defined.fields.nics[0]?.mac, '52:54:00:00:00:01');
    assert.deepEqual(
      imported.volumes.map(({ target, volume, copies }) => [
        target,
        volume,
        copies.map(({ directory, since, snapshot }) => [directory, since, snapshot]),
      ]),
      ['vda vms/a', 'vdb fast/b'].map((one) => [
        ...one.split(' '),
        [
          ['/backup/web1@s1', null, 'guest-1'],
          ['/backup/web1@s2', 'guest-1', 'guest-2'],
        ],
      ]),
    );
    assert.deepEqual(
      imported.disks.map(({ target, source }) => [target, source.type]),
      [
        ['vda', 'volume'],
        ['vdb', 'volume'],
        ['sda', 'file'],
      ],
    );
    assert.match(imported.warnings.join(), /sda is \/iso\/debian\.iso/);
  });

  it('beside the guest takes nothing of it', () => {
    const { defined, volumes, disks: named } = importOf(chain, { ...plain, name: 'web2', beside: true });
    assert.deepEqual([defined.uuid, defined.fields.name, defined.fields.nics[0]?.mac], [undefined, 'web2', undefined]);
    assert.deepEqual(
      volumes.map(({ volume }) => volume),
      ['vms/web2-vda', 'fast/web2-vdb'],
    );
    assert.deepEqual(named[0]?.source, { type: 'volume', pool: 'vms', volume: 'web2-vda' });
  });

  it('under another name keeps what is free', () => {
    const { defined } = importOf(chain, { ...plain, name: 'web2', pool: 'slow' });
    assert.deepEqual([defined.uuid, defined.fields.nics[0]?.mac], [guestUuid, '52:54:00:00:00:01']);
  });

  it('into one pool gives no two volumes one name', () => {
    const twins = disks.map((one) => ({ ...one, volume: `${one.target === 'vda' ? 'vms' : 'fast'}/a` }));
    const xml = guest.xml.replace("volume='b'", "volume='a'");
    const set = sampleSet('1', null, { disks: twins, guest: { ...guest, xml } });
    assert.equal(importOf([set], plain).volumes.length, 2);
    assert.throws(() => importOf([set], { ...plain, pool: 'slow' }), refused(/two of its disks would lie in slow\/a/));
  });

  const bad = (change: Partial<Manifest>) => () => importOf([sampleSet('1', null, change)], plain);
  const cases: readonly (readonly [string, Partial<Manifest>, RegExp])[] = [
    ['whose XML is another guest’s', { guest: { ...guest, name: 'web9' } }, /definition is that of another guest/],
    ['with a disk that was not exported', { disks: disks.slice(0, 1) }, /its disk vdb was not exported/],
    [
      'with a disk that it does not have',
      { disks: [...disks, { ...disks[0], target: 'vdc', volume: 'vms/c' } as Manifest['disks'][number]] },
      /it has no disk vdc/,
    ],
    [
      'whose XML names another volume',
      { guest: { ...guest, xml: guest.xml.replace("volume='a'", "volume='secret'") } },
      /its disk vda is another one/,
    ],
  ];
  for (const [what, change, reason] of cases)
    it(`refuses a guest ${what}`, () => assert.throws(bad(change), refused(reason)));

  it('checks the definition as `vm define` does', () => {
    const broken = (xml: string) => bad({ guest: { ...guest, xml } });
    assert.throws(broken('<domain'), withCode('VM_XML_MALFORMED'));
    assert.throws(broken(guest.xml.replace('<vcpu>1</vcpu>', '<vcpu>-1</vcpu>')), withCode('VM_XML_INVALID'));
  });

  it('refuses names that are too long', () => {
    assert.throws(() => importOf(chain, { ...plain, name: 'x'.repeat(63), beside: true }), refused(/too long/));
  });
});
