/** The document of a network that an operation names. @module */
import type { Doc, View } from '../../../core/plugin/api.ts';
import { type NetworkSpec, network, networkError } from './network-kind.ts';

/** @throws PvcError NETWORK_NOT_FOUND */
export async function needNetwork(view: View, name: string): Promise<Doc<NetworkSpec, null>> {
  const doc = await view.find(network, 'name', name);
  if (doc === undefined) throw networkError('NETWORK_NOT_FOUND', { network: name });
  return doc;
}
