/** The storage fence of a dead node: Ceph refuses its clients, so that its guests may be started elsewhere. @module */
import { type FenceAbout, type FenceProof, node as nodeKind } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import type { DaemonPart } from '../daemon-part.ts';
import { osd } from '../osd/osd-kind.ts';
import { blockError, storageBlock } from './block-kind.ts';
import { blockAddress } from './blocklist.ts';
import { cephResources, needAddress } from './refusing-ceph.ts';

type Part = Pick<DaemonPart, 'runtime' | 'ceph'>;

/**
 * Has every client of the node refused, and reads that back. @returns undefined where no pool of Ceph is asked for
 * @throws PvcError BLOCK_NO_ADDRESS, CEPH_AWAY, CEPH_REFUSED, and what `begin` throws
 */
export async function fenceFromStorage(
  { runtime, ceph }: Part,
  { node, needs, begin }: FenceAbout,
): Promise<FenceProof | undefined> {
  const { documents, host } = runtime;
  const pools = await cephResources(documents);
  if (!pools.some((one) => needs.includes(one))) return undefined;
  const doc = await documents.need(nodeKind, node);
  const address = needAddress(doc);
  await begin();
  const spec = {
    address,
    createdMs: Math.round(host.clock.wallMs()),
    ...(doc.status === undefined ? {} : { bootId: doc.status.bootId }),
  };
  const known = await documents.get(storageBlock, node);
  await runtime.write(
    [
      known === undefined
        ? { do: 'create', kind: storageBlock, id: node, spec }
        : { do: 'spec', kind: storageBlock, before: known, spec },
    ],
    { asPrimary: true, whileDead: node },
  );
  const osds = (await documents.list(osd)).filter(({ spec: { node: at } }) => at === node);
  // Together, so that both come with one new map: Ceph makes one a second at most.
  const asked = [blockAddress(ceph, address, () => host.clock.wallMs()), missOsds(ceph, osds)] as const;
  // Neither may still be under way when this has failed: the node might have been let in again by then.
  await Promise.allSettled(asked);
  const [proof] = await Promise.all(asked);
  const before = await documents.get(storageBlock, node);
  // Another node has become primary and has let it in again, while this one stood still. It does so once more: see
  // blocklist-controller.ts.
  if (before === undefined) throw blockError('BLOCK_NOT_FOUND', { node });
  await runtime.write([{ do: 'spec', kind: storageBlock, before, spec: { ...before.spec, proof } }], {
    asPrimary: true,
    whileDead: node,
  });
  return {
    covers: pools,
    text: `Ceph refuses every client at ${address} (${proof.range}, read back in its map ${proof.epoch})`,
  };
}

/**
 * Has Ceph count the disks of the node as down: their peers would take 20 s to miss them (osd_heartbeat_grace), and until then
 * whatever has to be read from them waits. One that runs all the same says so, and is up again.
 */
async function missOsds(ceph: CephCommand, osds: readonly { readonly id: string }[]): Promise<void> {
  if (osds.length > 0) await ceph.orderSoon('the loss of disks', ['osd', 'down', ...osds.map(({ id }) => id)]);
}
