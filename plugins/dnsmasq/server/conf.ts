/**
 * The files of one network's dnsmasq as text, from what the store holds. Options are those of dnsmasq(8), 2.90. Pure.
 * @module
 */
import { addressText } from '../../../core/plugin/api.ts';
import { familyOf, netmask, netOf } from '../addresses.ts';
import { namesAddress } from '../names/names-conf.ts';
import { bridgeName, type Network, servedIn } from '../network.ts';
import type { ReservationSpec } from '../reservation/reservation-kind.ts';
import type { DhcpSpec } from '../settings/dhcp-kind.ts';
import { mark, pidFile, scriptFile } from './dnsmasq.ts';
import type { NamedCard } from './guest-names.ts';

export interface ServerInput {
  readonly network: Network;
  readonly settings: DhcpSpec;
  readonly reservations: readonly Pick<ReservationSpec, 'mac' | 'address' | 'hostname'>[];
  /** Cards of guests on the network, by the names of the guests. */
  readonly guests: readonly NamedCard[];
  /** Where the files are. */
  readonly directory: string;
}

export const hostsFile = 'hosts';

/** More than there are addresses to give; without it dnsmasq stops at 1000. */
const mostLeases = 100_000;

const inBrackets = (address: string): string => (familyOf(address) === 'ipv6' ? `[${addressText(address)}]` : address);

/** Addresses of one family, as a value of an option. */
function option(name: string, addresses: readonly string[], family: 'ipv4' | 'ipv6'): string[] {
  const its = addresses.filter((address) => familyOf(address) === family);
  if (its.length === 0) return [];
  return [`dhcp-option=${family === 'ipv4' ? 'option' : 'option6'}:${name},${its.map(inBrackets).join(',')}`];
}

/** The name servers that guests are told: those that are asked for, or the gateway where none is of that family. */
const serversFor = (dns: readonly string[], family: 'ipv4' | 'ipv6', gateway: string): readonly string[] =>
  dns.some((address) => familyOf(address) === family) ? dns : [gateway];

function ipv4Lines({ network, settings }: ServerInput): string[] {
  const served = servedIn(network, 'ipv4');
  if (served === undefined) return [];
  const { gateway } = served;
  const net = netOf(served.prefix);
  const base = served.prefix.split('/')[0];
  const { ranges, leaseTimeS, routes, boot } = settings;
  // Who takes these routes does not look at the router any more (RFC 3442), so that is among them.
  const all = [...routes, { to: '0.0.0.0/0', via: gateway }].flatMap(({ to, via }) => [to, via]);
  return [
    ...(ranges.length > 0
      ? ranges.map(({ from, to }) => `dhcp-range=${from},${to},${netmask(net)},${leaseTimeS}`)
      : [`dhcp-range=${base},static,${netmask(net)},${leaseTimeS}`]),
    `dhcp-option=option:router,${gateway}`,
    ...option('dns-server', serversFor(settings.dns, 'ipv4', gateway), 'ipv4'),
    ...option('ntp-server', settings.ntp, 'ipv4'),
    `dhcp-option=option:mtu,${network.mtu}`,
    ...(routes.length === 0 ? [] : [`dhcp-option=option:classless-static-route,${all.join(',')}`]),
    ...(boot === null ? [] : [`dhcp-boot=${boot.file},,${boot.server}`]),
  ];
}

function ipv6Lines({ network, settings }: ServerInput): string[] {
  const served = servedIn(network, 'ipv6');
  const { ipv6, ipv6Range, leaseTimeS } = settings;
  if (served === undefined || ipv6 === 'none') return [];
  const base = served.prefix.split('/')[0];
  return [
    'enable-ra',
    ipv6 === 'stateful' && ipv6Range !== null
      ? `dhcp-range=${addressText(ipv6Range.from)},${addressText(ipv6Range.to)},64,${leaseTimeS}`
      : `dhcp-range=${base},ra-stateless,ra-names,64,${leaseTimeS}`,
    ...option('dns-server', serversFor(settings.dns, 'ipv6', served.gateway), 'ipv6'),
    ...option('sntp-server', settings.ntp, 'ipv6'),
    ...(network.domain === null ? [] : [`dhcp-option=option6:domain-search,${network.domain}`]),
  ];
}

/** `dnsmasq.conf`. */
export function serverConf(input: ServerInput): string {
  const { network, directory } = input;
  const lines = [
    mark,
    `interface=${bridgeName(String(network.vni))}`,
    // dnsmasq would serve it besides.
    'except-interface=lo',
    'bind-dynamic',
    `pid-file=${directory}/${pidFile}`,
    'log-facility=-',
    'quiet-dhcp',
    'quiet-dhcp6',
    'quiet-ra',
    '',
    '# Leases are in the store.',
    'leasefile-ro',
    `dhcp-script=${directory}/${scriptFile}`,
    `dhcp-hostsfile=${directory}/${hostsFile}`,
    `dhcp-lease-max=${mostLeases}`,
    // A client that asks for what it had before is known, or may be: nobody else gives out addresses here.
    'dhcp-authoritative',
    ...ipv4Lines(input),
    ...ipv6Lines(input),
    '',
    '# Names.',
    'no-hosts',
    'no-resolv',
    'no-poll',
    'domain-needed',
    ...(network.domain === null ? [] : [`domain=${network.domain}`]),
    `server=${namesAddress}`,
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * The file of what cards are given: addresses that are reserved, and names. The name in a reservation is its card's alone;
 * else a card has its guest's.
 */
export function serverHosts({ reservations, guests }: Pick<ServerInput, 'reservations' | 'guests'>): string {
  const taken = new Set(reservations.map(({ hostname }) => hostname));
  const names = new Map(
    guests.filter(({ hostname }) => !taken.has(hostname)).map(({ mac, hostname }) => [mac, hostname]),
  );
  const rows = new Map([...names].map(([mac, hostname]) => [mac, [mac, hostname]]));
  for (const { mac, address, hostname } of reservations) {
    const name = hostname ?? names.get(mac);
    rows.set(mac, [mac, address, ...(name === undefined ? [] : [name])]);
  }
  const lines = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, words]) => words.join(','));
  return [mark, ...lines, ''].join('\n');
}
