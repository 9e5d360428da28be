/** Has machines answered that boot, on the node that is primary and on no other. @module */
import { isDeepStrictEqual } from 'node:util';
import { type AnyController, defineController, type Runtime, type Step, View } from '../../../core/plugin/api.ts';
import { networkId, type ProvisioningSpec, provisioning } from '../network/network-kind.ts';
import type { BootServices } from './boot-services.ts';

type BootStep = Step & ({ readonly do: 'serve'; readonly spec: ProvisioningSpec } | { readonly do: 'end' });

interface Observed {
  readonly whose: 'ours' | 'others' | 'open';
  readonly serving: ProvisioningSpec | undefined;
  /** Something of it is here. */
  readonly left: boolean;
}

/** Somebody becomes primary soon; until then what runs is left as it is. */
const openMs = 1_000;
const stepMs = 70_000;

/** What there is to do. Pure. */
export function planBoot(
  spec: ProvisioningSpec | undefined,
  { whose, serving, left }: Observed,
): { readonly steps: readonly BootStep[]; readonly againInMs?: number } {
  const there = left || serving !== undefined;
  if (whose === 'open') return { steps: [], ...(there ? { againInMs: openMs } : {}) };
  if (spec === undefined || whose === 'others')
    return { steps: there ? [{ do: 'end', text: 'answer machines that boot no more', timeoutMs: stepMs }] : [] };
  if (isDeepStrictEqual(serving, spec)) return { steps: [] };
  return {
    steps: [{ do: 'serve', text: `answer machines that boot from ${spec.device}`, timeoutMs: stepMs, spec }],
  };
}

export function bootController(runtime: Pick<Runtime, 'documents' | 'node'>, services: BootServices): AnyController {
  return defineController({
    name: 'provisioning',
    summary: 'answers machines that boot from the network, on the primary',
    kind: provisioning,
    scope: 'node',
    present: async () => ((await services.left()) ? [networkId] : []),
    async observe(): Promise<Observed> {
      const whose = async () => {
        if (services.duty) return 'ours';
        const holder = await new View(runtime.documents).primary();
        // It may be this one in a moment: then what an earlier life of the daemon left running is right.
        return holder === undefined || holder === runtime.node ? 'open' : 'others';
      };
      return { whose: await whose(), serving: services.serving, left: await services.left() };
    },
    plan: (doc, observed) => planBoot(doc?.spec, observed),
    apply: (step: BootStep) => (step.do === 'serve' ? services.serve(step.spec) : services.end()),
  });
}
