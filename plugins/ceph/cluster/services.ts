/** Ceph's daemons as services that PVC keeps running. @module */
import type { Host, ServiceDefinition } from '../../../core/plugin/api.ts';
import { answers } from './ceph-files.ts';

type DaemonType = 'mon' | 'mgr' | 'osd';

/**
 * Ceph tells one life of a daemon from the next by its address and a number with it, which it takes from its pid unless this
 * is set (Messenger::get_pid_nonce in Ceph 16; since Ceph 18 it always draws one). A node that boots gives the same pids again
 * and again. After a cut that no monitor has outlived, the map still has the disk as up; with the same number the monitors
 * take its report for one of the life before and never count it as started anew: it waits to be let in, for good, and all
 * that it has a copy of stands still.
 */
const env = { CEPH_USE_RANDOM_NONCE: '1' } as const;

/** @param id the node's name for a monitor or manager, the number of an OSD */
export const cephService = (host: Pick<Host, 'net'>, type: DaemonType, id: string): ServiceDefinition => ({
  name: type === 'osd' ? `ceph-osd-${id}` : `ceph-${type}`,
  unit: `ceph-${type}@${id}.service`,
  argv: [
    `/usr/bin/ceph-${type}`,
    ...['--foreground', '--cluster', 'ceph', '--id', id, '--setuser', 'ceph', '--setgroup', 'ceph'],
  ],
  env,
  readyTimeoutMs: 120_000,
  ready: () => answers(host, `${type}.${id}`),
});
