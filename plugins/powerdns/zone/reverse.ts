/**
 * Reverse names: `5.0.20.10.in-addr.arpa` (RFC 1035, section 3.5) and `….ip6.arpa` (RFC 3596, section 2.5), and the zones
 * that hold those of a prefix. Pure.
 * @module
 */
import ipaddr from 'ipaddr.js';

/** The parts of an address that are labels, and how many bits each is. */
function digitsOf(address: ipaddr.IPv4 | ipaddr.IPv6): { digits: string[]; bits: number; suffix: string } {
  const bytes = address.toByteArray();
  return address.kind() === 'ipv4'
    ? { digits: bytes.map(String), bits: 8, suffix: 'in-addr.arpa' }
    : {
        digits: bytes.flatMap((byte) => [(byte >> 4).toString(16), (byte & 15).toString(16)]),
        bits: 4,
        suffix: 'ip6.arpa',
      };
}

/** The name whose PTR record tells the name of an address. */
export function reverseName(address: string): string {
  const { digits, suffix } = digitsOf(ipaddr.parse(address));
  return [...digits.toReversed(), suffix].join('.');
}

/**
 * The reverse zones of a prefix. A zone ends at a label, so at 8 bits of IPv4 and 4 of IPv6: a prefix between two such
 * ends has several zones, up to 128; one below the last label (/25 and on) has the zone of the whole /24.
 */
export function reverseZones(prefix: string): string[] {
  const [address, length] = ipaddr.parseCIDR(prefix);
  const { digits, bits, suffix } = digitsOf(address);
  const labels = Math.max(1, Math.min(Math.ceil(length / bits), digits.length - 1));
  const own = digits.slice(0, labels);
  const last = own.at(-1) ?? '0';
  const radix = bits === 8 ? 10 : 16;
  const count = 2 ** Math.max(0, labels * bits - length);
  const first = Number.parseInt(last, radix) & ~(count - 1);
  return Array.from({ length: count }, (_, index) =>
    [(first + index).toString(radix), ...own.slice(0, -1).toReversed(), suffix].join('.'),
  );
}
