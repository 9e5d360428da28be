/** The leases that the store holds of a network. @module */
import type { Documents } from '../../../core/plugin/api.ts';
import { type LeaseSpec, lease, leaseId } from './lease-kind.ts';

/** Without reading those of other networks. @throws PvcError what the store throws */
export async function leasesOf(documents: Documents, vni: string, instance: string): Promise<LeaseSpec[]> {
  const ids = (await documents.ids(lease)).filter((id) => id.startsWith(leaseId(vni, '')));
  const found = await Promise.all(ids.map((id) => documents.get(lease, id)));
  return found.flatMap((doc) => (doc?.spec.instance === instance ? [doc.spec] : []));
}
