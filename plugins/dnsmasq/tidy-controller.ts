/** Clears away what belongs to settings that are no more, as those of a network that was removed. @module */
import {
  type AnyController,
  cluster,
  defineController,
  type Runtime,
  type Step,
  type Write,
} from '../../core/plugin/api.ts';
import { lease } from './lease/lease-kind.ts';
import { reservation } from './reservation/reservation-kind.ts';
import { dhcp } from './settings/dhcp-kind.ts';

/** So many documents fit into one commit. */
const atOnce = 50;
const lookMs = 60_000;

interface TidyStep extends Step {
  readonly writes: readonly Write[];
}

export function tidyController(runtime: Runtime): AnyController {
  const { documents } = runtime;

  return defineController({
    name: 'dhcp-tidy',
    summary: 'clears away leases and reservations of networks without DHCP',
    kind: cluster,
    scope: 'primary',
    async observe() {
      const kept: Write[] = [
        ...(await documents.list(reservation)).map((before): Write => ({ do: 'remove', kind: reservation, before })),
        ...(await documents.list(lease)).map((before): Write => ({ do: 'remove', kind: lease, before })),
      ];
      if (kept.length === 0) return [];
      // After those: what belongs to settings that came meanwhile must not be taken for stale.
      const valid = new Set((await documents.list(dhcp)).map(({ spec }) => spec.instance));
      return kept.filter((write) => write.do === 'remove' && !valid.has(write.before.spec.instance as string));
    },
    plan: (_doc, stale) => ({
      steps: stale.length === 0 ? [] : [clear(stale.slice(0, atOnce))],
      againInMs: stale.length > atOnce ? 0 : lookMs,
    }),
    apply: (step: TidyStep) => runtime.write(step.writes, { asPrimary: true }),
  });
}

const clear = (writes: readonly Write[]): TidyStep => ({
  do: 'clear',
  text: `clear away ${writes.length} leases and reservations of networks without DHCP`,
  timeoutMs: 10_000,
  writes,
});
