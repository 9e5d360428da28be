/** Who has a volume open on another node. Two that write to one image destroy it. @module */
import { fence, type Runtime, View } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { type Holder, holdersOf } from './holders.ts';

/** Longer than monitors and disks take that have just lost a node. */
const goneWithinMs = 10_000;
const lookMs = 300;

/** What this node itself has left behind, QEMU takes over. */
const foreign = (holders: readonly Holder[], node: string): Holder[] =>
  holders.filter((holder) => holder.node !== node);

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
  const untilMs = host.clock.monotonicMs() + goneWithinMs;
  for (;;) {
    const found = foreign(await holdersOf(ceph, new View(documents), image), node);
    if (found.length === 0 || host.clock.monotonicMs() >= untilMs) return found;
    const open = found.map(({ node: at }) => (at === null ? undefined : documents.find(fence, 'node', at)));
    if ((await Promise.all(open)).includes(undefined)) return found;
    await host.clock.sleep(lookMs);
  }
}
