/** The storage fence of a dead node: Ceph refuses its clients, so that its guests may be started elsewhere. @module */
import {
  type DeadNode,
  type Doc,
  type FenceAbout,
  type FenceProof,
  type NodeSpec,
  type NodeStatus,
  node as nodeKind,
} from '../../../core/plugin/api.ts';
import { cephId, ceph as cephKind } from '../cluster/ceph-kind.ts';
import { addressToldBy } from '../cluster/own-address.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import type { DaemonPart } from '../daemon-part.ts';
import { osd } from '../osd/osd-kind.ts';
import { pool } from '../pool/pool-kind.ts';
import { blockError, storageBlock } from './block-kind.ts';
import { blockAddress, rangeOf, readBlocklist, unblockAddress } from './blocklist.ts';
import type { RefusingStorage } from './blocklist-controller.ts';

type Part = Pick<DaemonPart, 'runtime' | 'ceph'>;

/** What guests need to know of a pool of Ceph: nothing on the node writes to it any more. */
const resourceOf = (name: string): string => `pool:${name}`;

const addressOf = (doc: Doc<NodeSpec, NodeStatus>): string | undefined => addressToldBy(doc) ?? doc.spec.address;

/** @throws PvcError BLOCK_NO_ADDRESS */
function needAddress(doc: Doc<NodeSpec, NodeStatus>): string {
  const address = addressOf(doc);
  if (address === undefined) throw blockError('BLOCK_NO_ADDRESS', { node: doc.id });
  return address;
}

/**
 * Has every client of the node refused, and reads that back. @returns undefined where no pool of Ceph is asked for
 * @throws PvcError BLOCK_NO_ADDRESS, CEPH_AWAY, CEPH_REFUSED, and what `begin` throws
 */
export async function fenceFromStorage(
  { runtime, ceph }: Part,
  { node, needs, begin }: FenceAbout,
): Promise<FenceProof | undefined> {
  const { documents, host } = runtime;
  const pools = (await documents.list(pool)).map(({ id }) => resourceOf(id));
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
  if (before === undefined) {
    // Another node has become primary and has let it in again, while this one stood still.
    await unblockAddress(ceph, address);
    throw blockError('BLOCK_NOT_FOUND', { node });
  }
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

/** Lets the clients of the node in again. @throws PvcError CEPH_AWAY, CEPH_REFUSED */
export async function letInAgain({ runtime, ceph }: Part, { node }: DeadNode): Promise<string[]> {
  const doc = await runtime.documents.get(storageBlock, node);
  if (doc === undefined) return [];
  await unblockAddress(ceph, doc.spec.address);
  const before = await runtime.documents.get(storageBlock, node);
  if (before !== undefined) await runtime.write([{ do: 'remove', kind: storageBlock, before }], { asPrimary: true });
  return [];
}

/** Ceph, as far as it can refuse nodes. */
export const refusingCeph = ({ runtime: { documents, host }, ceph }: Part): RefusingStorage => ({
  async refused() {
    if ((await documents.get(cephKind, cephId)) === undefined) return new Set();
    const { ranges } = await readBlocklist(ceph);
    if (ranges.size === 0) return new Set();
    const nodes = await documents.list(nodeKind);
    return new Set(
      nodes.flatMap((doc) => {
        const address = addressOf(doc);
        return address !== undefined && ranges.has(rangeOf(address)) ? [doc.id] : [];
      }),
    );
  },
  letIn: async (node) => unblockAddress(ceph, needAddress(await documents.need(nodeKind, node))),
  async refuse(node) {
    await blockAddress(ceph, needAddress(await documents.need(nodeKind, node)), () => host.clock.wallMs());
  },
});
