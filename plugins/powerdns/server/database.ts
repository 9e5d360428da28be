/** What PowerDNS can keep its zones in. @module */

export interface DatabaseLook {
  /** `away`: it is not this node's PowerDNS's to mend; it comes by itself. */
  readonly state: 'absent' | 'damaged' | 'sound' | 'away';
  /** Differs for each database that there has been; undefined: there is none. */
  readonly mark: string | undefined;
}

export interface Database {
  /** The lines of PowerDNS's configuration. */
  readonly launch: readonly string[];
  /** Debian's packages that it needs besides PowerDNS itself. */
  readonly packages: readonly string[];
  /** Whether they are there. */
  installed(): Promise<boolean>;
  look(): Promise<DatabaseLook>;
}
