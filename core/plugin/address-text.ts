/** Addresses as text. @module */
import ipaddr from 'ipaddr.js';

/** The one way in which an address is written: RFC 5952 for IPv6, as PowerDNS and dnsmasq write it. @throws Error for what is no address */
export function addressText(address: string): string {
  const parsed = ipaddr.parse(address);
  return parsed instanceof ipaddr.IPv6 ? parsed.toRFC5952String() : parsed.toString();
}
