/** LVM's volume groups of a node, with the disks that each lies on. @module */
import { z } from '../../../core/plugin/api.ts';
import { parsed } from '../command/ceph-command.ts';

const report = ['--reportformat', 'json', '--units', 'b', '--nosuffix', '-o'] as const;
export const vgsCommand = [
  'vgs',
  ...report,
  'vg_name,vg_size,vg_free,vg_extent_size,pv_count,lv_count,vg_uuid',
] as const;
export const pvsCommand = ['pvs', ...report, 'pv_name,vg_name,pv_size,pv_free,pv_uuid'] as const;
export const lvsCommand = ['lvs', ...report, 'lv_name,vg_name,lv_path,lv_size,lv_uuid,lv_tags'] as const;

export interface VolumeGroup {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly free: number;
  /** How many volumes it is divided into. */
  readonly volumes: number;
  /** Paths of the devices that it lies on; `[unknown]` for one that is missing. */
  readonly devices: readonly string[];
}

const number = z.string().regex(/^\d+$/).transform(Number);
const reportOf = <T extends z.ZodType>(part: string, row: T) =>
  z.object({ report: z.array(z.object({ [part]: z.array(row) })).length(1) });

const groups = reportOf('vg', z.object({ vg_name: z.string(), vg_size: number, vg_free: number, lv_count: number }));
const physical = reportOf('pv', z.object({ pv_name: z.string(), vg_name: z.string() }));
const logical = reportOf('lv', z.object({ lv_name: z.string(), vg_name: z.string(), lv_size: number }));

/** @param vgs output of `vgsCommand` @param pvs output of `pvsCommand` @throws PvcError CEPH_STRANGE */
export function parseVolumeGroups(vgs: string, pvs: string): readonly VolumeGroup[] {
  const devices = parsed(physical, pvsCommand.join(' '), pvs).report[0]?.['pv'] ?? [];
  return (parsed(groups, vgsCommand.join(' '), vgs).report[0]?.['vg'] ?? []).map((one) => ({
    name: one.vg_name,
    size: one.vg_size,
    free: one.vg_free,
    volumes: one.lv_count,
    devices: devices.filter((device) => device.vg_name === one.vg_name).map((device) => device.pv_name),
  }));
}

/** Each as `GROUP/NAME`. @param lvs output of `lvsCommand` @throws PvcError CEPH_STRANGE */
export function parseVolumes(lvs: string): readonly string[] {
  return (parsed(logical, lvsCommand.join(' '), lvs).report[0]?.['lv'] ?? []).map(
    (one) => `${one.vg_name}/${one.lv_name}`,
  );
}
