/** The addresses of a network: from what was asked to what is kept of it. Pure. @module */
import { z } from '../../../core/plugin/api.ts';
import { addressError } from './address-errors.ts';
import { type Family, familyOf, firstHost, readHost, readPrefix } from './prefix.ts';

/** What is kept: the prefix without host bits; the gateway is an address of a host in it. */
export const ipv4Spec = z.strictObject({ prefix: z.cidrv4(), gateway: z.ipv4().optional() });
export const ipv6Spec = z.strictObject({ prefix: z.cidrv6(), gateway: z.ipv6().optional() });

/** RFC 1035, 2.3.1: labels of letters, digits and "-", here in lower case; the last one is no number. */
export const domainName = z
  .string()
  .max(253)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'a domain is names of a-z, 0-9 and "-" with "." between them, without one at the end',
  );

export interface FamilySpec {
  readonly prefix: string;
  readonly gateway?: string | undefined;
}

/** The part of a network's document that tells its addresses. */
export interface Addressing {
  readonly ipv4?: FamilySpec | undefined;
  readonly ipv6?: FamilySpec | undefined;
  readonly domain?: string | undefined;
}

/** Takes something away. */
export const none = 'none';
/** Asks for the first address of a prefix. */
export const first = 'first';

const text = z.string().min(1).max(100);

/** Fields of the input of `network add` and `network modify`. */
export const addressingInput = {
  ipv4: text.optional().describe('IPv4 prefix of the network, as 10.20.0.0/24; none: has none'),
  gateway4: text.optional().describe('IPv4 address of its gateway, or first: the first of the prefix; none: has none'),
  ipv6: text.optional().describe('IPv6 prefix of the network, as fd20::/64; none: has none'),
  gateway6: text.optional().describe('IPv6 address of its gateway, or first: the first of the prefix; none: has none'),
  domain: domainName.optional().describe('DNS domain of its guests, lower case; none: has none'),
} as const;

/** How their options read on the command line. */
export const addressingOptions = {
  ipv4: { value: 'PREFIX' },
  gateway4: { value: 'ADDRESS', complete: [first, none] },
  ipv6: { value: 'PREFIX' },
  gateway6: { value: 'ADDRESS', complete: [first, none] },
  domain: { value: 'DOMAIN' },
} as const;

export type AddressingInput = z.output<z.ZodObject<typeof addressingInput>>;

/** @throws PvcError NETWORK_PREFIX */
function needPrefix(network: string, family: Family, wanted: string): string {
  const read = readPrefix(family, wanted);
  if ('prefix' in read) return read.prefix;
  throw addressError('NETWORK_PREFIX', { network, prefix: wanted, ...read });
}

/** @throws PvcError NETWORK_GATEWAY */
function needHost(network: string, prefix: string, wanted: string): string {
  const read = readHost(familyOf(prefix), prefix, wanted === first ? firstHost(prefix) : wanted);
  if ('address' in read) return read.address;
  throw addressError('NETWORK_GATEWAY', { network, gateway: wanted, ...read });
}

/** One family as it is to be; what is not asked for stays. @throws PvcError NETWORK_PREFIX, NETWORK_GATEWAY */
function familyAsAsked(
  network: string,
  family: Family,
  before: FamilySpec | undefined,
  asked: { readonly prefix: string | undefined; readonly gateway: string | undefined },
): FamilySpec | undefined {
  const prefix =
    asked.prefix === undefined || asked.prefix === none ? undefined : needPrefix(network, family, asked.prefix);
  const now = asked.prefix === undefined ? before?.prefix : prefix;
  if (now === undefined) {
    if (asked.gateway === undefined || asked.gateway === none) return undefined;
    throw addressError('NETWORK_GATEWAY', {
      network,
      gateway: asked.gateway,
      reason: `it has no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} prefix`,
      advice: `Give it one with --${family}.`,
    });
  }
  const gateway = asked.gateway ?? before?.gateway;
  return gateway === undefined || gateway === none
    ? { prefix: now }
    : { prefix: now, gateway: needHost(network, now, gateway) };
}

/**
 * The addresses of a network as they are to be: what it has, changed by what is asked for.
 * @throws PvcError NETWORK_PREFIX, NETWORK_GATEWAY
 */
export function addressingAsAsked(network: string, before: Addressing, asked: AddressingInput): Addressing {
  const ipv4 = familyAsAsked(network, 'ipv4', before.ipv4, { prefix: asked.ipv4, gateway: asked.gateway4 });
  const ipv6 = familyAsAsked(network, 'ipv6', before.ipv6, { prefix: asked.ipv6, gateway: asked.gateway6 });
  const domain = asked.domain === undefined ? before.domain : asked.domain;
  return {
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(domain === undefined || domain === none ? {} : { domain }),
  };
}

/** Prefixes in which it has a gateway: what is routed. */
export const routedPrefixes = ({ ipv4, ipv6 }: Addressing): string[] =>
  [ipv4, ipv6].flatMap((family) => (family?.gateway === undefined ? [] : [family.prefix]));

/** What changes with the addresses, in words; nothing when nothing does. */
export function changesOf(before: Addressing, after: Addressing): string[] {
  const told = ({ ipv4, ipv6, domain }: Addressing) => ({
    'the IPv4 prefix': ipv4?.prefix,
    'the IPv4 gateway': ipv4?.gateway,
    'the IPv6 prefix': ipv6?.prefix,
    'the IPv6 gateway': ipv6?.gateway,
    'the domain': domain,
  });
  const had: Readonly<Record<string, string | undefined>> = told(before);
  return Object.entries(told(after)).flatMap(([what, now]) =>
    now === had[what] ? [] : [`set ${what}: ${had[what] ?? none} → ${now ?? none}`],
  );
}

const familyRow = z.object({ prefix: z.string(), gateway: z.string().nullable() }).nullable();

/** Fields of what `network list` and `network info` tell. */
export const addressingRow = {
  ipv4: familyRow.describe('its IPv4 prefix, and the address of its gateway'),
  ipv6: familyRow.describe('its IPv6 prefix, and the address of its gateway'),
  domain: z.string().nullable().describe('DNS domain of its guests'),
} as const;
export type AddressingRow = z.output<z.ZodObject<typeof addressingRow>>;

/** What is kept, as it is told. */
export function rowOfAddressing({ ipv4, ipv6, domain }: Addressing): AddressingRow {
  const told = (family: FamilySpec | undefined) =>
    family === undefined ? null : { prefix: family.prefix, gateway: family.gateway ?? null };
  return { ipv4: told(ipv4), ipv6: told(ipv6), domain: domain ?? null };
}

/** The gateway with the length of its network, or the prefix: one cell of a table. */
export const cellOf = (family: AddressingRow['ipv4']): string =>
  family === null ? '' : family.gateway === null ? family.prefix : `${family.gateway}/${family.prefix.split('/')[1]}`;
