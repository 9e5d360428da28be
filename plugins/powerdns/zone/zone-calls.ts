/** From what PowerDNS has and what it is to have to the calls of its API. Pure. @module */

import ipaddr from 'ipaddr.js';
import { addressText } from '../../../core/plugin/api.ts';
import type { RecordSet } from './zones.ts';

export interface ApiCall {
  readonly method: 'POST' | 'PATCH' | 'DELETE' | 'PUT';
  /** Below the server. */
  readonly path: string;
  readonly body?: unknown;
}

export const zonePath = (zone: string): string => `/zones/${encodeURIComponent(`${zone}.`)}`;

const keyOf = ({ name, type }: Pick<RecordSet, 'name' | 'type'>): string => `${name.toLowerCase()} ${type}`;

/** Some addresses have two ways to be written. */
const canonical = (type: string, content: string): string =>
  type === 'AAAA' && ipaddr.isValid(content) ? addressText(content) : content;

const textOf = ({ type, ttl, contents }: RecordSet): string =>
  JSON.stringify([ttl, contents.map((content) => canonical(type, content)).toSorted()]);

const bodyOf = ({ name, type, ttl, contents }: RecordSet) => ({
  name,
  type,
  ttl,
  records: contents.map((content) => ({ content, disabled: false })),
});

/** A zone that PowerDNS does not have yet, in one call: nobody sees half of it. */
export const createCall = (zone: string, sets: readonly RecordSet[]): ApiCall => ({
  method: 'POST',
  path: '/zones',
  // Serials are PVC's, not PowerDNS's own: every coordinator must tell the same.
  body: { name: `${zone}.`, kind: 'Master', nameservers: [], soa_edit_api: '', rrsets: sets.map(bodyOf) },
});

export const deleteCall = (zone: string): ApiCall => ({ method: 'DELETE', path: zonePath(zone) });

/** Has PowerDNS tell the secondaries at once. */
export const notifyCall = (zone: string): ApiCall => ({ method: 'PUT', path: `${zonePath(zone)}/notify` });

/** The differences of a zone, in one call, which PowerDNS carries out whole or not at all; undefined: there are none. */
export function patchCall(
  zone: string,
  wanted: readonly RecordSet[],
  actual: readonly RecordSet[],
): ApiCall | undefined {
  const have = new Map(actual.map((set) => [keyOf(set), textOf(set)]));
  const keep = new Set(wanted.map(keyOf));
  const gone = actual
    .filter((set) => !keep.has(keyOf(set)))
    .map(({ name, type }) => ({ name, type, changetype: 'DELETE' }));
  const changed = wanted
    .filter((set) => have.get(keyOf(set)) !== textOf(set))
    .map((set) => ({ ...bodyOf(set), changetype: 'REPLACE' }));
  // What goes, goes first: an alias stands beside nothing, not even for a moment.
  const rrsets = [...gone, ...changed];
  return rrsets.length === 0 ? undefined : { method: 'PATCH', path: zonePath(zone), body: { rrsets } };
}
