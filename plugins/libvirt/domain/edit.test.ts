import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/plugin/api.ts';
import { vmDocumentText } from './document.ts';
import { editFromXml } from './edit.ts';
import { type TestGuest, testGuests } from './fixtures/load.ts';

const guest = (name: string): TestGuest => {
  const found = testGuests().find((one) => one.name === name);
  assert.ok(found);
  return found;
};
const edit = ({ uuid, fields }: TestGuest, change: (text: string) => string) => {
  const text = vmDocumentText(uuid, fields);
  const changed = change(text);
  return editFromXml({ uuid, fields }, changed);
};
const replace = (from: string | RegExp, to: string) => (text: string) => {
  const changed = text.replace(from, to);
  assert.notEqual(changed, text, `nothing replaced by ${to}`);
  return changed;
};

describe('editFromXml', () => {
  for (const one of testGuests()) {
    it(`${one.name}: saving without a change changes nothing and warns of nothing`, () => {
      assert.deepEqual(
        edit(one, (text) => text),
        { fields: one.fields, changes: [], warnings: [] },
      );
    });
  }

  it('says what changed, a line each', () => {
    const { changes, fields } = edit(guest('virt-manager-live'), (text) =>
      [
        replace('>4096</memory>', '>8192</memory>'),
        replace('<vcpu>4', '<vcpu>8'),
        replace("cores='2'", "cores='4'"),
        replace("bridge='br-web'", "bridge='br-new'"),
        replace("cache='none' ", ''),
        replace("<source file='/srv/images/web01.qcow2'/>", "<source file='/srv/images/web02.qcow2'/>"),
        replace(/<title>.*<\/title>/, '<title>Shop</title>'),
        replace("<stats period='5'/>", "<stats period='9'/>"),
        replace('Ask Ada', 'Ask Bob'),
      ].reduce((so, step) => step(so), text),
    );
    assert.deepEqual(changes, [
      'description: changed',
      'memory: 4096 MiB → 8192 MiB',
      'vcpu: 4 → 8',
      'topology: 1 socket × 2 cores × 2 threads → 1 socket × 4 cores × 2 threads',
      'network card 52:54:00:0a:1b:2c: source bridge br-web → bridge br-new',
      'drive vda: source /srv/images/web01.qcow2 → /srv/images/web02.qcow2',
      'drive vda: other elements changed',
      'title: changed',
      'devices/memballoon: changed',
    ]);
    assert.equal(fields.memoryMiB, 8192);
  });

  it('shows cards and drives that come and go, and keeps MAC addresses', () => {
    const { changes, fields, warnings } = edit(guest('windows'), (text) =>
      replace(
        '</devices>',
        "<interface type='network'><source network='office'/><model type='virtio'/></interface><sound model='ich9'/></devices>",
      )(replace(/<disk type='file' device='cdrom'>(?:(?!<\/disk>)[\s\S])*sdc[\s\S]*?<\/disk>/, '')(text)),
    );
    assert.deepEqual(changes, [
      'network card with a MAC address to be chosen: added, network office',
      'drive sdc: removed',
      'devices/sound: added',
    ]);
    assert.deepEqual(
      fields.nics.map(({ mac }) => mac),
      ['52:54:00:55:00:01', undefined],
    );
    assert.deepEqual(warnings, []);
  });

  it('warns only of what the edit brought', () => {
    const { warnings } = edit(
      guest('rbd'),
      replace(
        '</devices>',
        "<interface type='direct'><mac address='52:54:00:00:00:77'/><source dev='eth0'/></interface></devices>",
      ),
    );
    assert.deepEqual(warnings, ["/domain/devices/interface[2]: type 'direct' is left to libvirt as it is"]);
  });

  it('notices changes that are only comments or order', () => {
    assert.deepEqual(edit(guest('windows'), replace('<acpi/>', '<acpi/><!-- power button -->')).changes, [
      'definition: only comments, order or layout changed',
    ]);
    assert.deepEqual(
      edit(guest('flags-default'), (text) => text.replace(/(<disk[\s\S]*?<\/disk>)\s*(<disk[\s\S]*?<\/disk>)/, '$2$1'))
        .changes,
      ['drives: another order'],
    );
  });

  it('refuses another identity, and says all of it', () => {
    const change = (text: string): string => text.replace('<name>made1', '<name>made9').replace(/<uuid>1/, '<uuid>2');
    assert.throws(
      () => edit(guest('flags-default'), change),
      (error) =>
        error instanceof PvcError &&
        error.code === 'VM_EDIT_REFUSED' &&
        error.details.length === 2 &&
        /pvc vm rename/.test(error.hint),
    );
  });

  it('a removed UUID line is no change of identity', () =>
    assert.deepEqual(edit(guest('windows'), replace(/<uuid>.*<\/uuid>/, '')).changes, []));
});
