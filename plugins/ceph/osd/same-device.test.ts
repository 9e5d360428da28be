import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recording } from '../../../test/fixtures/recording.ts';
import { parseDevices } from '../device/devices.ts';
import { sameDevice } from './same-device.ts';

const devices = parseDevices(recording('ceph-volume/bookworm/lsblk').stdout);
const disk = devices.find(({ serial }) => serial === 'S5Y1NX0R');
assert.ok(disk);
const { path, serial, wwn } = disk;

describe('a disk that was meant', () => {
  it('is found where it was', () => assert.equal(sameDevice(devices, { path, serial, wwn }), disk));

  it('is found under another path', () => assert.equal(sameDevice(devices, { path: '/dev/sdzz', serial, wwn }), disk));

  it('is not another that got its path', () =>
    assert.throws(() => sameDevice(devices, { path, serial: 'OTHER', wwn }), { code: 'DEVICE_NOT_FOUND' }));

  it('that had no name is not one with a name', () =>
    assert.throws(() => sameDevice(devices, { path }), { code: 'DEVICE_NOT_FOUND' }));

  it('that is not there is told by its serial number', () =>
    assert.throws(() => sameDevice([], { path, serial, wwn }), /no device .* \(S5Y1NX0R\)/));
});
