/** Names in DNS, as anchored whitelists. Lower case: DNS does not tell case apart (RFC 4343), keys of the store do. @module */
import { z } from '../../../core/plugin/api.ts';

/** A host's own name, without its domain (RFC 1123, section 2.1). */
export const hostLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A label of any record; services begin with an underscore (RFC 8552). */
const anyLabel = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';

/** Octets of a whole name, RFC 1035, section 3.1, as text without the last dot. */
const longestName = 253;

export const domainName = z
  .string()
  .max(longestName)
  .regex(
    new RegExp(`^${hostLabel.source.slice(1, -1)}(?:\\.${hostLabel.source.slice(1, -1)})*$`),
    'a domain is labels of a-z, 0-9 and "-" with dots between them, without a dot at the end',
  );

/** The name of a record below the domain of its network: `www`, `_sip._tcp`, `*`, `*.web`; `@` is the domain itself. */
export const recordName = z
  .string()
  .max(longestName)
  .regex(
    new RegExp(`^(?:@|\\*|(?:\\*\\.)?${anyLabel}(?:\\.${anyLabel})*)$`),
    'a name is "@" for the domain itself, or labels of a-z, 0-9, "-" and "_" with dots between them; the first may be "*"',
  );

/** The whole name of a record, without the dot at its end. */
export const wholeName = (name: string, domain: string): string => (name === '@' ? domain : `${name}.${domain}`);

export const fitsDns = (name: string): boolean => name.length <= longestName;

/** The name and all domains that it is in, itself first: `a.b.c`, `b.c`, `c`. */
function* upwards(name: string): Generator<string> {
  for (let rest = name; ; rest = rest.slice(rest.indexOf('.') + 1)) {
    yield rest;
    if (!rest.includes('.')) return;
  }
}

/** The zone that a name belongs to: the nearest that it is in; undefined: none. */
export function zoneOf(name: string, zones: { has(zone: string): boolean }): string | undefined {
  for (const domain of upwards(name)) if (zones.has(domain)) return domain;
  return undefined;
}

/** The zone that a zone itself is in. */
export const parentOf = (zone: string, zones: { has(zone: string): boolean }): string | undefined =>
  zone.includes('.') ? zoneOf(zone.slice(zone.indexOf('.') + 1), zones) : undefined;
