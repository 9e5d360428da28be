/** What this node tells of its virtual functions, with each of its keepalives. @module */
import type { Runtime } from '../../../core/plugin/api.ts';
import { network } from '../network/network-kind.ts';
import type { PhysicalFunctions } from './physical-functions.ts';
import { factOfDevice, factOfNetworks } from './sriov-facts.ts';
import type { VirtualCards } from './virtual-cards.ts';

export async function sriovFacts(
  { documents }: Pick<Runtime, 'documents'>,
  physical: PhysicalFunctions,
  cards: VirtualCards,
): Promise<Readonly<Record<string, string>>> {
  // Told with each keepalive: a node without such cards has nothing to tell, and asks for nothing.
  if (physical.devices.length === 0) return {};
  const capacities = new Map<string, number>();
  const lines: Record<string, string> = {};
  for (const { device } of physical.devices) {
    const seen = await physical.look(device);
    if (typeof seen === 'string') continue;
    const { capacity, given } = await cards.use(seen);
    capacities.set(device, capacity);
    Object.assign(lines, factOfDevice({ device, made: seen.functions.length, most: seen.most, given }));
  }
  const networks = (await documents.list(network)).flatMap(({ spec: { name, device } }) =>
    device === undefined ? [] : [{ name, device }],
  );
  return { ...lines, ...factOfNetworks(networks, capacities) };
}
