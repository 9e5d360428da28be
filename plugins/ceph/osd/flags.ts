/** Flags of the storage as a whole, and what each stops. @module */
import { z } from '../../../core/plugin/api.ts';

/** What Ceph takes in `osd set`, as far as an administrator has a use for it. */
export const flags = {
  noout: 'a disk that is away stays in: nothing is copied elsewhere meanwhile',
  noin: 'a disk that comes back stays out',
  noup: 'a disk that comes back does not count as up',
  nodown: 'a disk that is away still counts as up',
  norebalance: 'data does not move to balance the disks',
  norecover: 'lost copies are not made again',
  nobackfill: 'data does not move to new places',
  noscrub: 'data is not checked',
  'nodeep-scrub': 'data is not checked byte by byte',
  pause: 'nobody reads or writes: every guest with a disk here stands still',
} as const;
export type OsdFlag = keyof typeof flags;

export const osdFlag = z.enum(Object.keys(flags) as [OsdFlag, ...OsdFlag[]]);

/** Ceph shows `pause` as two. Pure. @param set as `ceph osd dump` tells them */
export const isSet = (flag: OsdFlag, set: readonly string[]): boolean =>
  flag === 'pause' ? set.includes('pauserd') || set.includes('pausewr') : set.includes(flag);
