/** The first minutes of an OSD. @module */
import type { Host, Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { osd, osdError } from './osd-kind.ts';
import { osdMap } from './osd-map.ts';

const patienceMs = 120_000;
const lookMs = 500;

interface Started {
  readonly id: number;
  readonly node: string;
}

/** The disk that had the number before may still be on its way out. @throws PvcError OSD_NOT_UP */
export async function untilFree(
  { documents, host }: Pick<Runtime, 'documents' | 'host'>,
  { id, uuid, node }: Started & { readonly uuid: string },
  signal: AbortSignal,
): Promise<void> {
  const until = host.clock.monotonicMs() + patienceMs;
  for (;;) {
    const doc = await documents.get(osd, String(id));
    if (doc === undefined || doc.spec.uuid === uuid) return;
    const reason = `another disk of that number, on ${doc.spec.node}, has not gone`;
    if (host.clock.monotonicMs() > until) throw osdError('OSD_NOT_UP', { osd: id, node, reason });
    await host.clock.sleep(lookMs, signal);
  }
}

/** Waits until Ceph sees it and gives it data. @throws PvcError OSD_NOT_UP */
export async function untilUp(
  { clock }: Pick<Host, 'clock'>,
  ceph: CephCommand,
  { id, node }: Started,
  signal: AbortSignal,
): Promise<void> {
  const until = clock.monotonicMs() + patienceMs;
  for (;;) {
    const entry = (await osdMap(ceph)).osds.find((one) => one.id === id);
    if (entry?.up === true && entry.in) return;
    const reason = entry?.up === true ? 'it is out' : 'Ceph does not see it';
    if (clock.monotonicMs() > until) throw osdError('OSD_NOT_UP', { osd: id, node, reason });
    await clock.sleep(lookMs, signal);
  }
}
