/** What Ceph knows of its OSDs. @module */
import { z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';

const dump = z.looseObject({
  osds: z.array(
    z.looseObject({
      osd: z.int(),
      uuid: z.string(),
      up: z.int(),
      in: z.int(),
      weight: z.number(),
      state: z.array(z.string()),
    }),
  ),
  flags_set: z.array(z.string()).default([]),
});

export interface OsdMapEntry {
  readonly id: number;
  readonly uuid: string;
  readonly up: boolean;
  readonly in: boolean;
  /** 0 to 1: the share of its data that Ceph trusts it with; 0 of one that is out. */
  readonly reweight: number;
  readonly destroyed: boolean;
}

/** `ceph osd dump` */
export async function osdMap(ceph: CephCommand): Promise<{ osds: OsdMapEntry[]; flags: string[] }> {
  const { osds, flags_set } = await ceph.ask(dump, ['osd', 'dump']);
  return {
    osds: osds.map((one) => ({
      id: one.osd,
      uuid: one.uuid,
      up: one.up === 1,
      in: one.in === 1,
      reweight: one.weight,
      destroyed: one.state.includes('destroyed'),
    })),
    flags: flags_set,
  };
}

const df = z.looseObject({
  nodes: z.array(
    z.looseObject({
      id: z.int(),
      device_class: z.string().default(''),
      crush_weight: z.number(),
      reweight: z.number(),
      kb: z.number(),
      kb_used: z.number(),
      kb_avail: z.number(),
      utilization: z.number(),
      pgs: z.int().default(0),
    }),
  ),
});

export interface OsdFigures {
  readonly id: number;
  readonly class: string;
  readonly weight: number;
  readonly reweight: number;
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly pgs: number;
}

/** `ceph osd df` */
export async function osdFigures(ceph: CephCommand): Promise<OsdFigures[]> {
  const { nodes } = await ceph.ask(df, ['osd', 'df']);
  return nodes.map((one) => ({
    id: one.id,
    class: one.device_class,
    weight: one.crush_weight,
    reweight: one.reweight,
    totalBytes: one.kb * 1024,
    usedBytes: one.kb_used * 1024,
    availableBytes: one.kb_avail * 1024,
    pgs: one.pgs,
  }));
}
