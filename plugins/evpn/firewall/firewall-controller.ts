/** Keeps the firewall of the networks on this node as the documents say, whoever changes either. @module */
import { type AnyController, cluster, defineController } from '../../../core/plugin/api.ts';
import type { Links } from '../links/links.ts';
import type { Firewall } from './firewall.ts';
import { type FirewallStep, planFirewall } from './firewall-plan.ts';

export function firewallController(links: Pick<Links, 'own'>, firewall: Firewall): AnyController {
  return defineController({
    name: 'network-firewall',
    summary: 'keeps networks apart from each other, from the nodes and from the outside, by nftables',
    kind: cluster,
    scope: 'node',
    observe: async () => firewall.look((await links.own()).length > 0),
    plan: (_doc, view) => planFirewall(view),
    apply: ({ wanted }: FirewallStep) => (wanted === undefined ? firewall.remove() : firewall.load(wanted)),
  });
}
