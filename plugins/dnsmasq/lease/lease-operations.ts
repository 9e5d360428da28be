/** What dnsmasq's script asks and tells: the leases of a network at its start, and each change. @module */
import { isDeepStrictEqual } from 'node:util';
import { addressText, type Documents, defineMutation, defineQuery, names, z } from '../../../core/plugin/api.ts';
import { dhcp, dhcpError, vniText } from '../settings/dhcp-kind.ts';
import { leaseAfter } from './lease-event.ts';
import { leaseFile } from './lease-file.ts';
import { type LeaseSpec, lease, leaseId, octets } from './lease-kind.ts';

const network = vniText.describe('number of the network');

/** The leases of a network, without reading those of others. */
export async function leasesOf(documents: Documents, vni: string, instance: string): Promise<LeaseSpec[]> {
  const ids = (await documents.ids(lease)).filter((id) => id.startsWith(leaseId(vni, '')));
  const found = await Promise.all(ids.map((id) => documents.get(lease, id)));
  return found.flatMap((doc) => (doc?.spec.instance === instance ? [doc.spec] : []));
}

export function leaseOperations(documents: () => Documents) {
  return [
    defineQuery({
      name: 'dnsmasq.leases',
      summary: 'Print the leases of a network for dnsmasq',
      http: { method: 'GET', path: '/dnsmasq/{network}/leases' },
      cli: {
        command: 'dnsmasq leases',
        arguments: [{ field: 'network' }],
        hidden: true,
        render: ({ text }: { readonly text: string }) => text,
      },
      role: 'viewer',
      input: z.strictObject({ network }),
      output: z.object({ text: z.string().describe('a lease file of dnsmasq') }),
      async run({ view }, input) {
        const settings = await view.get(dhcp, input.network);
        if (settings === undefined) throw dhcpError('DHCP_OFF', { network: input.network });
        return { text: leaseFile(input.network, await leasesOf(documents(), input.network, settings.spec.instance)) };
      },
    }),
    defineMutation({
      name: 'dnsmasq.lease-event',
      summary: 'Note a lease that dnsmasq has given, renewed or ended',
      http: { method: 'POST', path: '/dnsmasq/{network}/leases' },
      cli: {
        command: 'dnsmasq lease-event',
        arguments: [{ field: 'network' }, { field: 'action' }, { field: 'client' }, { field: 'address' }],
        hidden: true,
      },
      role: 'admin',
      recorded: false,
      input: z.strictObject({
        network,
        action: z.enum(['add', 'old', 'del']).describe('what has become of it'),
        client: octets.describe('MAC address, or the DUID of an IPv6 client'),
        address: z.union([z.ipv4(), z.ipv6()]).describe('the address'),
        name: z.string().max(255).optional().describe('what the client calls itself'),
        expires: z.int().min(0).optional().describe('when it ends, seconds since 1970'),
        clientId: octets.optional().describe('the client’s own id'),
        iaid: z
          .string()
          .regex(/^T?\d{1,10}$/)
          .optional()
          .describe('interface of an IPv6 client (IAID)'),
        mac: names.macAddress.optional().describe('MAC address of an IPv6 client'),
      }),
      output: z.object({ lease: z.string(), kept: z.boolean() }),
      async plan(plan, { view, localNode }, { network: vni, ...event }) {
        const settings = await view.get(dhcp, vni);
        if (settings === undefined) throw dhcpError('DHCP_OFF', { network: vni });
        const id = leaseId(vni, addressText(event.address));
        const known = await view.get(lease, id);
        const sure = localNode !== undefined && (await view.primary()) === localNode;
        const after = leaseAfter(event, settings.spec.instance, known?.spec, sure);
        if (after === undefined && known !== undefined) plan.remove(lease, known);
        else if (after !== undefined && known === undefined) plan.create(lease, id, after);
        else if (after !== undefined && known !== undefined && !isDeepStrictEqual(after, known.spec))
          plan.update(lease, known, after);
        // Whoever switches DHCP off in this moment takes the leases away with it.
        if (plan.writes.length > 0) plan.unchanged(dhcp, settings);
        return { lease: id, kept: after !== undefined };
      },
    }),
  ];
}
