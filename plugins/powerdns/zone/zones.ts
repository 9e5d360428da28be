/** Zones as PowerDNS holds them, made from records. Pure. @module */
import { createHash } from 'node:crypto';
import type { Signing } from '../dnssec/signing.ts';
import type { Entry } from './entry.ts';

/** Records of one name and type. Names end with a dot, as in PowerDNS. */
export interface RecordSet {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly contents: readonly string[];
}

export interface Zone {
  /** Without the dot at its end. */
  readonly name: string;
  readonly server: string;
  readonly sets: readonly RecordSet[];
  /** The public keys that sign it, Base64, the oldest first; none: it is not signed. */
  readonly keys: readonly string[];
  /** Tells two contents of a zone apart; the serial is no part of it. */
  readonly digest: string;
}

/** Seconds: when secondaries ask, ask again, give up, and how long it is remembered that a name is not there (RFC 2308). */
const soaTimes = [3_600, 600, 604_800, 10];
const soaTtl = 300;

function setsOf(entries: readonly Entry[]): RecordSet[] {
  return [...Map.groupBy(entries, ({ name, type }) => `${name} ${type}`).values()]
    .flatMap((group): RecordSet[] => {
      const [first] = group;
      if (first === undefined) return [];
      return [
        {
          name: `${first.name}.`,
          type: first.type,
          // All of a set have one (RFC 2181, section 5.2).
          ttl: Math.min(...group.map(({ ttl }) => ttl)),
          contents: [...new Set(group.map(({ content }) => content))].toSorted(),
        },
      ];
    })
    .toSorted((a, b) => (`${a.name} ${a.type}` < `${b.name} ${b.type}` ? -1 : 1));
}

/** The zones that the records make up, by name; the same records in any order make the same zones. */
export function zonesOf(entries: readonly Entry[], signing: Signing): Zone[] {
  const shown = Map.groupBy(
    entries.filter(({ hidden }) => hidden === undefined),
    ({ zone }) => zone,
  );
  return [...shown]
    .map(([name, group]): Zone => {
      const sets = setsOf(group);
      const server = sets.find((set) => set.type === 'NS' && set.name === `${name}.`)?.contents[0] ?? '.';
      const keys = signing.keys.get(name) ?? [];
      const digest = createHash('sha256')
        .update(JSON.stringify([server, soaTimes, sets, ...(keys.length === 0 ? [] : [keys, signing.week])]))
        .digest('hex')
        .slice(0, 32);
      return { name, server, sets, keys, digest };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export const soaOf = ({ name, server }: Pick<Zone, 'name' | 'server'>, serial: number): RecordSet => ({
  name: `${name}.`,
  type: 'SOA',
  ttl: soaTtl,
  // An address of mail in a name: `hostmaster` at the name server's domain.
  contents: [`${server} hostmaster.${server.slice(server.indexOf('.') + 1)} ${serial} ${soaTimes.join(' ')}`],
});

/** The zone with its SOA, as of a serial. */
export const withSoa = (zone: Zone, serial: number): RecordSet[] => [soaOf(zone, serial), ...zone.sets];

/** The serial of a changed zone: it only grows (RFC 1982), also when PVC has forgotten the last one. */
export const nextSerial = (last: number | undefined, nowMs: number): number =>
  Math.max((last ?? 0) + 1, Math.floor(nowMs / 1000));
