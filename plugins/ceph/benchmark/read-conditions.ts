/** Under which conditions a benchmark measures: without them its figures say nothing. @module */
import { type Runtime, z } from '../../../core/plugin/api.ts';
import { cephId, ceph as cephKind } from '../cluster/ceph-kind.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { osdMap } from '../osd/osd-map.ts';
import { pool as poolKind } from '../pool/pool-kind.ts';
import type { Conditions } from './benchmark-kind.ts';

/** `ceph versions`: how many daemons run each, all kinds together. */
const versionAnswer = z.looseObject({ overall: z.record(z.string(), z.int()) });

/** `ceph version 16.2.15 (…) pacific (stable)` → `16.2.15`. Pure. */
export const versionsOf = ({ overall }: z.output<typeof versionAnswer>): string[] =>
  Object.keys(overall).map((text) => /^ceph version (\S+)/.exec(text)?.[1] ?? text);

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE, EXEC_NOT_FOUND (no fio) */
export async function readConditions(
  { host, documents }: Pick<Runtime, 'host' | 'documents'>,
  ceph: CephCommand,
  pool: string,
): Promise<Conditions> {
  const [versions, map, fio, facts, storage, poolDoc] = await Promise.all([
    ceph.ask(versionAnswer, ['versions']),
    osdMap(ceph),
    ceph.run('the version of fio', ['fio', '--version']),
    host.machine.facts(),
    documents.get(cephKind, cephId),
    documents.get(poolKind, pool),
  ]);
  return {
    cephVersions: versionsOf(versions),
    fioVersion: fio.trim(),
    osds: map.osds.filter((one) => one.up && one.in).length,
    replicas: poolDoc?.spec.replicas ?? 0,
    health: storage?.status?.health ?? 'unknown',
    cpus: facts.cpus,
    cpuModel: facts.cpuModel,
    kernel: facts.kernel,
  };
}
