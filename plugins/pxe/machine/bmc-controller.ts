/** Gives the node that has come from a machine the machine's BMC, so that it can be fenced from its first moment. @module */
import {
  type AnyController,
  bmcSecret,
  defineController,
  node,
  type Runtime,
  type Step,
} from '../../../core/plugin/api.ts';
import { machine, machineSecret } from './machine-kind.ts';
import type { MachineDoc } from './machine-rules.ts';
import { stateOf } from './machine-state.ts';

/** Pure. @param described whether its node has a BMC; undefined: there is no node */
export function planBmc(
  doc: MachineDoc | undefined,
  described: boolean | undefined,
): { readonly steps: readonly Step[] } {
  if (doc?.spec.bmc === undefined) return { steps: [] };
  const { name, bmcGiven } = doc.spec;
  const step = (verb: string, text: string): { steps: Step[] } => ({ steps: [{ do: verb, text, timeoutMs: 10_000 }] });
  if (described === undefined)
    return bmcGiven ? step('forget', `note that there is no node ${name} any more`) : { steps: [] };
  const state = stateOf(doc);
  if (described || bmcGiven || (state !== 'joined' && state !== 'ready')) return { steps: [] };
  return step('describe', `give the node ${name} the BMC of the machine ${doc.id}`);
}

export function machineBmcController({ documents, write }: Pick<Runtime, 'documents' | 'write'>): AnyController {
  return defineController({
    name: 'machine-bmc',
    summary: 'gives nodes that have come from machines the BMCs of those',
    kind: machine,
    scope: 'primary',
    async observe(_id, doc): Promise<boolean | undefined> {
      const name = doc?.spec.name ?? undefined;
      const found = name === undefined ? undefined : await documents.get(node, name);
      return found && found.spec.bmc !== undefined;
    },
    plan: (doc, described) => planBmc(doc, described),
    async apply(step, id) {
      const doc = await documents.need(machine, id);
      const { bmcGiven: _given, ...spec } = doc.spec;
      if (step.do === 'forget') return write([{ do: 'spec', kind: machine, before: doc, spec }], { asPrimary: true });
      const secret = await documents.get(machineSecret, id);
      const { bmc, name } = spec;
      if (bmc === undefined || name === null || secret === undefined) return;
      const [before, known] = await Promise.all([documents.need(node, name), documents.get(bmcSecret, name)]);
      if (before.spec.bmc !== undefined) return;
      const { password } = secret.spec;
      await write(
        [
          { do: 'spec', kind: node, before, spec: { ...before.spec, bmc } },
          known === undefined
            ? { do: 'create', kind: bmcSecret, id: name, spec: { password } }
            : { do: 'spec', kind: bmcSecret, before: known, spec: { password } },
          { do: 'spec', kind: machine, before: doc, spec: { ...spec, bmcGiven: true } },
        ],
        { asPrimary: true },
      );
    },
  });
}
