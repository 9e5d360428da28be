import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recording } from '../../../test/fixtures/recording.ts';
import { parseDevices } from './devices.ts';
import { lvsCommand, parseVolumeGroups, parseVolumes, pvsCommand, vgsCommand } from './volume-groups.ts';

const recorded = (name: string) => recording(`ceph-volume/bookworm/${name}`);
const output = (name: string): string => recorded(name).stdout;

describe('the volume groups of a node', () => {
  it('are asked for as they were recorded', () => {
    assert.deepEqual(recorded('vgs-prepared').argv, vgsCommand);
    assert.deepEqual(recorded('pvs-prepared').argv, pvsCommand);
    assert.deepEqual(recorded('lvs-prepared').argv, lvsCommand);
  });

  it('have their room, and the disks that they lie on', () => {
    const disk = parseDevices(output('lsblk-prepared')).find(({ serial }) => serial === 'NVME0002');
    const groups = parseVolumeGroups(output('vgs-prepared'), output('pvs-prepared'));
    assert.deepEqual(
      groups.find(({ name }) => name === 'osd-db'),
      { name: 'osd-db', size: 17_175_674_880, free: 15_028_191_232, volumes: 1, devices: [disk?.path] },
    );
  });

  it('whose disk is gone are listed without a path', () => {
    for (const group of parseVolumeGroups(output('vgs-disk-gone'), output('pvs-disk-gone')))
      assert.ok(group.devices.length > 0, group.name);
  });

  it('have volumes', () => {
    assert.ok(parseVolumes(output('lvs-prepared')).includes('osd-db/db-ZC1A0001'));
    assert.ok(!parseVolumes(output('lvs-zapped-with-db')).includes('osd-db/db-ZC1A0001'));
  });

  for (const text of ['', '{}', '{"report": []}', '{"report": [{"vg": [{"vg_name": "a"}]}]}'])
    it(`are not guessed from ${text === '' ? 'nothing' : text}`, () =>
      assert.throws(() => parseVolumeGroups(text, output('pvs-prepared')), { code: 'CEPH_STRANGE' }));
});
