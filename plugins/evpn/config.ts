/** The section `plugins.evpn` of pvc.yaml. @module */
import { z } from '../../core/plugin/api.ts';
import { asNumber, upstreamConfig } from './upstream/upstream-config.ts';

export const evpnConfig = z.strictObject({
  asn: asNumber.default(65_500).describe('number of the cluster as a BGP system (ASN); the same on every node'),
  upstream: upstreamConfig.prefault({}),
});
export type EvpnConfig = z.output<typeof evpnConfig>;
