/** What Ceph says of itself, in PVC's words. @module */
import { z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { poolAnswer } from '../pool/pool-figures.ts';
import type { CephStatus } from './ceph-kind.ts';
import { addressOfSocket } from './conf.ts';

const count = z.number().default(0);

/** `ceph health detail` */
export const healthAnswer = z.looseObject({
  status: z.string(),
  checks: z.record(
    z.string(),
    z.looseObject({
      severity: z.string(),
      summary: z.looseObject({ message: z.string() }),
      detail: z.array(z.looseObject({ message: z.string() })).default([]),
      muted: z.boolean().optional(),
    }),
  ),
});

/** `ceph status`; fields that are zero are left out of it by Ceph. */
export const statusAnswer = z.looseObject({
  quorum_names: z.array(z.string()),
  osdmap: z.looseObject({ num_osds: count, num_up_osds: count, num_in_osds: count }),
  pgmap: z.looseObject({
    pgs_by_state: z.array(z.looseObject({ state_name: z.string(), count: z.int() })).default([]),
    bytes_total: count,
    bytes_used: count,
    bytes_avail: count,
    read_bytes_sec: count,
    write_bytes_sec: count,
    read_op_per_sec: count,
    write_op_per_sec: count,
    degraded_ratio: count,
    misplaced_ratio: count,
    recovering_bytes_per_sec: count,
  }),
});

/** `ceph mon dump` */
export const monitorAnswer = z.looseObject({
  mons: z.array(
    z.looseObject({
      name: z.string(),
      public_addrs: z.looseObject({ addrvec: z.array(z.looseObject({ type: z.string(), addr: z.string() })) }),
    }),
  ),
});

const healthWords: Readonly<Record<string, CephStatus['health']>> = {
  HEALTH_OK: 'ok',
  HEALTH_WARN: 'warning',
  HEALTH_ERR: 'error',
};
/** What Ceph may say one day and PVC does not know yet is no reason to be calm. */
const healthOf = (word: string): CephStatus['health'] => healthWords[word] ?? 'error';

export type Reading = Omit<CephStatus, 'updatedMs' | 'conditions'>;

/** What one look is made of. */
export interface Answers {
  readonly status: z.output<typeof statusAnswer>;
  readonly health: z.output<typeof healthAnswer>;
  readonly monitors: z.output<typeof monitorAnswer>;
  readonly pools: z.output<typeof poolAnswer>;
}

/** A placement group without enough copies has a line of its own each; these are enough to find the others. */
const keptDetails = 20;

/** Pure. */
export function readingOf({ status, health, monitors, pools }: Answers): Reading {
  const { osdmap, pgmap } = status;
  return {
    monitors: monitors.mons.map(({ name, public_addrs: { addrvec } }) => ({
      name,
      address: addressOfSocket(addrvec.find(({ type }) => type === 'v2')?.addr ?? addrvec[0]?.addr ?? ''),
    })),
    quorum: status.quorum_names,
    health: healthOf(health.status),
    checks: Object.entries(health.checks)
      .filter(([, check]) => check.muted !== true)
      .map(([code, { severity, summary, detail }]) => ({
        code,
        severity: healthOf(severity),
        message: summary.message,
        details: detail.slice(0, keptDetails).map(({ message }) => message.trim()),
      })),
    osds: { total: osdmap.num_osds, up: osdmap.num_up_osds, in: osdmap.num_in_osds },
    pgs: Object.fromEntries(pgmap.pgs_by_state.map((one) => [one.state_name, one.count])),
    usage: { totalBytes: pgmap.bytes_total, usedBytes: pgmap.bytes_used, availableBytes: pgmap.bytes_avail },
    load: {
      readBytesPerS: pgmap.read_bytes_sec,
      writeBytesPerS: pgmap.write_bytes_sec,
      readsPerS: pgmap.read_op_per_sec,
      writesPerS: pgmap.write_op_per_sec,
    },
    recovery: {
      degradedShare: pgmap.degraded_ratio,
      misplacedShare: pgmap.misplaced_ratio,
      bytesPerS: pgmap.recovering_bytes_per_sec,
    },
    pools: pools.pools.map(({ name, stats }) => ({ name, storedBytes: stats.stored, freeBytes: stats.max_avail })),
  };
}

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function read(ceph: CephCommand): Promise<Reading> {
  const [status, health, monitors, pools] = await Promise.all([
    ceph.ask(statusAnswer, ['status']),
    ceph.ask(healthAnswer, ['health', 'detail']),
    ceph.ask(monitorAnswer, ['mon', 'dump']),
    ceph.ask(poolAnswer, ['df']),
  ]);
  return readingOf({ status, health, monitors, pools });
}
