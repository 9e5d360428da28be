/** Access control lists of networks: add an entry, remove one, list them with what passed them. @module */
import {
  type Doc,
  defineMutation,
  defineQuery,
  names,
  type PlanBuilder,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { needNetwork } from '../network/need-network.ts';
import { networkName } from '../network/network-kind.ts';
import {
  type AclDirection,
  type AclSpec,
  aclDirection,
  aclId,
  aclOrder,
  aclSpec,
  firewallError,
  mostEntries,
  mostOrder,
  networkAcl,
  vniOfAcl,
} from './acl-kind.ts';
import { renderAcl } from './acl-render.ts';
import type { Firewall } from './firewall.ts';
import type { Nft } from './nft.ts';
import { counterName } from './ruleset.ts';

const aclRow = z.object({
  network: z.string(),
  direction: aclDirection,
  order: z.int().describe('smaller numbers are asked first'),
  rule: z.string(),
  description: z.string(),
  packets: z.int().nullable().describe('that it decided about on the primary; null: it is not in force there yet'),
  bytes: z.int().nullable().describe('of these packets'),
});
export type AclRow = z.output<typeof aclRow>;

type AclDoc = Doc<AclSpec, null>;

const answer = z.object({ network: z.string(), direction: aclDirection, order: z.int(), rule: z.string() });
const answerOf = ({ network: name, direction, order, rule }: AclSpec): z.output<typeof answer> => ({
  network: name,
  direction,
  order,
  rule,
});

/** Room for entries in between. */
const orderStep = 10;

const entriesOf = async (view: View, vni: string): Promise<AclDoc[]> =>
  (await view.list(networkAcl)).filter(({ id }) => vniOfAcl(id) === vni);

/** Behind all that there are. @throws PvcError NETWORK_ACL_FULL */
function lastOrder(name: string, direction: AclDirection, entries: readonly AclDoc[]): number {
  const last = Math.max(0, ...entries.filter(({ spec }) => spec.direction === direction).map(({ spec }) => spec.order));
  if (last === mostOrder) throw firewallError('NETWORK_ACL_FULL', { network: name, direction, order: mostOrder });
  return Math.min(last + orderStep, mostOrder);
}

/** With its network goes the whole list. */
export async function removeEntries(plan: PlanBuilder, view: View, vni: string): Promise<void> {
  const entries = await entriesOf(view, vni);
  for (const entry of entries) plan.remove(networkAcl, entry);
  if (entries.length > 0) plan.act(`remove its ${entries.length} entries from the access control list`);
}

export interface FirewallParts {
  readonly nft: Pick<Nft, 'refusal'>;
  readonly firewall: Pick<Firewall, 'counts'>;
}

const networkArgument = { field: 'network', complete: 'network' } as const;
const directionArgument = { field: 'direction', complete: ['in', 'out'] } as const;

export function aclOperations(parts: () => FirewallParts) {
  return [
    defineMutation({
      name: 'network.acl-add',
      summary: 'Let in, let out or keep off what a rule of nftables matches, at the gateway of a network',
      description:
        'Direction `in` is what comes to the guests of the network from outside or from other networks, and what no entry accepts there is dropped. `out` is what they send to elsewhere, and what no entry drops is let out. Answers pass by themselves. The rule is tried by nft on the node that is asked before it is stored.',
      http: { method: 'POST', path: '/networks/{network}/acl' },
      cli: {
        command: 'network acl add',
        arguments: [networkArgument, directionArgument, { field: 'rule' }],
        options: { order: { value: 'NUMBER' }, description: { short: 'd', value: 'TEXT' } },
        examples: [
          'pvc network acl add office in "tcp dport 22 accept" --order 10 -d "ssh from everywhere"',
          'pvc network acl add office in "ip saddr 10.1.0.0/16 tcp dport { 80, 443 } accept"',
          'pvc network acl add office out "tcp dport 25 reject"',
        ],
      },
      role: 'admin',
      input: z.strictObject({
        network: networkName,
        direction: aclDirection.describe('in: to the guests of the network; out: from them'),
        rule: aclSpec.shape.rule.describe('matches of nft(8), then accept, drop or reject'),
        order: aclOrder.optional().describe('its place, 1 to 65535; smaller numbers first (10 behind the last)'),
        description: names.oneLine.default('').describe('text for people'),
      }),
      output: answer,
      async plan(plan, { view }, input) {
        const doc = await needNetwork(view, input.network);
        const entries = await entriesOf(view, doc.id);
        if (entries.length >= mostEntries)
          throw firewallError('NETWORK_ACL_MANY', { network: input.network, most: mostEntries });
        const { direction } = input;
        const spec: AclSpec = { ...input, order: input.order ?? lastOrder(input.network, direction, entries) };
        const id = aclId(doc.id, spec);
        const taken = entries.find((entry) => entry.id === id)?.spec;
        if (taken !== undefined) throw firewallError('NETWORK_ACL_TAKEN', { ...answerOf(taken) });
        const reason = await parts().nft.refusal(spec.rule);
        if (reason !== undefined) throw firewallError('NETWORK_ACL_RULE', { rule: spec.rule, reason });
        plan.create(networkAcl, id, spec);
        plan.act(`on every node: ${direction} ${spec.order} of ${spec.network} is \`${spec.rule}\``);
        return answerOf(spec);
      },
    }),
    defineMutation({
      name: 'network.acl-remove',
      summary: 'Remove an entry from the access control list of a network',
      http: { method: 'DELETE', path: '/networks/{network}/acl/{direction}/{order}' },
      cli: {
        command: 'network acl remove',
        aliases: ['rm'],
        arguments: [networkArgument, directionArgument, { field: 'order' }],
        confirm: 'Remove the entry {direction} {order} of the network {network}?',
        examples: ['pvc network acl remove office in 10'],
      },
      role: 'admin',
      input: z.strictObject({ network: networkName, direction: aclDirection, order: aclOrder }),
      output: answer,
      async plan(plan, { view }, input) {
        const doc = await needNetwork(view, input.network);
        const entry = await view.get(networkAcl, aclId(doc.id, input));
        if (entry === undefined) throw firewallError('NETWORK_ACL_NOT_FOUND', { ...input });
        plan.remove(networkAcl, entry);
        plan.act(`on every node: ${input.direction} ${input.order} of ${input.network} is gone`);
        return answerOf(entry.spec);
      },
    }),
    defineQuery({
      name: 'network.acl-list',
      summary: 'List the access control lists of networks, with what passed each entry on the primary',
      http: { method: 'GET', path: '/network-acls' },
      cli: {
        command: 'network acl list',
        arguments: [networkArgument],
        render: renderAcl,
        nameField: 'rule',
        examples: ['pvc network acl list', 'pvc network acl list office'],
      },
      role: 'viewer',
      input: z.strictObject({ network: networkName.optional().describe('only those of this network') }),
      output: z.array(aclRow),
      // The gateways are there: all that passes from network to network passes it.
      on: ({ view }) => view.primary(),
      async run({ view }, input): Promise<AclRow[]> {
        const only = input.network === undefined ? undefined : (await needNetwork(view, input.network)).id;
        const counts = await parts().firewall.counts();
        return (await view.list(networkAcl))
          .filter(({ id }) => only === undefined || vniOfAcl(id) === only)
          .map(({ id, birth, spec }) => {
            const count = counts.get(counterName({ vni: vniOfAcl(id), birth, ...spec }));
            return {
              ...answerOf(spec),
              description: spec.description,
              packets: count?.packets ?? null,
              bytes: count?.bytes ?? null,
            };
          })
          .toSorted(
            (a, b) => a.network.localeCompare(b.network) || a.direction.localeCompare(b.direction) || a.order - b.order,
          );
      },
    }),
  ];
}
