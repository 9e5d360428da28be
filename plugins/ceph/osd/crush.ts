/** How an OSD stands in CRUSH: its class and its weight. @module */
import type { CephCommand } from '../command/ceph-command.ts';

export interface CrushWish {
  readonly class?: string | undefined;
  /** In TiB, as a rule: the share of the data that it gets. */
  readonly weight?: number | undefined;
}

/** May be given again. @throws PvcError CEPH_AWAY, CEPH_REFUSED */
export async function place(ceph: CephCommand, id: number, { class: wanted, weight }: CrushWish): Promise<void> {
  const osd = `osd.${id}`;
  if (wanted !== undefined) {
    // Ceph sets no class while there is another.
    await ceph.ceph(`the class of ${osd}`, ['osd', 'crush', 'rm-device-class', osd]);
    await ceph.ceph(`the class of ${osd}`, ['osd', 'crush', 'set-device-class', wanted, osd]);
  }
  if (weight !== undefined) await ceph.ceph(`the weight of ${osd}`, ['osd', 'crush', 'reweight', osd, String(weight)]);
}
