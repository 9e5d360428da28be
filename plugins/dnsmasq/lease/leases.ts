/** The leases that the store holds of a network. @module */
import type { Documents, Runtime, Write } from '../../../core/plugin/api.ts';
import type { GuestCard } from '../server/guest-names.ts';
import { dhcp } from '../settings/dhcp-kind.ts';
import { type LeaseSpec, lease, leaseId } from './lease-kind.ts';

/** Without reading those of other networks. @throws PvcError what the store throws */
export async function leasesOf(documents: Documents, vni: string, instance: string): Promise<LeaseSpec[]> {
  const ids = (await documents.ids(lease)).filter((id) => id.startsWith(leaseId(vni, '')));
  const found = await Promise.all(ids.map((id) => documents.get(lease, id)));
  return found.flatMap((doc) => (doc?.spec.instance === instance ? [doc.spec] : []));
}

/**
 * Ends the leases of a guest that is no more, and with them its names: nobody would give them back. dnsmasq forgets them when it
 * is told of the guest no more (server-plan.ts).
 * @throws PvcError what the store throws
 */
export async function endLeases(
  { documents, write }: Pick<Runtime, 'documents' | 'write'>,
  cards: readonly GuestCard[],
): Promise<void> {
  if (cards.length === 0) return;
  const numbers = new Map((await documents.list(dhcp)).map(({ id, spec }) => [spec.network, id]));
  const held = new Set(cards.map(({ network, mac }) => `${numbers.get(network)} ${mac}`));
  const gone = (await documents.list(lease)).filter(({ id, spec }) =>
    held.has(`${id.slice(0, id.indexOf('.'))} ${spec.client.mac}`),
  );
  if (gone.length === 0) return;
  await write(
    gone.map((before): Write => ({ do: 'remove', kind: lease, before })),
    { asPrimary: true },
  );
}
