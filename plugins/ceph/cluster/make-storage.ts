/** Making the storage of a cluster: its documents, from which every node then makes its part. @module */
import { defineInitPart, type PlanBuilder, type PlanContext, z } from '../../../core/plugin/api.ts';
import { cephError } from '../command/errors.ts';
import { ceph, cephId, cephSecret, secretIds } from './ceph-kind.ts';
import { cephKey, keyBytes } from './secret-key.ts';

export const networkField = z
  .union([z.cidrv4(), z.cidrv6()], 'a network is written like 10.0.1.0/24')
  .describe('network over which nodes reach monitors and disks; every node needs an address in it');

/** Plans the storage, which the node `first` begins. @returns what Ceph will call it */
export function planStorage(
  plan: PlanBuilder,
  context: Pick<PlanContext, 'nowMs' | 'uuid' | 'bytes'>,
  { network, first }: { readonly network: string; readonly first: string },
): string {
  const nowMs = Math.round(context.nowMs);
  const fsid = context.uuid();
  plan.create(ceph, cephId, { fsid, network, first, createdMs: nowMs });
  for (const id of secretIds) plan.create(cephSecret, id, { key: cephKey(context.bytes(keyBytes), nowMs) });
  plan.act(`make the first monitor and manager on ${first}, then one of each on every other coordinator`);
  return fsid;
}

/** `pvc cluster init --storage-network`: storage from the beginning. */
export const storageFromInit = defineInitPart({
  field: 'storageNetwork',
  schema: networkField.optional().describe('makes the storage as well, over this network; see `pvc storage init`'),
  option: { value: 'CIDR' },
  plan(plan, machine, network) {
    if (machine.addressesIn(network).length === 0) throw cephError('CEPH_ADDRESS', { nodes: machine.node, network });
    planStorage(plan, machine, { network, first: machine.node });
  },
});
