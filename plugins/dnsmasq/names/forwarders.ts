/** Where questions about names outside the cluster go. @module */
import ipaddr from 'ipaddr.js';
import type { Host } from '../../../core/plugin/api.ts';
import type { DnsmasqConfig } from '../config.ts';

const resolvConf = '/etc/resolv.conf';

/** The name servers in a resolv.conf(5). Pure. */
export const nameServersIn = (text: string): string[] =>
  text
    .split('\n')
    .flatMap((line) => /^\s*nameserver\s+(\S+)\s*$/.exec(line)?.[1] ?? [])
    // A link-local one (`fe80::1%eth0`) is of a network card that dnsmasq does not know.
    .filter((address) => ipaddr.isValid(address) && !address.includes('%'));

/** Those of the configuration, or else the node's own; none: other names are not answered. */
export async function forwardersOf(
  host: Pick<Host, 'files'>,
  { forwarders }: DnsmasqConfig,
): Promise<readonly string[]> {
  return forwarders ?? nameServersIn((await host.files.readText(resolvConf)) ?? '');
}
