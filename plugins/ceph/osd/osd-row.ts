/** An OSD as callers see it. @module */
import { type Doc, formatBytes, formatShare, type RenderContext, table, z } from '../../../core/plugin/api.ts';
import type { OsdSpec, OsdStatus } from './osd-kind.ts';
import type { LiveOsd } from './osd-live.ts';

export const osdRow = z.object({
  osd: z.int(),
  node: z.string().nullable().describe('null: PVC does not know it; it was made by other means'),
  backing: z.string().nullable(),
  path: z.string().nullable(),
  daemon: z.string().nullable(),
  up: z.boolean().nullable().describe('null, here and below: Ceph does not answer, or does not know the OSD'),
  in: z.boolean().nullable(),
  class: z.string().nullable(),
  weight: z.number().nullable(),
  reweight: z.number().nullable().describe('share of its data that Ceph trusts it with at present'),
  totalBytes: z.number().nullable(),
  usedBytes: z.number().nullable(),
  pgs: z.int().nullable(),
  latencyMs: z.number().nullable().describe('of its last writes'),
});
export type OsdRow = z.output<typeof osdRow>;

/** @param live undefined: not known now */
export function rowOf(id: number, doc: Doc<OsdSpec, OsdStatus> | undefined, live: LiveOsd | undefined): OsdRow {
  return {
    osd: id,
    node: doc?.spec.node ?? null,
    backing: doc?.spec.backing.type ?? null,
    path: doc?.spec.backing.path ?? null,
    daemon: doc?.status?.daemon ?? null,
    up: live?.map.up ?? null,
    in: live?.map.in ?? null,
    class: live?.figures?.class ?? null,
    weight: live?.figures?.weight ?? null,
    reweight: live?.map.reweight ?? null,
    totalBytes: live?.figures?.totalBytes ?? null,
    usedBytes: live?.figures?.usedBytes ?? null,
    pgs: live?.figures?.pgs ?? null,
    latencyMs: live?.latencyMs ?? null,
  };
}

export const stateOf = ({ up }: Pick<OsdRow, 'up'>): string => (up === null ? 'unknown' : up ? 'up' : 'down');

export const usageOf = ({ usedBytes, totalBytes }: Pick<OsdRow, 'usedBytes' | 'totalBytes'>): string | null =>
  usedBytes === null || totalBytes === null || totalBytes === 0
    ? null
    : `${formatBytes(usedBytes)} (${formatShare(usedBytes / totalBytes)})`;

export const roundedWeight = (weight: number | null): number | null =>
  weight === null ? null : Math.round(weight * 1000) / 1000;

export const renderOsds = (rows: readonly OsdRow[], context: RenderContext): string =>
  table(
    [
      { title: 'OSD', keep: true },
      { title: 'NODE', keep: true },
      { title: 'STATE', state: true },
      'IN',
      'CLASS',
      'SIZE',
      'USED',
      { title: 'PGS', optional: true },
      { title: 'WEIGHT', optional: true },
      { title: 'LATENCY', optional: true },
      { title: 'DEVICE', optional: true },
    ],
    rows.map((row) => [
      row.osd,
      row.node,
      stateOf(row),
      row.in === null ? null : row.in ? 'in' : 'out',
      row.class,
      row.totalBytes === null ? null : formatBytes(row.totalBytes),
      usageOf(row),
      row.pgs,
      roundedWeight(row.weight),
      row.latencyMs === null ? null : `${row.latencyMs} ms`,
      row.path,
    ]),
    context,
  );
