/** A rule for where guests run: together on one node, or apart on different ones. @module */
import { type Doc, defineErrors, defineKind, names, type View, z } from '../../../core/plugin/api.ts';

export const ruleSpec = z.strictObject({
  kind: z.enum(['together', 'apart']),
  /** It is never broken; one that is not is kept where a node allows it. */
  strict: z.boolean(),
  /** Names of the guests: a guest that is in a rule keeps its name. */
  guests: z.array(names.objectName).min(2).max(256),
});
export type RuleSpec = z.infer<typeof ruleSpec>;

/** A rule with its name, as placement needs it. */
export interface Rule extends RuleSpec {
  readonly name: string;
}

export const vmRule = defineKind<RuleSpec, null>({
  name: 'vm-rule',
  plural: 'vm-rules',
  version: 1,
  id: names.objectName,
  spec: ruleSpec,
  status: z.null(),
  refers: ({ guests }) => guests.map((name) => ({ kind: 'vm', name })),
  command: 'vm rule',
});
export type RuleDoc = Doc<RuleSpec, null>;

export const ruleOf = ({ id, spec }: RuleDoc): Rule => ({ name: id, ...spec });

/**
 * The rules as they are now. A new rule writes its guests anew, so a guest that is placed in the same moment is planned
 * again with the rule in view.
 */
export const rulesOf = async (view: View): Promise<Rule[]> => (await view.list(vmRule)).map(ruleOf);

export const ruleError = defineErrors({
  VM_RULE_CONTRADICTS: {
    message: 'The rule {rule} cannot be kept: {reason}.',
    hint: 'See `pvc vm rule list`. Make one of the two preferred, or leave guests out. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  VM_RULE_INPUT: {
    message: 'The rule {rule} cannot be so: {reason}.',
    hint: 'See `pvc vm rule add --help`. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  VM_RULE_FORBIDS: {
    message: 'The guest {vm} must not run on {node}: {reason}.',
    hint: '`pvc vm move {vm}` brings it to a node where it may run; `pvc vm rule list` shows the rules.',
    http: 409,
    exit: 'refused',
  },
});
