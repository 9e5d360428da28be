/** The section `plugins.evpn` of pvc.yaml. @module */
import { z } from '../../core/plugin/api.ts';

export const evpnConfig = z.strictObject({
  asn: z
    .int()
    .min(1)
    .max(4_294_967_294)
    .default(65_500)
    .describe('number of the cluster as a BGP system (ASN); the same on every node'),
});
export type EvpnConfig = z.output<typeof evpnConfig>;
