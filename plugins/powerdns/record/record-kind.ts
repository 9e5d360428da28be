/** A record that somebody entered. @module */
import { createHash } from 'node:crypto';
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';
import { recordName } from '../zone/dns-name.ts';
import { type ManualRecord, recordTypes } from '../zone/entry.ts';

/** Seconds; a week at most. */
export const ttlSeconds = z.int().min(1).max(604_800);

export const recordSpec = z.strictObject({
  /** The network whose domain it is in. */
  network: names.objectName,
  name: recordName,
  type: z.enum(recordTypes),
  /** As content.ts reads it. */
  content: z.string().min(1).max(2_048),
  ttl: ttlSeconds,
});

/** What it holds is its id: the same record is never there twice. */
export const recordId = ({ network, name, type, content }: Omit<ManualRecord, 'ttl'>): string =>
  createHash('sha256')
    .update(JSON.stringify([network, name, type, content]))
    .digest('hex')
    .slice(0, 32);

export const dnsRecord = defineKind<ManualRecord, null>({
  name: 'dns-record',
  plural: 'dns-records',
  version: 1,
  id: z.string().regex(/^[0-9a-f]{32}$/),
  spec: recordSpec,
  status: z.null(),
  command: 'network dns',
  // A network that has records cannot be removed, and keeps its name.
  refers: ({ network }) => [{ kind: 'network', name: network }],
  label: ({ network, name, type }) => `${name} ${type} of ${network}`,
});

export const pdnsError = defineErrors({
  DNS_NO_DOMAIN: {
    message: 'The network {network} has no domain, so there are no names in it.',
    hint: 'Give it one: `pvc network modify {network} --domain NAME`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  DNS_NO_NETWORK: {
    message: 'There is no network {network}.',
    hint: 'See `pvc network list`.',
    http: 404,
    exit: 'notFound',
  },
  DNS_CONTENT: {
    message: 'The {type} record {name} cannot hold {content}: {reason}.',
    hint: 'Correct it and try again. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  DNS_NAME_LONG: {
    message: 'The name {name} is too long: names have 253 characters at most.',
    hint: 'Take a shorter one. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  DNS_RECORD_EXISTS: {
    message: 'There is already a record {name} {type} with {content}.',
    hint: 'See `pvc network dns list {network}`. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  DNS_ALIAS_ALONE: {
    message: '{name} cannot have a {type} record: {other}.',
    hint: 'An alias (CNAME) stands alone with its name. Remove the other one first, or take another name. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  DNS_RECORD_NOT_FOUND: {
    message: 'There is no such record: {name} {type} in the network {network}.',
    hint: 'See `pvc network dns list {network}`. Only manual ones can be removed; names from DHCP go with their leases and reservations.',
    http: 404,
    exit: 'notFound',
  },
  DNS_SIGNED: {
    message: '{zones} is signed already, by the network {by}.',
    hint: 'See `pvc network dns keys {network}`. For another key: `pvc network dns sign {network} --new-key`. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  DNS_NOT_SIGNED: {
    message: 'The network {network} has not signed {what}.',
    hint: 'See `pvc network dns keys {network}`; a zone that two networks share is signed by one of them. To sign: `pvc network dns sign {network}`. Nothing was changed.',
    http: 404,
    exit: 'notFound',
  },
  DNS_TWO_KEYS: {
    message: '{zone} has two keys already: {tags}.',
    hint: 'Once the parent zone has named only the newer one for long enough, take the older one away: `pvc network dns unsign {network} --key {old}`. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  DNS_KEY_NOT_FOUND: {
    message: 'No zone that the network {network} signed has a key {tag}.',
    hint: 'See `pvc network dns keys {network}`. Nothing was changed.',
    http: 404,
    exit: 'notFound',
  },
  DNS_LAST_KEY: {
    message: '{tag} is the only key of {zone}.',
    hint: 'For another one first: `pvc network dns sign {network} --new-key`. To end signing: `pvc network dns unsign {network}`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  DNS_KEY_LOST: {
    message:
      'The private half of the key {tag} of {zone} is not in the state of the cluster, so PowerDNS cannot sign with it.',
    hint: 'PVC tries again by itself. If it stays so: have the parent zone remove its DS record, unsign the network and sign it again.',
    http: 500,
    exit: 'failed',
  },
  PDNS_MISSING: {
    message: 'PowerDNS is not installed on {node} (packages pdns-server {packages}), so it does not answer for names.',
    hint: 'Install them: `apt install pdns-server {packages}`. PVC goes on by itself.',
    http: 503,
    exit: 'failed',
  },
  PDNS_SILENT: {
    message: 'PowerDNS on this node does not answer: {reason}.',
    hint: 'PVC keeps it running and tries again. Its log: services/powerdns.log below the log directory, or `journalctl -u pdns@pvc`.',
    http: 503,
    exit: 'unreachable',
  },
  PDNS_REFUSED: {
    message: 'PowerDNS does not take {what}: {reason}.',
    hint: 'PVC tries again by itself. Its log: services/powerdns.log below the log directory, or `journalctl -u pdns@pvc`.',
    http: 500,
    exit: 'failed',
  },
  MARIADB_MISSING: {
    message:
      'MariaDB with Galera is not installed whole on {node} ({path} is missing), so {node} has no copy of the names that all coordinators share.',
    hint: 'Install the packages {packages}. PVC goes on by itself; until then PowerDNS there goes on as before.',
    http: 503,
    exit: 'failed',
  },
  MARIADB_REFUSED: {
    message: 'MariaDB does not take {what}: {reason}',
    hint: 'PVC tries again by itself. Its log: services/galera.log below the log directory, or `journalctl -u pvc-galera`.',
    http: 500,
    exit: 'failed',
  },
  DNS_BACKEND_FEW: {
    message: 'MariaDB with Galera needs three coordinators at least, to tell who is cut off; here are {count}.',
    hint: 'Nothing was changed. Add coordinators (`pvc node token --help`), or stay with sqlite, where each coordinator has its own.',
    http: 409,
    exit: 'refused',
  },
  POWERDNS_NOT_STARTED: {
    message: 'The DNS part of this daemon has not started yet.',
    hint: 'Try again in a moment.',
    http: 503,
    exit: 'unreachable',
  },
});
