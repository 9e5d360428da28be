/** All addresses that DHCP has given or keeps. @module */
import { defineQuery, formatDuration, type RenderContext, type Runtime, table, z } from '../../../core/plugin/api.ts';
import { lease } from '../lease/lease-kind.ts';
import { reservation } from '../reservation/reservation-kind.ts';
import { dhcp, networkName } from '../settings/dhcp-kind.ts';
import { needNetwork } from '../settings/lookup.ts';
import { networkArgument } from '../settings/settings-operations.ts';
import { type AddressRow, addressRows } from './address-rows.ts';

const row = z.object({
  network: z.string(),
  type: z.enum(['lease', 'reservation']),
  mac: z.string().nullable().describe('MAC address; null: an IPv6 client whose is not known'),
  address: z.string(),
  hostname: z.string().nullable(),
  expiresMs: z.number().nullable().describe('when the lease ends; null: a reservation'),
});

const renderAddresses = (rows: readonly AddressRow[], context: RenderContext): string =>
  table(
    [{ title: 'NETWORK', keep: true }, 'TYPE', { title: 'ADDRESS', keep: true }, 'MAC', 'NAME', 'ENDS IN'],
    rows.map(({ network, type, address, mac, hostname, expiresMs }) => [
      network,
      type,
      address,
      mac,
      hostname,
      expiresMs === null ? undefined : formatDuration(Math.max(0, expiresMs - context.nowMs)),
    ]),
    context,
  );

export function listOperations(runtime: () => Runtime) {
  return [
    defineQuery({
      name: 'network.dhcp-list',
      summary: 'List the addresses that guests have by DHCP, and those that are reserved',
      http: { method: 'GET', path: '/dhcp-addresses' },
      cli: {
        command: 'network dhcp list',
        arguments: [networkArgument],
        render: renderAddresses,
        nameField: 'address',
      },
      role: 'viewer',
      input: z.strictObject({ network: networkName.optional().describe('name of the network (all)') }),
      output: z.array(row),
      async run({ view, nowMs }, { network }): Promise<AddressRow[]> {
        if (network !== undefined) await needNetwork(runtime(), network);
        const [settings, leases, reservations] = await Promise.all([
          view.list(dhcp),
          view.list(lease),
          view.list(reservation),
        ]);
        const asked = settings.filter(({ spec }) => network === undefined || spec.network === network);
        return addressRows(asked, leases, reservations, nowMs);
      },
    }),
  ];
}
