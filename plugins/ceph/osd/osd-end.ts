/** The end of an OSD in Ceph, in steps that may each be done again. @module */
import { type Host, z } from '../../../core/plugin/api.ts';
import { type CephCommand, complaint } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';
import { osdError } from './osd-kind.ts';
import { type OsdMapEntry, osdMap } from './osd-map.ts';

/** One that runs on all the same says so within seconds. */
const downMs = 60_000;
const lookMs = 500;

export interface NumberedOsd {
  readonly id: number;
  /** The number may be another's by now; this may not. */
  readonly uuid: string;
}

/**
 * What Ceph has of it; undefined: nothing, or another OSD with its number. One that was destroyed to be replaced has lost
 * its name, and its number is kept for nobody else. Pure.
 */
export const ownEntryIn = (osds: readonly OsdMapEntry[], { id, uuid }: NumberedOsd): OsdMapEntry | undefined =>
  osds.find((one) => one.id === id && (one.uuid === uuid || one.destroyed));

export async function ownEntry(ceph: CephCommand, osd: NumberedOsd): Promise<OsdMapEntry | undefined> {
  return ownEntryIn((await osdMap(ceph)).osds, osd);
}

/**
 * Has Ceph count it as down, after its daemon has ended: an OSD ends without a word to the monitors
 * (osd_fast_shutdown), and its peers may take minutes to miss one that has no data any more.
 * @throws PvcError OSD_RUNS: it comes up again
 */
export async function untilDown(
  { clock }: Pick<Host, 'clock'>,
  ceph: CephCommand,
  osd: NumberedOsd,
  signal?: AbortSignal,
): Promise<void> {
  const until = clock.monotonicMs() + downMs;
  if ((await ownEntry(ceph, osd))?.up === true)
    await ceph.ceph(`the end of osd.${osd.id}`, ['osd', 'down', String(osd.id)]);
  while ((await ownEntry(ceph, osd))?.up === true) {
    if (clock.monotonicMs() > until) throw osdError('OSD_RUNS', { osd: osd.id });
    await clock.sleep(lookMs, signal);
  }
}

/** ENOTEMPTY (errno.h) */
const notEmpty = 39;

const hosts = z.looseObject({
  nodes: z.array(z.looseObject({ name: z.string(), type: z.string(), children: z.array(z.int()).default([]) })),
});

/** Takes it out of Ceph's maps with its key, and its node from the tree if it was the last there; its daemon has ended. */
export async function purge(ceph: CephCommand, osd: NumberedOsd, node: string): Promise<void> {
  if ((await ownEntry(ceph, osd)) !== undefined)
    await ceph.ceph(`the end of osd.${osd.id}`, ['osd', 'purge', String(osd.id), '--yes-i-really-mean-it']);
  const { nodes } = await ceph.ask(hosts, ['osd', 'tree']);
  const place = nodes.find(({ name, type }) => type === 'host' && name === node);
  if (place?.children.length !== 0) return;
  const result = await ceph.tryCeph(['osd', 'crush', 'rm', node]);
  // An OSD that is made at this moment has put its node into the tree again.
  if (result.code !== 0 && result.code !== notEmpty)
    throw cephError('CEPH_REFUSED', { what: `the end of ${node} in the tree`, reason: complaint(result) });
}
