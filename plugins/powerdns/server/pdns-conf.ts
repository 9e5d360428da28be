/** The configuration of PowerDNS as text. Right for PowerDNS 4.7 to 4.9. Pure. @module */

import type { BackendName } from '../galera/backend-kind.ts';

/** Name of the configuration, and so of its file and of the unit: an administrator's own pdns.conf stays as it is. */
export const confName = 'pvc';
export const confDirectory = '/etc/powerdns';
export const confPath = `${confDirectory}/pdns-${confName}.conf`;
export const pdnsUser = 'pdns';
export const socketDirectory = `/run/pdns-${confName}`;

/** Where dnsmasq on a gateway, and nobody from outside, asks for names of the cluster. */
export const localDns = { host: '127.0.0.1', port: 5_300 } as const;
/** Where PowerDNS's own API is; it asks for the key. */
export const localApi = { host: '127.0.0.1', port: 5_380 } as const;

/** By it PVC knows its own file again. */
const confMark = '# Written by pvc: changes are overwritten.';

export interface ConfInput {
  /** Of the API; stands in no other file, and in no command. */
  readonly key: string;
  /** The floating address of the cluster network, and others that this node answers at. */
  readonly floating: string | undefined;
  readonly addresses: readonly string[];
  readonly secondaries: readonly string[];
  /** How it keeps its zones. */
  readonly launch: readonly string[];
}

const withPort = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

export function pdnsConf({ key, floating, addresses, secondaries, launch }: ConfInput): string {
  const listen = [...new Set([...(floating === undefined ? [] : [floating]), ...addresses])];
  const lines = [
    confMark,
    ...launch,
    `socket-dir=${socketDirectory}`,
    `local-address=${[...listen.map((address) => withPort(address, 53)), withPort(localDns.host, localDns.port)].join(', ')}`,
    // The floating address is the primary's; who becomes it has nothing to do for names.
    'non-local-bind=yes',
    // Secondaries believe only whom they know.
    ...(floating === undefined || secondaries.length === 0 ? [] : [`query-local-address=${floating}`]),
    `primary=${secondaries.length === 0 ? 'no' : 'yes'}`,
    `disable-axfr=${secondaries.length === 0 ? 'yes' : 'no'}`,
    `allow-axfr-ips=${secondaries.join(', ')}`,
    `also-notify=${secondaries.map((address) => withPort(address, 53)).join(', ')}`,
    'only-notify=',
    'allow-dnsupdate-from=',
    // Names come and go, and the whole database is replaced: what is remembered beside it would only be older.
    'cache-ttl=0',
    'query-cache-ttl=0',
    'negquery-cache-ttl=0',
    'zone-cache-refresh-interval=0',
    'webserver=yes',
    `webserver-address=${localApi.host}`,
    `webserver-port=${localApi.port}`,
    `webserver-allow-from=${localApi.host}`,
    'webserver-max-bodysize=64',
    'webserver-loglevel=none',
    'api=yes',
    `api-key=${key}`,
    'default-soa-edit=',
    'version-string=anonymous',
    // Else it asks a name server on the internet whether it is too old.
    'security-poll-suffix=',
  ];
  return `${lines.join('\n')}\n`;
}

/** The key in a file that was written before; undefined: there is none that PVC made. */
export const keyIn = (conf: string | undefined): string | undefined =>
  /^api-key=([0-9a-f]{48})$/m.exec(conf ?? '')?.[1];

/** Where a file that was written before has the zones kept; undefined: it says nothing of that. */
export function backendIn(conf: string | undefined): BackendName | undefined {
  const launched = /^launch=(gsqlite3|gmysql)$/m.exec(conf ?? '')?.[1];
  return launched === undefined ? undefined : launched === 'gmysql' ? 'galera' : 'sqlite';
}

/** Octets of a new key. */
export const keyBytes = 24;
