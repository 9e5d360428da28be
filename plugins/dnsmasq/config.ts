/** The section `plugins.dnsmasq` of pvc.yaml. @module */
import { z } from '../../core/plugin/api.ts';

export const dnsmasqConfig = z.strictObject({
  forwarders: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .max(8)
    .optional()
    .describe(
      'name servers that guests’ questions about other names go to; without it those of the node’s own /etc/resolv.conf',
    ),
});
export type DnsmasqConfig = z.output<typeof dnsmasqConfig>;
