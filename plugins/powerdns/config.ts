/** The section `plugins.powerdns` of pvc.yaml. @module */
import { z } from '../../core/plugin/api.ts';
import { domainName } from './zone/dns-name.ts';

const address = z.union([z.ipv4(), z.ipv6()]);

export const powerdnsConfig = z.strictObject({
  name: domainName
    .optional()
    .describe(
      'full name of the name server in SOA and NS records; default: `ns` in each domain; the same on every node',
    ),
  addresses: z
    .array(address)
    .max(8)
    .default([])
    .describe('addresses at which this node answers besides the floating one of the cluster network, on port 53'),
  secondaries: z
    .array(address)
    .max(32)
    .default([])
    .describe(
      'name servers that may transfer the zones and are told of changes; nobody else may; the same on every node',
    ),
});
export type PowerdnsConfig = z.output<typeof powerdnsConfig>;
