/** What dnsmasq's script has written down of one address: a file of one value a line. Pure. @module */
import { z } from '../../../core/plugin/api.ts';
import { vniText } from '../settings/dhcp-kind.ts';
import type { LeaseEvent } from './lease-event.ts';
import { octets } from './lease-kind.ts';

/** In the order of the script (`lease-script.ts`); the name last, for it is the client's own word. */
const lines = ['action', 'client', 'expires', 'clientId', 'iaid', 'mac', 'name'] as const;

const event = z.object({
  /** `old`: renewed, or changed otherwise. */
  action: z.enum(['add', 'old', 'del']),
  client: octets,
  expires: z.coerce.number().int().min(0).optional(),
  clientId: octets.optional(),
  iaid: z
    .string()
    .regex(/^T?\d{1,10}$/)
    .optional(),
  mac: z.string().optional(),
  name: z.string().max(255).optional(),
});

export interface LeaseReport {
  readonly vni: string;
  readonly event: LeaseEvent;
}

const nameForm = /^([^.]+)\.([0-9a-f.:]+)$/i;
const address = z.union([z.ipv4(), z.ipv6()]);

/**
 * @param name of the file: the number of the network, a dot and the address
 * @throws ZodError for what is no report
 */
export function readReport(name: string, text: string): LeaseReport {
  const [, vni, where] = nameForm.exec(name) ?? [];
  const said = text.split('\n');
  const values = Object.fromEntries(lines.flatMap((line, index) => (said[index] ? [[line, said[index]]] : [])));
  return { vni: vniText.parse(vni), event: { ...event.parse(values), address: address.parse(where) } };
}
