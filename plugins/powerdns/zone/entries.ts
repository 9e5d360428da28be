/** Which records there are, from networks, DHCP and what somebody entered; and which of them come first. Pure. @module */
import { addressText } from '../../../core/plugin/api.ts';
import { writtenContent } from '../record/content.ts';
import { fitsDns, hostLabel, parentOf, wholeName, zoneOf } from './dns-name.ts';
import type { DhcpHost, Entry, Facts, NamedNetwork, Source } from './entry.ts';
import { sources } from './entry.ts';
import { reverseName, reverseZones } from './reverse.ts';

/** Seconds. A guest that leaves is forgotten within a minute. */
const dhcpTtl = 60;
const ownTtl = 300;

/** Names of the records that PVC itself has in each domain. */
export const gatewayName = 'gateway';
export const serverName = 'ns';

type DomainNetwork = NamedNetwork & { readonly domain: string };
type Named = Omit<Entry, 'zone'>;

const addressType = (address: string): 'A' | 'AAAA' => (address.includes(':') ? 'AAAA' : 'A');
const isAddress = ({ type }: Pick<Entry, 'type'>): boolean => type === 'A' || type === 'AAAA';
const rank = ({ source }: { readonly source: Source }): number => sources.indexOf(source);
const byName = (a: Named, b: Named): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

const domainNetworks = (networks: readonly NamedNetwork[]): DomainNetwork[] =>
  networks
    .filter((network): network is DomainNetwork => network.domain !== null)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

const prefixesOf = ({ ipv4, ipv6 }: NamedNetwork) => [ipv4, ipv6].filter((one) => one !== null);

/** Each zone, and the domain whose name server it names. Networks without a domain have no names, and no zones. */
function zonesOf(networks: readonly DomainNetwork[]): ReadonlyMap<string, string> {
  const zones = new Map<string, string>();
  for (const { domain } of networks) zones.set(domain, domain);
  for (const network of networks)
    for (const { prefix } of prefixesOf(network))
      for (const zone of reverseZones(prefix)) if (!zones.has(zone)) zones.set(zone, network.domain);
  return zones;
}

const address = (name: string, text: string, rest: Pick<Entry, 'ttl' | 'source' | 'network'>): Named => ({
  name,
  type: addressType(text),
  content: addressText(text),
  ...rest,
});

function manualEntries({ records }: Facts, networks: ReadonlyMap<string, DomainNetwork>): Named[] {
  return records.flatMap(({ network, name, type, content, ttl }): Named[] => {
    const domain = networks.get(network)?.domain;
    if (domain === undefined) return [];
    const whole = wholeName(name, domain);
    return [{ name: whole, type, content: writtenContent(type, content, domain), ttl, source: 'manual', network }];
  });
}

/** Gateways, and the name server where it has no name of its own. */
function ownEntries({ floating, server }: Facts, networks: readonly DomainNetwork[]): Named[] {
  const own = { ttl: ownTtl, source: 'pvc' } as const;
  const domains = new Set(networks.map(({ domain }) => domain));
  const gateways = networks.flatMap((network) =>
    prefixesOf(network).flatMap(({ gateway }) => (gateway === null ? [] : [{ network, gateway }])),
  );
  const servers = [...domains].flatMap((domain) => {
    if (server !== undefined) return [];
    const name = wholeName(serverName, domain);
    if (floating !== undefined) return [address(name, floating, { ...own, network: null })];
    // A cluster of one node has no floating address: there the gateways answer, which pass questions on.
    return gateways
      .filter(({ network }) => network.domain === domain)
      .map(({ network, gateway }) => address(name, gateway, { ...own, network: network.name }));
  });
  return [
    ...gateways.map(({ network, gateway }) =>
      address(wholeName(gatewayName, network.domain), gateway, { ...own, network: network.name }),
    ),
    ...servers,
  ];
}

/** Guests choose their names themselves: what is no host name is none. */
function dhcpEntry(host: DhcpHost, domain: string): Named | undefined {
  const label = host.hostname?.toLowerCase();
  if (label === undefined || !hostLabel.test(label)) return undefined;
  const name = wholeName(label, domain);
  const { network, type: source } = host;
  return fitsDns(name) ? address(name, host.address, { ttl: dhcpTtl, source, network }) : undefined;
}

function dhcpEntries({ hosts }: Facts, networks: ReadonlyMap<string, DomainNetwork>): Named[] {
  const named = hosts.flatMap((host) => {
    const domain = networks.get(host.network)?.domain;
    return domain === undefined ? [] : (dhcpEntry(host, domain) ?? []);
  });
  // Who has taken up its reservation is both.
  const reserved = new Set(
    named.filter(({ source }) => source === 'reservation').map(({ name, content }) => `${name} ${content}`),
  );
  return named.filter(({ source, name, content }) => source !== 'lease' || !reserved.has(`${name} ${content}`));
}

/** Why an entry is not in its zone, given all others of its name. */
function hiddenBy(entry: Named, others: readonly Named[], zones: ReadonlyMap<string, string>): string | undefined {
  const manual = others.filter(({ source }) => source === 'manual');
  if (entry.type === 'CNAME') {
    if (zones.has(entry.name)) return 'the domain itself';
    const first = manual.find(({ type }) => type === 'CNAME');
    return manual.every(({ type }) => type === 'CNAME') && first === entry ? undefined : 'another record of that name';
  }
  if (entry.source === 'manual') return undefined;
  if (manual.some((one) => isAddress(one) || (one.type === 'CNAME' && !zones.has(one.name)))) return 'a manual record';
  const before = others.find((one) => rank(one) < rank(entry) && one.source !== 'manual' && stands(one, entry));
  return before === undefined ? undefined : before.source === 'pvc' ? 'a name of PVC' : 'a reservation';
}

/** A reservation keeps a name for its kind of address only: the lease of its other one is its own as well. */
const stands = (first: Named, entry: Named): boolean => first.source === 'pvc' || first.type === entry.type;

function ordered(named: readonly Named[], zones: ReadonlyMap<string, string>): Named[] {
  const byWholeName = Map.groupBy(named, ({ name }) => name);
  return named.map((entry) => {
    const hidden = hiddenBy(entry, byWholeName.get(entry.name) ?? [], zones);
    return hidden === undefined ? entry : { ...entry, hidden };
  });
}

/** One name for each address: that of the entry that comes first, by where it comes from, then by the alphabet. */
function reverseEntries(named: readonly Named[]): Named[] {
  const shown = named.filter((entry) => isAddress(entry) && entry.hidden === undefined && !entry.name.startsWith('*'));
  const first = Map.groupBy(
    shown.toSorted((a, b) => rank(a) - rank(b) || byName(a, b)),
    ({ content }) => content,
  );
  return [...first].flatMap(([text, [entry]]): Named[] =>
    entry === undefined ? [] : [{ ...entry, name: reverseName(text), type: 'PTR', content: `${entry.name}.` }],
  );
}

/** The name servers of the zones themselves, and of those below them. */
function serverEntries({ server }: Facts, zones: ReadonlyMap<string, string>): Entry[] {
  return [...zones].flatMap(([zone, domain]): Entry[] => {
    const content = `${server ?? wholeName(serverName, domain)}.`;
    const parent = parentOf(zone, zones);
    const entry = { name: zone, type: 'NS', content, ttl: ownTtl, source: 'pvc', network: null } as const;
    return [{ zone, ...entry }, ...(parent === undefined ? [] : [{ zone: parent, ...entry }])];
  });
}

/** All records of all zones, the hidden ones too; in no order that means anything. SOA is what a serial is added to. */
export function entriesOf(facts: Facts): Entry[] {
  const networks = domainNetworks(facts.networks);
  const byNetwork = new Map(networks.map((network) => [network.name, network]));
  const zones = zonesOf(networks);
  const named = ordered(
    [...manualEntries(facts, byNetwork), ...ownEntries(facts, networks), ...dhcpEntries(facts, byNetwork)],
    zones,
  );
  return [
    ...serverEntries(facts, zones),
    ...[...named, ...reverseEntries(named)].flatMap((entry): Entry[] => {
      const zone = zoneOf(entry.name, zones);
      // An address outside of the networks has its reverse name with somebody else.
      return zone === undefined ? [] : [{ zone, ...entry }];
    }),
  ];
}
