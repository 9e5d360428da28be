/**
 * What the metadata service tells a guest, as a tree of paths: EC2's `meta-data`, `user-data` and `vendor-data` ("Instance
 * metadata categories"; what cloud-init's data source Ec2 reads), and the files of the NoCloud data source. Pure.
 * @module
 */

import { hostNameOf, type SeedFacts, seedFiles } from '../seed.ts';
import { noCloudPath } from './addresses.ts';

/** Who asks: a card of a guest. */
export interface Asking {
  readonly facts: SeedFacts;
  /** Of the card, and where it asks from. */
  readonly mac: string;
  readonly address: string;
  /** It is to learn all that over the network, and has no disk that says it. */
  readonly noCloud: boolean;
}

/** A text, or a directory. In `names`, how entries are listed that are not called as they are found. */
type Tree =
  | string
  | { readonly entries: Readonly<Record<string, Tree>>; readonly names?: Readonly<Record<string, string>> };

const directory = (
  entries: Readonly<Record<string, Tree | undefined>>,
  names?: Readonly<Record<string, string>>,
): Tree => ({
  entries: Object.fromEntries(
    Object.entries(entries).filter((entry): entry is [string, Tree] => entry[1] !== undefined),
  ),
  ...(names === undefined ? {} : { names }),
});

/** EC2 gives each release of its tree a date; what is here has been so since the first that anybody asks for. */
const version = /^(?:latest|\d{4}-\d{2}-\d{2})$/;
const versions = ['2009-04-04', '2018-09-24', '2021-03-23', 'latest'];

const family = (address: string): 'ipv4' | 'ipv6' => (address.includes(':') ? 'ipv6' : 'ipv4');

/** A key has its own comment as its name, which must be one word here. */
const keyName = (key: string, at: number): string => (key.split(' ')[2] ?? '').replace(/[^\w.@-]/g, '_') || `key${at}`;

function publicKeys(keys: readonly string[]): Tree | undefined {
  if (keys.length === 0) return undefined;
  const entries = keys.map((key, at) => [String(at), directory({ 'openssh-key': `${key}\n` })] as const);
  return directory(
    Object.fromEntries(entries),
    Object.fromEntries(keys.map((key, at) => [String(at), `${at}=${keyName(key, at)}`])),
  );
}

function metaData({ facts, mac, address }: Asking): Tree {
  const host = hostNameOf(facts.name);
  const own = family(address) === 'ipv4' ? { 'local-ipv4': address } : { ipv6: address };
  const ownOf = (card: string): Record<string, Tree> =>
    card !== mac ? {} : family(address) === 'ipv4' ? { 'local-ipv4s': address } : { ipv6s: address };
  return directory({
    'instance-id': facts.uuid,
    hostname: host,
    'local-hostname': host,
    mac,
    ...own,
    'public-keys': publicKeys(facts.sshKeys),
    network: directory({
      interfaces: directory({
        macs: directory(
          Object.fromEntries(
            facts.macs.map((card, at) => [
              card,
              directory({ mac: card, 'device-number': String(at), 'local-hostname': host, ...ownOf(card) }),
            ]),
          ),
        ),
      }),
    }),
  });
}

function listed({ entries, names }: Exclude<Tree, string>): string {
  return Object.entries(entries)
    .map(([name, entry]) => names?.[name] ?? (typeof entry === 'string' ? name : `${name}/`))
    .join('\n');
}

function lookUp(tree: Tree, path: readonly string[]): string | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return typeof tree === 'string' ? tree : listed(tree);
  if (typeof tree === 'string' || !Object.hasOwn(tree.entries, first)) return undefined;
  return lookUp(tree.entries[first] as Tree, rest);
}

/** Whether a path is of the tree that takes a token. NoCloud knows none. */
export const takesToken = (path: string): boolean => path.split('/')[1] !== noCloudPath;

/**
 * @param path of a request, as `/latest/meta-data/instance-id`; a directory with or without `/` at its end
 * @returns undefined: there is no such thing
 */
export function answerOf(asking: Asking, path: string): string | undefined {
  const [, first = '', ...rest] = path.replace(/\/$/, '').split('/');
  if (first === '') return rest.length === 0 ? versions.join('\n') : undefined;
  const files = seedFiles(asking.facts);
  if (first === noCloudPath) {
    if (!asking.noCloud) return undefined;
    // Without it cloud-init asks again and again: there is nothing that it should do.
    return lookUp(directory({ 'vendor-data': '', ...files }), rest);
  }
  if (!version.test(first)) return undefined;
  return lookUp(
    directory({
      'meta-data': metaData(asking),
      'user-data': asking.facts.userdata,
      'vendor-data': files['vendor-data'],
      // There is no such document; cloud-init would look for it again and again.
      dynamic: directory({ 'instance-identity': directory({}) }),
    }),
    rest,
  );
}
