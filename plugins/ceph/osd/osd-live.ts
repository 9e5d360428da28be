/** How the OSDs are at this moment, put together from what Ceph tells in several places. @module */
import { PvcError, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { type OsdFigures, type OsdMapEntry, osdFigures, osdMap } from './osd-map.ts';

/** `ceph osd perf` */
const perfAnswer = z.looseObject({
  osdstats: z.looseObject({
    osd_perf_infos: z.array(
      z.looseObject({
        id: z.int(),
        perf_stats: z.looseObject({ commit_latency_ms: z.number(), apply_latency_ms: z.number() }),
      }),
    ),
  }),
});

/** `ceph osd metadata ID`; of an OSD that never came up Ceph has only the number. */
const metadataAnswer = z.looseObject({
  hostname: z.string().optional(),
  ceph_version_short: z.string().optional(),
  devices: z.string().optional(),
  device_ids: z.string().optional(),
  rotational: z.string().optional(),
  bluefs_dedicated_db: z.string().optional(),
  front_addr: z.string().optional(),
  back_addr: z.string().optional(),
});
export type OsdMetadata = z.output<typeof metadataAnswer>;

export interface LiveOsd {
  readonly map: OsdMapEntry;
  readonly figures: OsdFigures | undefined;
  /** Of its last writes, in milliseconds. */
  readonly latencyMs: number | undefined;
}

/**
 * By number. A storage that does not answer is an answer, too: the reason.
 * @throws PvcError CEPH_REFUSED, CEPH_STRANGE
 */
export async function liveOsds(ceph: CephCommand): Promise<ReadonlyMap<number, LiveOsd> | string> {
  try {
    const [map, figures, perf] = await Promise.all([
      osdMap(ceph),
      osdFigures(ceph),
      ceph.ask(perfAnswer, ['osd', 'perf']),
    ]);
    const used = new Map(figures.map((one) => [one.id, one]));
    const latency = new Map(
      perf.osdstats.osd_perf_infos.map(({ id, perf_stats }) => [id, perf_stats.commit_latency_ms]),
    );
    return new Map(
      map.osds.map((entry) => [
        entry.id,
        { map: entry, figures: used.get(entry.id), latencyMs: latency.get(entry.id) },
      ]),
    );
  } catch (error) {
    if (error instanceof PvcError && error.code === 'CEPH_AWAY') return error.message;
    throw error;
  }
}

/** Undefined: Ceph has nothing of it. @throws PvcError CEPH_AWAY, CEPH_STRANGE */
export async function osdMetadata(ceph: CephCommand, id: number): Promise<OsdMetadata | undefined> {
  const args = ['osd', 'metadata', String(id)];
  const known = await ceph.ask(z.array(z.int()), ['osd', 'ls']);
  return known.includes(id) ? ceph.ask(metadataAnswer, args) : undefined;
}
