/** Who has a volume open on another node. Two that write to one image destroy it. @module */
import { fence, fenceEnded, type Runtime, View } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { storageBlock } from './block-kind.ts';
import { type Holder, holdersOf } from './holders.ts';

/** Longer than monitors and disks take that have just lost a node. */
const goneWithinMs = 8_000;
const lookMs = 300;

/** What this node itself has left behind, QEMU takes over. */
const foreign = (holders: readonly Holder[], node: string): Holder[] =>
  holders.filter((holder) => holder.node !== node);

/** For so long after a node was taken for dead Ceph may not have heard of it. */
const freshMs = 10_000;
const heardWithinMs = 5_000;
const lookForProofMs = 100;

/**
 * Until Ceph has shut out the nodes that have just died, and knows of their disks. What it is asked before that may go to a disk
 * that is lost, and is asked again only after seconds (ceph.conf: objecter timeout).
 */
async function cephHasHeard({ documents, host: { clock } }: Pick<Runtime, 'documents' | 'host'>): Promise<void> {
  const untilMs = clock.monotonicMs() + heardWithinMs;
  while (clock.monotonicMs() < untilMs) {
    const fresh = (await documents.list(fence)).filter(
      ({ spec, status }) => !fenceEnded(status) && Math.abs(clock.wallMs() - spec.openedMs) < freshMs,
    );
    const blocks = await Promise.all(fresh.map(({ spec }) => documents.get(storageBlock, spec.node)));
    if (blocks.every((block) => block?.spec.proof !== undefined)) return;
    await clock.sleep(lookForProofMs);
  }
}

/**
 * Who has it open elsewhere and will not go by himself. Clients of a node that is being fenced are gone as soon as Ceph shuts them
 * out, so these are waited for.
 * @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE
 */
export async function openElsewhere(
  { documents, host, node }: Pick<Runtime, 'documents' | 'host' | 'node'>,
  ceph: CephCommand,
  image: string,
): Promise<Holder[]> {
  await cephHasHeard({ documents, host });
  const untilMs = host.clock.monotonicMs() + goneWithinMs;
  for (;;) {
    const found = foreign(await holdersOf(ceph, new View(documents), image), node);
    if (found.length === 0 || host.clock.monotonicMs() >= untilMs) return found;
    const fenced = found.map(
      async ({ node: at }) => at !== null && (await documents.find(fence, 'node', at)) !== undefined,
    );
    if ((await Promise.all(fenced)).includes(false)) return found;
    await host.clock.sleep(lookMs);
  }
}
