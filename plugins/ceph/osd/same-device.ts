/** Whether a disk is still the one that was meant: the kernel may call another by the same name after a boot. @module */
import { type BlockDevice, deviceAt } from '../device/devices.ts';
import { deviceError } from '../device/errors.ts';

export interface MeantDevice {
  readonly path: string;
  readonly serial?: string | undefined;
  readonly wwn?: string | undefined;
}

/** Pure. @throws PvcError DEVICE_NOT_FOUND */
export function sameDevice(devices: readonly BlockDevice[], meant: MeantDevice): BlockDevice {
  const { path, serial, wwn } = meant;
  if (serial === undefined && wwn === undefined) {
    const found = deviceAt(devices, path);
    // One that has a name of its own by now is another.
    if (found !== undefined && found.serial === undefined && found.wwn === undefined) return found;
  } else {
    // The same disk by two ways (multipath) has the same names twice: the path decides then.
    const named = devices.filter((one) => one.serial === serial && one.wwn === wwn);
    const found = named.find((one) => one.path === path) ?? named[0];
    if (found !== undefined) return found;
  }
  throw deviceError('DEVICE_NOT_FOUND', { device: serial === undefined ? path : `${path} (${serial})` });
}
