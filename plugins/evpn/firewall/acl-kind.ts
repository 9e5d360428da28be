/** An entry of a network's access control list: one rule of nftables, in one direction, at one place in the order. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';
import { mostVni, networkName } from '../network/network-kind.ts';
import { ruleText } from './rule.ts';

/** Seen from the network: `out` is what its guests send to elsewhere, `in` what comes to them from elsewhere. */
export const aclDirections = ['in', 'out'] as const;
export const aclDirection = z.enum(aclDirections);
export type AclDirection = z.output<typeof aclDirection>;

export const mostOrder = 65_535;
export const aclOrder = z.int().min(1).max(mostOrder);

/** All of them are removed with their network, in one commit of the store. */
export const mostEntries = 100;

export const aclSpec = z.strictObject({
  network: networkName,
  direction: aclDirection,
  /** Smaller numbers are asked first; no two of a direction have the same. */
  order: aclOrder,
  rule: ruleText,
  description: names.oneLine.default(''),
});
export type AclSpec = z.output<typeof aclSpec>;

/** As the id of its document: two entries of one place cannot be. */
export const aclId = (vni: string, { direction, order }: Pick<AclSpec, 'direction' | 'order'>): string =>
  `${vni}-${direction}-${order}`;

/** The network in the id of an entry. */
export const vniOfAcl = (id: string): string => id.slice(0, id.indexOf('-'));

export const networkAcl = defineKind<AclSpec, null>({
  name: 'network-acl',
  plural: 'network-acls',
  version: 1,
  id: z
    .string()
    .regex(/^[1-9]\d{0,7}-(?:in|out)-[1-9]\d{0,4}$/)
    .refine((id) => Number(vniOfAcl(id)) <= mostVni, 'an entry is known by network number, direction and order'),
  spec: aclSpec,
  status: z.null(),
  refers: ({ network }) => [{ kind: 'network', name: network }],
  command: 'network acl',
  label: ({ network, direction, order }) => `${network} ${direction} ${order}`,
});

export const firewallError = defineErrors({
  NETWORK_ACL_RULE: {
    message: 'The rule `{rule}` is not taken: {reason}',
    hint: 'A rule is what follows `nft add rule` after the chain: what it matches, then accept, drop or reject. `tcp dport 22 accept`, `ip saddr 10.1.0.0/16 tcp dport { 80, 443 } accept`; see nft(8). Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  NETWORK_ACL_TAKEN: {
    message: 'The network {network} has an entry {direction} {order} already: `{rule}`.',
    hint: 'Choose another --order, or leave it out to add at the end; `pvc network acl list {network}` shows them. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  NETWORK_ACL_FULL: {
    message: 'The network {network} has an entry at the last place {order} of direction {direction}.',
    hint: 'Choose a free place with --order. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  NETWORK_ACL_MANY: {
    message: 'The network {network} has {most} entries: no network has more.',
    hint: 'One rule may match many addresses or ports, as `ip saddr { 10.1.0.0/16, 10.2.0.7 } accept`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  NETWORK_ACL_NOT_FOUND: {
    message: 'The network {network} has no entry {direction} {order}.',
    hint: 'See `pvc network acl list {network}`.',
    http: 404,
    exit: 'notFound',
  },
  NETWORK_NAT: {
    message: 'The network {network} has no gateway, so nothing of it could be masqueraded.',
    hint: 'Give it one with --gateway4 or --gateway6, or leave masquerade off (--no-nat). Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  NFT_MISSING: {
    message: 'nft is not installed on {node} (package nftables), so networks there cannot be kept apart.',
    hint: 'Install it: `apt install nftables`. PVC goes on by itself.',
    http: 503,
    exit: 'failed',
  },
});
