/** What the names of the cluster are made of. @module */

export const recordTypes = ['A', 'AAAA', 'CNAME', 'TXT', 'MX', 'SRV'] as const;
export type RecordType = (typeof recordTypes)[number];

/** Where a record comes from: somebody entered it, PVC itself, DHCP. */
export const sources = ['manual', 'pvc', 'reservation', 'lease'] as const;
export type Source = (typeof sources)[number];

export interface Prefix {
  readonly prefix: string;
  readonly gateway: string | null;
}

export interface NamedNetwork {
  readonly name: string;
  readonly ipv4: Prefix | null;
  readonly ipv6: Prefix | null;
  readonly domain: string | null;
}

/** An address that DHCP has given out, or keeps for somebody. */
export interface DhcpHost {
  readonly network: string;
  readonly type: 'lease' | 'reservation';
  readonly address: string;
  readonly hostname: string | null;
}

export interface ManualRecord {
  readonly network: string;
  readonly name: string;
  readonly type: RecordType;
  readonly content: string;
  readonly ttl: number;
}

/** All that the zones are made from. */
export interface Facts {
  readonly networks: readonly NamedNetwork[];
  readonly hosts: readonly DhcpHost[];
  readonly records: readonly ManualRecord[];
  /** The floating address of the cluster network, where PowerDNS answers. */
  readonly floating: string | undefined;
  /** The name of the name server; undefined: `ns` in each domain. */
  readonly server: string | undefined;
}

/** A record of a zone, or one that would be in it if another did not come first. Names are whole, without the last dot. */
export interface Entry {
  readonly zone: string;
  readonly name: string;
  readonly type: RecordType | 'NS' | 'PTR';
  readonly content: string;
  readonly ttl: number;
  readonly source: Source;
  readonly network: string | null;
  /** Why it is not in the zone; undefined: it is. */
  readonly hidden?: string;
}
