/** Ceph, as far as it can refuse nodes: what it knows of them are addresses. @module */
import {
  type Doc,
  type Documents,
  type NodeSpec,
  type NodeStatus,
  node as nodeKind,
} from '../../../core/plugin/api.ts';
import { cephId, ceph as cephKind } from '../cluster/ceph-kind.ts';
import { addressToldBy } from '../cluster/own-address.ts';
import type { DaemonPart } from '../daemon-part.ts';
import { pool } from '../pool/pool-kind.ts';
import { blockError, storageBlock } from './block-kind.ts';
import { blockAddress, rangeOf, readBlocklist, unblockAddress } from './blocklist.ts';
import type { RefusingStorage } from './let-in.ts';

/** The pools of Ceph, as fences name them: to be shut out of one is to be shut out of all. */
export const cephResources = async (documents: Documents): Promise<string[]> =>
  (await documents.list(pool)).map(({ id }) => `pool:${id}`);

const addressOf = (doc: Doc<NodeSpec, NodeStatus> | undefined): string | undefined =>
  doc === undefined ? undefined : (addressToldBy(doc) ?? doc.spec.address);

/** On the storage network. @throws PvcError BLOCK_NO_ADDRESS */
export function needAddress(doc: Doc<NodeSpec, NodeStatus>): string {
  const address = addressOf(doc);
  if (address === undefined) throw blockError('BLOCK_NO_ADDRESS', { node: doc.id });
  return address;
}

export function refusingCeph({ runtime, ceph }: Pick<DaemonPart, 'runtime' | 'ceph'>): RefusingStorage {
  const { documents, host } = runtime;
  return {
    name: 'ceph',
    resources: () => cephResources(documents),
    async refused() {
      if ((await documents.get(cephKind, cephId)) === undefined) return new Map();
      const { ranges } = await readBlocklist(ceph);
      if (ranges.size === 0) return new Map();
      const [nodes, blocks] = await Promise.all([documents.list(nodeKind), documents.list(storageBlock)]);
      // The one that was blocked last, should its address be another one by now.
      const addresses = [
        ...nodes.map((doc) => [doc.id, addressOf(doc)] as const),
        ...blocks.map(({ id, spec }) => [id, spec.address] as const),
      ];
      return new Map(
        addresses.flatMap(([node, address]) => {
          const untilMs = address === undefined ? undefined : ranges.get(rangeOf(address));
          return untilMs === undefined ? [] : [[node, String(untilMs)] as const];
        }),
      );
    },
    async letIn(node) {
      const [doc, block] = await Promise.all([documents.get(nodeKind, node), documents.get(storageBlock, node)]);
      const addresses = new Set([addressOf(doc), block?.spec.address].filter((address) => address !== undefined));
      for (const address of addresses) await unblockAddress(ceph, address);
    },
    async refuse(node) {
      await blockAddress(ceph, needAddress(await documents.need(nodeKind, node)), () => host.clock.wallMs());
    },
  };
}
