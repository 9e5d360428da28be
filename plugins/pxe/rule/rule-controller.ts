/** Accepts discovered machines by the rules that there are. @module */
import { type AnyController, defineController, node, type Runtime, type Step, View } from '../../../core/plugin/api.ts';
import { machine } from '../machine/machine-kind.ts';
import { type MachineDoc, takenIn } from '../machine/machine-rules.ts';
import { stateOf } from '../machine/machine-state.ts';
import { machineRule, type RuleSpec, ruleError } from './rule-kind.ts';
import { freeAddress, freeName, matches } from './rule-match.ts';

export interface Rule {
  readonly id: string;
  readonly spec: RuleSpec;
}

interface AcceptStep extends Step {
  readonly rule: Rule;
}

/** It has been entered, and what it is will be noted in a moment. */
const soonMs = 1_000;

/** Which rule accepts the machine, if any does. Pure. */
export function planAcceptance(
  doc: MachineDoc | undefined,
  rules: readonly Rule[],
): { readonly steps: readonly AcceptStep[]; readonly againInMs?: number } {
  if (doc === undefined || doc.spec.attempt > 0 || stateOf(doc) !== 'discovered') return { steps: [] };
  if (doc.status === undefined) return { steps: [], againInMs: soonMs };
  const { hardware, reason } = doc.status;
  // What speaks against it, as two machines with one UUID, is for somebody to look at.
  if (hardware === null || reason !== '') return { steps: [] };
  const rule = rules.toSorted((a, b) => (a.id < b.id ? -1 : 1)).find(({ spec }) => matches(spec, doc.id, hardware));
  if (rule === undefined) return { steps: [] };
  return { steps: [{ do: 'accept', text: `accept it by the rule ${rule.id}`, timeoutMs: 10_000, rule }] };
}

export function ruleController({ documents, perform }: Pick<Runtime, 'documents' | 'perform'>): AnyController {
  /** Two machines at once may choose the same: then one is refused, and tries again. */
  async function placeFor(mac: string, { id, spec }: Rule): Promise<{ name: string; address: string }> {
    const view = new View(documents);
    const [nodes, machines, taken] = await Promise.all([view.list(node), view.list(machine), takenIn(view)]);
    const names = new Set([...nodes.map((one) => one.id), ...machines.flatMap((one) => one.spec.name ?? [])]);
    const name = freeName(spec.name, names);
    const address = freeAddress(
      spec.addresses,
      taken.map((one) => one.address),
    );
    if (address === undefined) throw ruleError('RULE_EXHAUSTED', { rule: id, mac });
    return { name, address };
  }

  return defineController({
    name: 'machine-rules',
    summary: 'accepts servers that were discovered, by the rules that there are',
    kind: machine,
    scope: 'primary',
    async observe(): Promise<readonly Rule[]> {
      return (await documents.list(machineRule)).map(({ id, spec }) => ({ id, spec }));
    },
    plan: (doc, rules) => planAcceptance(doc, rules),
    async apply({ rule }: AcceptStep, mac) {
      const { take } = rule.spec;
      const osd = take === undefined ? {} : { osd: take === 'all' ? ['all'] : take };
      await perform('machine.accept', { machine: mac, ...(await placeFor(mac, rule)), ...osd });
    },
  });
}
