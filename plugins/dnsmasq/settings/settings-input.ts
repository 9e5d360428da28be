/** DHCP settings as callers write them. Pure. @module */
import { addressText, z } from '../../../core/plugin/api.ts';
import { type Network, servedIn } from '../network.ts';
import { bootFileName, type DhcpSpec, dhcpError, ipv6Mode, leaseTime, type Range, rangeSpec } from './dhcp-kind.ts';
import { servesHosts, settingsProblems, usualIpv6Range, usualRange } from './fit.ts';

const address = z.union([z.ipv4(), z.ipv6()], 'an address is written like 10.20.0.1 or fd20::1');

const range = z
  .string()
  .regex(/^[0-9A-Fa-f.:]{2,45}-[0-9A-Fa-f.:]{2,45}$/, 'a range is written like 10.20.0.100-10.20.0.199');

/** What may be said of the settings; undefined leaves them as they are, or as is usual. */
export const settingsInput = {
  range: z
    .array(range)
    .max(16)
    .optional()
    .describe('addresses that are given to whoever asks, as 10.20.0.100-10.20.0.199 (all on one side of the gateway)'),
  leaseTimeS: leaseTime.optional().describe('how long an address is given (12h)'),
  dns: z.array(address).max(16).optional().describe('name servers (the gateway)'),
  ntp: z.array(address).max(16).optional().describe('time servers'),
  route: z
    .array(z.string().regex(/^[0-9.]{7,15}\/\d{1,2}=[0-9.]{7,15}$/, 'a route is written like 10.30.0.0/16=10.20.0.254'))
    .max(16)
    .optional()
    .describe('further routes, as 10.30.0.0/16=10.20.0.254'),
  bootFile: bootFileName.nullable().optional().describe('file that guests boot from the network'),
  nextServer: z.ipv4().nullable().optional().describe('TFTP server that has it'),
  ipv6: ipv6Mode
    .optional()
    .describe(
      '`stateless`: guests make their addresses themselves; `stateful`: they are given (stateless, where the network has an IPv6 gateway)',
    ),
  ipv6Range: range.optional().describe('addresses to give with `stateful`, as fd20::1000-fd20::1fff'),
};

export const settingsOptions = {
  range: { value: 'FROM-TO' },
  leaseTimeS: { flag: 'lease-time', value: 'TIME' },
  dns: { value: 'ADDRESS' },
  ntp: { value: 'ADDRESS' },
  route: { value: 'CIDR=ADDRESS' },
  bootFile: { value: 'PATH' },
  nextServer: { value: 'ADDRESS' },
  ipv6Range: { value: 'FROM-TO' },
} as const;

export type SettingsInput = z.output<z.ZodObject<typeof settingsInput>>;

const usualLeaseTimeS = 12 * 3_600;

function parts<T>(schema: z.ZodType<T>, value: unknown, network: string, shown: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw dhcpError('DHCP_INVALID', {
    network,
    reason: `${shown}: ${parsed.error.issues[0]?.message ?? 'not understood'}`,
  });
}

function rangeOf(text: string, network: string): Range {
  const [from, to] = text.split('-');
  const read = parts(rangeSpec, { from, to }, network, text);
  return { from: addressText(read.from), to: addressText(read.to) };
}

const routeSpec = z.strictObject({ to: z.cidrv4(), via: z.ipv4() });

function bootOf(name: string, before: DhcpSpec['boot'], { bootFile, nextServer }: SettingsInput): DhcpSpec['boot'] {
  const file = bootFile === undefined ? (before?.file ?? null) : bootFile;
  const server = nextServer === undefined ? (before?.server ?? null) : nextServer;
  if (file === null && server === null) return null;
  if (file !== null && server !== null) return { file, server };
  throw dhcpError('DHCP_INVALID', { network: name, reason: 'a boot file needs a TFTP server, and that a boot file' });
}

/** What is not given, and what DHCP has not had before. */
export function usualSettings(network: Network, instance: string): DhcpSpec {
  const ipv4 = servedIn(network, 'ipv4');
  return {
    network: network.name,
    instance,
    ranges: ipv4 === undefined ? [] : usualRange(ipv4),
    leaseTimeS: usualLeaseTimeS,
    dns: [],
    ntp: [],
    routes: [],
    boot: null,
    ipv6: servesHosts(servedIn(network, 'ipv6')) ? 'stateless' : 'none',
    ipv6Range: null,
  };
}

/** The settings with what is asked. @throws PvcError DHCP_INVALID for what does not fit the network */
export function settingsAsAsked(network: Network, before: DhcpSpec, input: SettingsInput): DhcpSpec {
  const { name } = network;
  const ipv6 = input.ipv6 ?? before.ipv6;
  const served = servedIn(network, 'ipv6');
  const known =
    ipv6 === 'stateful' ? (before.ipv6Range ?? (served === undefined ? null : usualIpv6Range(served))) : null;
  const spec: DhcpSpec = {
    ...before,
    ranges: input.range?.map((text) => rangeOf(text, name)) ?? before.ranges,
    leaseTimeS: input.leaseTimeS ?? before.leaseTimeS,
    dns: input.dns?.map((one) => addressText(one)) ?? before.dns,
    ntp: input.ntp?.map((one) => addressText(one)) ?? before.ntp,
    routes:
      input.route?.map((text) => {
        const [to, via] = text.split('=');
        return parts(routeSpec, { to, via }, name, text);
      }) ?? before.routes,
    boot: bootOf(name, before.boot, input),
    ipv6,
    ipv6Range: input.ipv6Range === undefined ? known : rangeOf(input.ipv6Range, name),
  };
  const problems = settingsProblems(spec, network);
  if (problems.length > 0)
    throw dhcpError('DHCP_INVALID', { network: name, reason: problems.join('; ') }, { details: problems });
  return spec;
}
