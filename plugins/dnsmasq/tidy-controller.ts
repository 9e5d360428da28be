/** Clears away what belongs to settings that are no more, as those of a network that was removed. @module */
import {
  type AnyController,
  cluster,
  type Doc,
  defineController,
  type Kind,
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

  async function staleOf<S extends { readonly instance: string }>(
    kind: Kind<S, null>,
    valid: ReadonlySet<string>,
  ): Promise<Write[]> {
    const docs: Doc<S, null>[] = await documents.list(kind);
    return docs
      .filter(({ spec }) => !valid.has(spec.instance))
      .map((before): Write => ({ do: 'remove', kind, before }));
  }

  return defineController({
    name: 'dhcp-tidy',
    summary: 'clears away leases and reservations of networks without DHCP',
    kind: cluster,
    scope: 'primary',
    async observe() {
      // Settings last: what belongs to younger ones than were seen must not be taken for stale.
      const seen = [await documents.ids(reservation), await documents.ids(lease)].flat().length;
      if (seen === 0) return [];
      const valid = new Set((await documents.list(dhcp)).map(({ spec }) => spec.instance));
      return [...(await staleOf(reservation, valid)), ...(await staleOf(lease, valid))];
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
