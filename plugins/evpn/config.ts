/** The section `plugins.evpn` of pvc.yaml. @module */
import { z } from '../../core/plugin/api.ts';
import { sriovConfig } from './sriov/sriov-config.ts';
import { asNumber, upstreamConfig } from './upstream/upstream-config.ts';

/** Names of links that cannot be taken for anything else (IFNAMSIZ, linux/if.h). */
const linkName = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,14}$/;

export const evpnConfig = z.strictObject({
  asn: asNumber.default(65_500).describe('number of the cluster as a BGP system (ASN); the same on every node'),
  bfd: z
    .boolean()
    .default(false)
    .describe('nodes find out by BFD in a second that another one is cut off; the same on every node'),
  vlanLink: z
    .string()
    .regex(linkName, 'a link has a name of at most 15 letters, digits, ".", "_" and "-"')
    .optional()
    .describe('link of this node that carries VLANs, for bridged networks'),
  sriov: sriovConfig.default([]),
  upstream: upstreamConfig.prefault({}),
});
export type EvpnConfig = z.output<typeof evpnConfig>;
