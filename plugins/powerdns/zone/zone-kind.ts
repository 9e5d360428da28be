/** The serial of a zone: the same on all coordinators, so that it never goes back when another one becomes primary. @module */
import { defineKind, z } from '../../../core/plugin/api.ts';
import { domainName } from './dns-name.ts';

const zoneSpec = z.strictObject({
  serial: z
    .int()
    .min(1)
    .max(2 ** 32 - 1),
  /** The contents that have it. */
  digest: z.string().regex(/^[0-9a-f]{32}$/),
});
export type ZoneSpec = z.infer<typeof zoneSpec>;

export const dnsZone = defineKind<ZoneSpec, null>({
  name: 'dns-zone',
  plural: 'dns-zones',
  version: 1,
  id: domainName,
  spec: zoneSpec,
  status: z.null(),
  bookkeeping: true,
});
