/** Entries that this node's kernel does not take, as a fault. @module */
import type { HealthCheck } from '../../../core/plugin/api.ts';
import type { Firewall } from './firewall.ts';

const everyMs = 10_000;

export function firewallHealth(firewall: Pick<Firewall, 'loaded'>, node: string): HealthCheck {
  return {
    name: 'network-firewall',
    summary: 'the kernel takes every entry of the networks’ access control lists',
    intervalMs: everyMs,
    timeoutMs: everyMs,
    async run() {
      const leftOut = (await firewall.loaded())?.leftOut ?? [];
      if (leftOut.length === 0) return undefined;
      const reasons = leftOut.map(({ entry, reason }) => `network ${entry}: ${reason}`);
      return {
        severity: 'warning',
        message: `The firewall of ${node} is without ${reasons.length === 1 ? 'an entry' : `${reasons.length} entries`}: ${reasons.join('; ')}. In place of one that drops, nothing passes.`,
        hint: 'Remove the entry (`pvc network acl remove`) and add one that nft takes on every node.',
      };
    },
  };
}
