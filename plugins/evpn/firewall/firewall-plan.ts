/** What has to be done about a node's firewall. Pure, from what it sees. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import type { FirewallView } from './firewall.ts';
import { type RulesetInput, ruleset } from './ruleset.ts';

export interface FirewallStep extends Step {
  readonly do: 'load' | 'remove';
  /** Of `load`. */
  readonly wanted?: RulesetInput;
}

/** Somebody may take the table away; and nodes that are no coordinators hear of no entry. */
const lookMs = 4_000;

export function planFirewall({ wanted, listed, loaded }: FirewallView): ReconcilePlan<FirewallStep> {
  const steps: FirewallStep[] = [];
  if (wanted === undefined) {
    if (listed !== undefined)
      steps.push({ do: 'remove', text: 'remove the firewall of networks that are no more', timeoutMs: 20_000 });
  } else if (listed === undefined || loaded?.listed !== listed || loaded.wanted !== ruleset(wanted))
    // Where an entry is not taken, each is tried by itself.
    steps.push({ do: 'load', text: 'load the firewall of the networks', timeoutMs: 120_000, wanted });
  return { steps, againInMs: lookMs };
}
