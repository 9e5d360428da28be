/**
 * What each of Ceph's health checks means for an administrator, and what is to be done. The codes are those of Ceph 16
 * (its documentation: Health checks); one that is not here is told in Ceph's own words.
 * @module
 */

export interface Advice {
  readonly what: string;
  readonly hint: string;
  /** Where Ceph's own word would be too loud or too low for what it means here. */
  readonly severity?: 'info' | 'warning' | 'critical';
  /** Per cent of the cluster's health; by severity unless given. Consequences of another check cost less than it. */
  readonly delta?: number;
}

const disks = '`pvc storage osd list`';
const patience = 'Ceph mends it by itself as soon as it can; guests read and write on meanwhile.';
const moreRoom = 'Add disks (`pvc storage osd add`) or remove volumes now: at 95 % Ceph stops all writes.';
const diskDown = `See ${disks} and \`pvc node list\`. Its daemon is started again by itself; if the disk is broken, remove it and add another.`;
const pgCount =
  'Nothing is lost. Let Ceph find the number (`pvc storage pool modify POOL` without --pgs), or give another.';
const setting = 'It was set on purpose, or left behind: `ceph osd unset FLAG` on a node takes it back.';
const slowNetwork = 'See the switches and network cards between these servers: `ping`, `ip -s link`.';
const monitorDisk = 'Make room below /var/lib/ceph/mon on that node: a monitor ends itself when its disk is full.';
const bluefs = 'Give the OSD a larger device for its database, or let `ceph tell osd.N compact` try.';

/** By code. */
export const adviceOf: Readonly<Record<string, Advice>> = {
  MON_DOWN: {
    what: 'Monitors of the storage are down',
    hint: 'See `pvc node list` and `pvc storage status`. They are started again by themselves; without most of them nothing is read or written.',
  },
  MON_CLOCK_SKEW: {
    what: 'The clocks of the monitors differ',
    hint: 'See that every node keeps its time by NTP: `timedatectl`, `chronyc tracking`.',
  },
  MON_DISK_LOW: { what: 'The disk of a monitor is getting full', hint: monitorDisk },
  MON_DISK_CRIT: { what: 'The disk of a monitor is nearly full', hint: monitorDisk },
  MON_DISK_BIG: {
    what: 'The data of a monitor is unusually large',
    hint: 'It shrinks once all placement groups are clean; then `ceph tell mon.NODE compact`.',
    severity: 'info',
  },
  MGR_DOWN: {
    what: 'No manager of the storage runs: its figures stand still',
    hint: 'Data is read and written on. They are started again by themselves; see services/ceph-mgr.log below the log directory.',
  },
  MGR_MODULE_ERROR: {
    what: 'A module of the manager failed',
    hint: 'See `ceph health detail` and services/ceph-mgr.log; a restart of the manager often helps.',
  },
  OSD_DOWN: { what: 'Disks of the storage are down', hint: diskDown },
  OSD_HOST_DOWN: { what: 'All disks of a node are down', hint: diskDown, delta: 5 },
  OSD_ROOT_DOWN: { what: 'All disks of the storage are down', hint: diskDown, severity: 'critical' },
  OSD_FULL: { what: 'Disks are full: nothing is written any more', hint: moreRoom, severity: 'critical' },
  OSD_BACKFILLFULL: { what: 'Disks are too full to take copies from others', hint: moreRoom },
  OSD_NEARFULL: { what: 'Disks are nearly full', hint: moreRoom },
  POOL_FULL: { what: 'A pool is full: nothing is written to it any more', hint: moreRoom, severity: 'critical' },
  POOL_BACKFILLFULL: { what: 'A pool lies on disks that are too full to take copies', hint: moreRoom, delta: 0 },
  POOL_NEARFULL: { what: 'A pool lies on disks that are nearly full', hint: moreRoom, delta: 0 },
  POOL_NEAR_FULL: { what: 'A pool nears its quota', hint: moreRoom },
  OSDMAP_FLAGS: { what: 'Ceph is held back by flags', hint: setting, severity: 'info' },
  OSD_FLAGS: { what: 'Some disks are held back by flags', hint: setting, severity: 'info' },
  PG_AVAILABILITY: {
    what: 'Some data cannot be read or written at present',
    hint: `Guests that need it stand still until enough of its copies are back: see ${disks} and bring the missing disks or nodes back first.`,
    severity: 'critical',
  },
  PG_DEGRADED: {
    what: 'Some data has fewer copies than it should',
    hint: `${patience} Bring missing disks back, or see ${disks}.`,
    delta: 5,
  },
  PG_DAMAGED: {
    what: 'Copies of some data differ',
    hint: 'See `ceph health detail` for the placement groups and the log of their disks; `ceph pg repair PG` mends most. Replace a disk that does it again.',
    severity: 'critical',
  },
  OSD_SCRUB_ERRORS: { what: 'Reading all copies has found errors', hint: 'See the fault about copies that differ.' },
  OSD_TOO_MANY_REPAIRS: { what: 'A disk gives wrong data again and again', hint: 'Replace it: see its SMART values.' },
  OBJECT_UNFOUND: {
    what: 'Of some data no copy is at hand',
    hint: `Bring back the disks that were last with it (\`ceph health detail\`); see ${disks}. Only when they are lost for good: \`ceph pg PG mark_unfound_lost\`.`,
    severity: 'critical',
  },
  OBJECT_MISPLACED: { what: 'Data is on its way to other disks', hint: patience, severity: 'info' },
  PG_RECOVERY_FULL: { what: 'Copies cannot be made: disks are full', hint: moreRoom, severity: 'critical' },
  PG_BACKFILL_FULL: { what: 'Data cannot move: disks are too full', hint: moreRoom },
  SLOW_OPS: {
    what: 'Reads and writes take unusually long',
    hint: `See the disk that is named: ${disks}, its log, its SMART values, and the network of its node.`,
  },
  OSD_SLOW_PING_TIME_BACK: { what: 'The network between disks is slow', hint: slowNetwork },
  OSD_SLOW_PING_TIME_FRONT: { what: 'The network between disks is slow', hint: slowNetwork, delta: 0 },
  DEVICE_HEALTH: { what: 'A disk is expected to fail soon', hint: 'Replace it while it still works.' },
  DEVICE_HEALTH_IN_USE: { what: 'A disk that is expected to fail is still in use', hint: 'Replace it.' },
  DEVICE_HEALTH_TOOMANY: { what: 'Too many disks are expected to fail', hint: 'Replace them one by one.' },
  BLUEFS_SPILLOVER: { what: 'The database of a disk has outgrown its fast device', hint: bluefs, severity: 'info' },
  BLUEFS_LOW_SPACE: { what: 'The database of a disk runs out of room', hint: bluefs },
  BLUESTORE_SPURIOUS_READ_ERRORS: {
    what: 'A disk has given wrong data, and the right one when asked again',
    hint: 'See its SMART values and the kernel’s log; replace it when that goes on.',
  },
  RECENT_CRASH: {
    what: 'Daemons of the storage have crashed in the last two weeks',
    hint: 'See `ceph crash ls` and `ceph crash info ID` on a node; `ceph crash archive-all` when you know enough.',
    delta: 5,
  },
  POOL_NO_REDUNDANCY: {
    what: 'Pools keep each piece of data on one disk only',
    hint: 'When that disk fails its data is lost: `pvc storage pool modify POOL --replicas 2` once there are two disks.',
    severity: 'info',
  },
  POOL_APP_NOT_ENABLED: {
    what: 'A pool has not said what it is for',
    hint: '`ceph osd pool application enable POOL rbd` on a node, if it is for volumes.',
    severity: 'info',
  },
  TOO_FEW_OSDS: {
    what: 'There are fewer disks than pools want copies',
    hint: 'Add disks: `pvc storage osd add`.',
    severity: 'info',
  },
  TOO_FEW_PGS: { what: 'Pools have too few placement groups', hint: pgCount, severity: 'info' },
  TOO_MANY_PGS: { what: 'There are too many placement groups for so few disks', hint: pgCount },
  POOL_TOO_FEW_PGS: { what: 'A pool has too few placement groups', hint: pgCount, severity: 'info' },
  POOL_TOO_MANY_PGS: { what: 'A pool has too many placement groups', hint: pgCount, severity: 'info' },
  PG_NOT_SCRUBBED: {
    what: 'Copies have not been compared for long',
    hint: 'It catches up by itself when the disks have time; see that no flag (noscrub) holds it back.',
    severity: 'info',
  },
  PG_NOT_DEEP_SCRUBBED: {
    what: 'Copies have not been read and compared for long',
    hint: 'It catches up by itself when the disks have time; see that no flag (nodeep-scrub) holds it back.',
    severity: 'info',
  },
  AUTH_INSECURE_GLOBAL_ID_RECLAIM: {
    what: 'A client of an old version is connected',
    hint: 'Update Ceph’s packages on the machine that is named; guests of such a node take the new one when they are moved.',
  },
};
