/** Keeps the cards of this node's guests to their limits and addresses, whoever changes what. @module */
import { type AnyController, cluster, clusterId, defineController, type Step } from '../../../core/plugin/api.ts';
import { type Guards, isSettled } from './guards.ts';

const load: Step = { do: 'settle', text: 'load what keeps the network cards to their limits', timeoutMs: 30_000 };

/** Somebody may take the table away; and nodes that are no coordinators hear of no lease, and of no guest on its way. */
const lookMs = 4_000;

export function guardController(guards: Guards): AnyController {
  return defineController({
    name: 'network-cards',
    summary: 'keeps network cards of guests to their limits and to their own addresses, by nftables',
    kind: cluster,
    scope: 'node',
    observe: () => guards.look(),
    plan: (_doc, view) => ({
      steps: isSettled(view) ? [] : [load],
      againInMs: lookMs,
    }),
    apply: () => guards.settle(),
    async watch(touch, signal) {
      guards.onWake(() => touch(clusterId));
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      guards.onWake(() => undefined);
    },
  });
}
