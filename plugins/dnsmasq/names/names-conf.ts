/**
 * The dnsmasq that knows which name server answers what: those of the networks ask it. So a network that comes or goes
 * is news for one dnsmasq and not for all of them. Options are those of dnsmasq(8), 2.90. Pure.
 * @module
 */
import type { Network } from '../network.ts';
import { mark, pidFile } from '../server/dnsmasq.ts';

/** Where it answers, beside PowerDNS (5300), as dnsmasq writes it. */
export const namesAddress = '127.0.0.1#5301';

export const serversFile = 'servers';

export interface NamesInput {
  /** All networks: their domains and prefixes are known to the cluster's own name server. */
  readonly networks: readonly Pick<Network, 'domain' | 'ipv4' | 'ipv6'>[];
  /** The cluster's own name server, as dnsmasq writes it (`127.0.0.1#5300`); undefined: there is none. */
  readonly resolver: string | undefined;
  /** Name servers for all other names. */
  readonly forwarders: readonly string[];
}

/** `dnsmasq.conf`. */
export function namesConf(directory: string): string {
  const [address, port] = namesAddress.split('#');
  const lines = [
    mark,
    `listen-address=${address}`,
    `port=${port}`,
    'bind-interfaces',
    `pid-file=${directory}/${pidFile}`,
    'log-facility=-',
    // What the networks' own keep, and for how long, is what the name server says.
    'cache-size=0',
    'no-hosts',
    'no-resolv',
    'no-poll',
    'domain-needed',
    'bogus-priv',
    `servers-file=${directory}/${serversFile}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The file of who answers what. Without a name server of the cluster nobody outside is asked about names of networks. */
export function namesServers({ networks, resolver, forwarders }: NamesInput): string {
  const domains = [...new Set(networks.flatMap(({ domain }) => domain ?? []))].toSorted();
  const prefixes = [...new Set(networks.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).flatMap((one) => one?.prefix ?? []))];
  const lines = [
    mark,
    ...domains.map((domain) => `server=/${domain}/${resolver ?? ''}`),
    ...(resolver === undefined ? [] : prefixes.toSorted().map((prefix) => `rev-server=${prefix},${resolver}`)),
    ...forwarders.map((address) => `server=${address}`),
  ];
  return `${lines.join('\n')}\n`;
}
