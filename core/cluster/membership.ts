/**
 * What a node knows of its cluster before it can reach the cluster's state: where that state is. It stands in
 * `STATE/membership.json`; the secret that opens ZooKeeper in `STATE/cluster.secret`. Both are root's alone.
 * @module
 */
import { z } from 'zod';
import { defineErrors, errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import { nodeName, objectName } from '../model/names.ts';

/** One server of the ensemble: its number in ZooKeeper's configuration, the coordinator that runs it, where it is reached. */
export const ensembleServer = z.strictObject({
  id: z.int().min(1).max(255),
  node: nodeName,
  address: z.union([z.ipv4(), z.ipv6()]),
  clientPort: z.int().min(1).max(65_535).default(2181),
});
export type EnsembleServer = z.infer<typeof ensembleServer>;

export const membership = z.discriminatedUnion('backend', [
  z.strictObject({ backend: z.literal('sqlite'), cluster: objectName }),
  z.strictObject({
    backend: z.literal('zookeeper'),
    cluster: objectName,
    /** Follows the ensemble: rewritten whenever a coordinator is added, replaced or removed. */
    servers: z.array(ensembleServer).min(1).max(9),
  }),
]);
export type Membership = z.infer<typeof membership>;

/** How many of so many servers must agree: more than half. */
export const quorumOf = (servers: number): number => Math.floor(servers / 2) + 1;

const membershipError = defineErrors({
  MEMBERSHIP_DAMAGED: {
    message: '{path} cannot be understood: {reason}',
    hint: 'It says where the state of the cluster is. Copy it from another coordinator, or take it from a backup.',
    http: 500,
    exit: 'failed',
  },
});

const path = (state: string): string => `${state}/membership.json`;
const secretPath = (state: string): string => `${state}/cluster.secret`;

/** Undefined where the node belongs to no cluster yet, or to one that was made before there was this file. @throws PvcError MEMBERSHIP_DAMAGED */
export async function readMembership(host: Pick<Host, 'files'>, state: string): Promise<Membership | undefined> {
  const text = await host.files.readText(path(state));
  if (text === undefined) return undefined;
  try {
    return membership.parse(JSON.parse(text));
  } catch (error) {
    throw membershipError('MEMBERSHIP_DAMAGED', { path: path(state), reason: errorText(error) }, { cause: error });
  }
}

export async function writeMembership(host: Pick<Host, 'files'>, state: string, value: Membership): Promise<void> {
  await host.files.makeDirectory(state, 0o700);
  await host.files.writeAtomic(path(state), `${JSON.stringify(membership.parse(value), undefined, 2)}\n`, 0o600);
}

/** The secret that every node of the cluster shares; undefined on a node without one. */
export async function readSecret(host: Pick<Host, 'files'>, state: string): Promise<string | undefined> {
  return (await host.files.readText(secretPath(state)))?.trim();
}

export async function writeSecret(host: Pick<Host, 'files'>, state: string, secret: string): Promise<void> {
  await host.files.makeDirectory(state, 0o700);
  await host.files.writeAtomic(secretPath(state), `${secret}\n`, 0o600);
}
