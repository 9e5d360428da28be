/** Which back end PowerDNS has, and what the coordinators know of each other's MariaDB. @module */
import { defineKind, names, z } from '../../../core/plugin/api.ts';

export const backendId = 'dns';

export const backendNames = ['sqlite', 'galera'] as const;
export type BackendName = (typeof backendNames)[number];

/** The choice of the whole cluster; without the document it is the first. */
export const dnsBackend = defineKind<{ backend: BackendName }, null>({
  name: 'dns-backend',
  plural: 'dns-backends',
  version: 1,
  id: z.literal(backendId),
  spec: z.strictObject({ backend: z.enum(backendNames) }),
  status: z.null(),
  command: 'network dns',
  label: () => 'DNS',
});

const groupSpec = z.strictObject({
  /** Grows each time that a group begins; part of the group's name, so that members of two never mix. */
  epoch: z.int().min(1),
  /** The one coordinator that begins it; the others join. */
  first: names.nodeName,
  /** Whether it has begun, so that others can join. */
  formed: z.boolean(),
});
export type GroupSpec = z.output<typeof groupSpec>;

export const dnsGroup = defineKind<GroupSpec, null>({
  name: 'dns-group',
  plural: 'dns-groups',
  version: 1,
  id: z.literal(backendId),
  spec: groupSpec,
  status: z.null(),
  bookkeeping: true,
});

/**
 * What a coordinator's MariaDB is: `primary`: takes writes; `waiting`: answers, without enough others; `starting`: runs and
 * does not answer yet; `stopped`.
 */
export const memberStates = ['primary', 'waiting', 'starting', 'stopped'] as const;

/** How far the data of a member go. */
export const position = z.strictObject({
  /** The history that it counts in. */
  history: names.uuid,
  seqno: z.int().min(0),
});
export type Position = z.output<typeof position>;

const memberSpec = z.strictObject({
  /** Of the group that it is configured for; 0: none. */
  epoch: z.int().min(0),
  state: z.enum(memberStates),
  /** Of one that is `waiting` or `stopped`; null: it has no data. */
  position: position.nullable(),
});
export type MemberSpec = z.output<typeof memberSpec>;

/** By the name of its node, which writes it. */
export const dnsMember = defineKind<MemberSpec, null>({
  name: 'dns-member',
  plural: 'dns-members',
  version: 1,
  id: names.nodeName,
  spec: memberSpec,
  status: z.null(),
  bookkeeping: true,
});
