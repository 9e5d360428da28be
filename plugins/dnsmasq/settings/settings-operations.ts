/** DHCP of a network: switch on and off, change, look at. @module */
import { isDeepStrictEqual } from 'node:util';
import { defineMutation, defineQuery, type Runtime, z } from '../../../core/plugin/api.ts';
import { leasesOf } from '../lease/leases.ts';
import { reservation, reservationsOf } from '../reservation/reservation-kind.ts';
import { bootFileName, dhcp, dhcpError, ipv6Mode, networkName, rangeSpec } from './dhcp-kind.ts';
import { needNetwork, needSettings } from './lookup.ts';
import { renderSettings } from './render.ts';
import { settingsAsAsked, settingsInput, settingsOptions, usualSettings } from './settings-input.ts';

export const networkArgument = { field: 'network', complete: 'network' } as const;

const answer = z.object({
  network: z.string(),
  ranges: z.array(rangeSpec).describe('IPv4 addresses that are given to whoever asks'),
  leaseTimeS: z.int().describe('how long an address is given'),
  dns: z.array(z.string()).describe('name servers; none: the gateway'),
  ntp: z.array(z.string()).describe('time servers'),
  routes: z.array(z.object({ to: z.string(), via: z.string() })),
  boot: z.object({ file: bootFileName, server: z.string() }).nullable(),
  ipv6: ipv6Mode,
  ipv6Range: rangeSpec.nullable(),
});

const info = answer.extend({
  leases: z.int().describe('addresses that guests have now'),
  reservations: z.int().describe('addresses that are kept'),
});
export type DhcpInfo = z.output<typeof info>;

export function settingsOperations(runtime: () => Runtime) {
  return [
    defineMutation({
      name: 'network.dhcp-enable',
      summary: 'Give guests of a network their addresses',
      description:
        'The primary answers, at the gateway’s address. Guests are also told the gateway, name and time servers, the domain and the MTU. Needs a network with a gateway.',
      http: { method: 'POST', path: '/networks/{network}/dhcp' },
      cli: {
        command: 'network dhcp enable',
        arguments: [networkArgument],
        options: settingsOptions,
        examples: [
          'pvc network dhcp enable office',
          'pvc network dhcp enable office --range 10.20.0.100-10.20.0.199 --lease-time 1h --ntp 10.20.0.1 --ipv6 stateful',
        ],
      },
      role: 'admin',
      input: z.strictObject({ network: networkName, ...settingsInput }),
      output: answer,
      async plan(plan, context, { network: name, ...input }) {
        const network = await needNetwork(runtime(), name);
        const id = String(network.vni);
        if ((await context.view.get(dhcp, id)) !== undefined) throw dhcpError('DHCP_ON', { network: name });
        const spec = settingsAsAsked(network, usualSettings(network, context.uuid()), input);
        plan.create(dhcp, id, spec);
        plan.act(`start dnsmasq for ${name} on the primary`);
        return spec;
      },
    }),
    defineMutation({
      name: 'network.dhcp-modify',
      summary: 'Change the DHCP settings of a network',
      description: 'A guest hears of it when it renews, at the latest after half of its lease time.',
      http: { method: 'PATCH', path: '/networks/{network}/dhcp' },
      cli: {
        command: 'network dhcp modify',
        arguments: [networkArgument],
        options: settingsOptions,
        examples: ['pvc network dhcp modify office --range 10.20.0.50-10.20.0.99 --no-ntp'],
      },
      role: 'admin',
      input: z.strictObject({ network: networkName, ...settingsInput }),
      output: answer,
      async plan(plan, { view }, { network: name, ...input }) {
        const network = await needNetwork(runtime(), name);
        const before = await needSettings(view, network);
        const spec = settingsAsAsked(network, before.spec, input);
        if (isDeepStrictEqual(spec, before.spec)) throw dhcpError('DHCP_UNCHANGED', { network: name });
        plan.update(dhcp, before, spec);
        plan.act(`start dnsmasq of ${name} again, with its new settings`);
        return spec;
      },
    }),
    defineMutation({
      name: 'network.dhcp-disable',
      summary: 'Give out no more addresses in a network',
      description:
        'Settings, reservations and leases are forgotten. Guests keep their addresses until their time is over.',
      http: { method: 'DELETE', path: '/networks/{network}/dhcp' },
      cli: {
        command: 'network dhcp disable',
        arguments: [networkArgument],
        confirm: 'Forget the DHCP settings, reservations and leases of {network}?',
      },
      role: 'admin',
      input: z.strictObject({ network: networkName }),
      output: answer,
      async plan(plan, { view }, { network: name }) {
        const before = await needSettings(view, await needNetwork(runtime(), name));
        plan.remove(dhcp, before);
        plan.act(`end dnsmasq of ${name}`);
        return before.spec;
      },
    }),
    defineQuery({
      name: 'network.dhcp-info',
      summary: 'Show the DHCP settings of a network',
      http: { method: 'GET', path: '/networks/{network}/dhcp' },
      cli: { command: 'network dhcp info', arguments: [networkArgument], render: renderSettings },
      role: 'viewer',
      input: z.strictObject({ network: networkName }),
      output: info,
      async run({ view }, { network: name }): Promise<DhcpInfo> {
        const { id, spec } = await needSettings(view, await needNetwork(runtime(), name));
        const { documents } = runtime();
        return {
          ...spec,
          leases: (await leasesOf(documents, id, spec.instance)).length,
          reservations: reservationsOf(await view.list(reservation), spec.instance).length,
        };
      },
    }),
  ];
}
