/** Ceph's daemons as services that PVC keeps running. @module */
import type { Host, ServiceDefinition } from '../../../core/plugin/api.ts';
import { answers } from './ceph-files.ts';

type DaemonType = 'mon' | 'mgr' | 'osd';

/** @param id the node's name for a monitor or manager, the number of an OSD */
export const cephService = (host: Pick<Host, 'net'>, type: DaemonType, id: string): ServiceDefinition => ({
  name: type === 'osd' ? `ceph-osd-${id}` : `ceph-${type}`,
  unit: `ceph-${type}@${id}.service`,
  argv: [
    `/usr/bin/ceph-${type}`,
    ...['--foreground', '--cluster', 'ceph', '--id', id, '--setuser', 'ceph', '--setgroup', 'ceph'],
  ],
  readyTimeoutMs: 120_000,
  ready: () => answers(host, `${type}.${id}`),
});
