/** From what PowerDNS has and what it is to have to the calls of its API. Pure. @module */

import ipaddr from 'ipaddr.js';
import { addressText } from '../../../core/plugin/api.ts';
import { privateKeyFile } from '../dnssec/zone-key.ts';
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

/**
 * A zone that nobody is told of yet, in which keys can be put: PowerDNS looks for its SOA, which is switched off. Else it
 * would tell it unsigned for a moment, of which its parent says that it is signed.
 */
export const createHiddenCall = (zone: string, soa: RecordSet): ApiCall => {
  const { records, ...set } = bodyOf(soa);
  const hidden = [{ ...set, records: records.map((record) => ({ ...record, disabled: true })) }];
  return {
    method: 'POST',
    path: '/zones',
    body: {
      ...{ name: `${zone}.`, kind: 'Master', nameservers: [], soa_edit_api: '', rrsets: hidden },
      // It needs a SOA for that.
      api_rectify: false,
    },
  };
};

/** From now on, PowerDNS puts the names of a signed zone in order, as proofs of absence (NSEC) need it, with each change. */
export const rectifyAlwaysCall = (zone: string): ApiCall => ({
  method: 'PUT',
  path: zonePath(zone),
  body: { api_rectify: true },
});

/** And once, where nothing changes. */
export const rectifyCall = (zone: string): ApiCall => ({ method: 'PUT', path: `${zonePath(zone)}/rectify` });

/** It signs with the key from then on. The answer repeats the private half. */
export const addKeyCall = (zone: string, privateKey: string): ApiCall => ({
  method: 'POST',
  path: `${zonePath(zone)}/cryptokeys`,
  body: { keytype: 'csk', active: true, published: true, privatekey: privateKeyFile(privateKey) },
});

/** @param id PowerDNS's own */
export const deleteKeyCall = (zone: string, id: number): ApiCall => ({
  method: 'DELETE',
  path: `${zonePath(zone)}/cryptokeys/${id}`,
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
