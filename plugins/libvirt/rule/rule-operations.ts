/** Rules for where guests run: made, looked at, changed, taken back. @module */
import {
  defineMutation,
  defineQuery,
  modelError,
  names,
  node,
  type PlanBuilder,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import type { VmDoc } from '../guest-control.ts';
import { Ledger } from '../ledger.ts';
import { needVm, vmRef } from '../operations/common.ts';
import { worldOf } from '../operations/world.ts';
import { vm } from '../vm-kind.ts';
import { contradiction } from './rule-check.ts';
import { type Rule, type RuleDoc, ruleError, ruleOf, ruleSpec, rulesOf, vmRule } from './rule-kind.ts';
import { renderRule, renderRules } from './rule-render.ts';

const ruleName = names.objectName.describe('name of the rule');
const ruleArgument = { field: 'rule', complete: 'vm-rule' } as const;
const strength = {
  strict: z.boolean().default(false).describe('never break it, whatever that costs'),
  preferred: z.boolean().default(false).describe('keep it where a node allows it'),
};
const guestList = z.array(vmRef).max(256);

const ruleAnswer = z.object({ name: z.string(), ...ruleSpec.shape });

const ruleRow = ruleAnswer.extend({
  places: z
    .array(z.object({ vm: z.string(), node: z.string().describe('where it is, or is going') }))
    .describe('guests that count: not those that are disabled'),
  broken: z.array(z.string()).describe('what does not keep to it now'),
});
export type RuleRow = z.output<typeof ruleRow>;

/** Where the guests of a rule are, and what does not keep to it. */
function rowOf(rule: Rule, ledger: Ledger): RuleRow {
  const places = rule.guests.flatMap((guest) => {
    const place = ledger.placeOf(guest);
    return place === undefined ? [] : [{ vm: guest, node: place.to ?? place.node }];
  });
  const on = new Map<string, string[]>();
  for (const one of places) on.set(one.node, [...(on.get(one.node) ?? []), one.vm]);
  const broken =
    rule.kind === 'apart'
      ? [...on]
          .filter(([, guests]) => guests.length > 1)
          .map(([where, guests]) => `${guests.join(', ')} are on ${where}`)
      : on.size > 1
        ? [...on].map(([where, guests]) => `${guests.join(', ')}: on ${where}`)
        : [];
  return { ...rule, places, broken };
}

/** @throws PvcError VM_RULE_INPUT */
function strictOf(rule: string, asked: { strict: boolean; preferred: boolean }, otherwise: boolean): boolean {
  if (asked.strict && asked.preferred)
    throw ruleError('VM_RULE_INPUT', { rule, reason: 'it is either strict or preferred' });
  return asked.strict || (asked.preferred ? false : otherwise);
}

const needGuests = (view: View, refs: readonly string[]): Promise<VmDoc[]> =>
  Promise.all(refs.map((ref) => needVm(view, ref)));

/**
 * Checks a rule. Its guests are written anew, so that whoever places one of them without knowing it is planned again:
 * those that come to it by being referred to, those that are in it by a touch.
 * @throws PvcError VM_RULE_INPUT, VM_RULE_CONTRADICTS
 */
async function planRule(plan: PlanBuilder, view: View, rule: Rule, known: readonly string[]): Promise<void> {
  if (rule.guests.length < 2)
    throw ruleError('VM_RULE_INPUT', { rule: rule.name, reason: 'it needs two guests at least' });
  const nodes = await view.list(node);
  if (rule.strict) {
    const reason = contradiction(rule, await rulesOf(view));
    if (reason !== undefined) throw ruleError('VM_RULE_CONTRADICTS', { rule: rule.name, reason });
    if (rule.kind === 'apart' && rule.guests.length > nodes.length)
      plan.warn(`${rule.name} keeps ${rule.guests.length} guests apart, and there are ${nodes.length} nodes.`);
  }
  const staying = rule.guests.filter((guest) => known.includes(guest));
  for (const doc of await needGuests(view, staying)) plan.touch(vm, doc);
  for (const text of rowOf(rule, new Ledger(await worldOf(view))).broken)
    plan.warn(`${rule.name} is not kept now: ${text}. Nothing is moved for it; \`pvc vm move\` puts it right.`);
}

const said = (rule: Rule): string =>
  `${rule.strict ? 'always keep' : 'preferably keep'} ${rule.guests.join(', ')} ${rule.kind}`;

export const ruleOperations = [
  defineMutation({
    name: 'vm-rule.add',
    summary: 'Make a rule: guests that run together on one node, or apart on different ones',
    description:
      'A strict rule is kept by every placement, move, flush and start; what would break it is refused. Guests that a strict rule keeps together move together. A preferred one decides among the nodes that can take a guest. A disabled guest does not count.',
    http: { method: 'POST', path: '/vm-rules/{rule}' },
    cli: {
      command: 'vm rule add',
      arguments: [
        { field: 'rule' },
        { field: 'kind', value: 'together|apart', complete: ['together', 'apart'] },
        { field: 'vms', rest: true, complete: 'vm' },
      ],
      examples: [
        'pvc vm rule add databases apart db1 db2 db3',
        'pvc vm rule add shop together web1 cache1 --preferred',
      ],
    },
    role: 'operator',
    input: z.strictObject({
      rule: ruleName,
      kind: ruleSpec.shape.kind.describe('on one node, or each on another'),
      vms: guestList.describe('names of the guests'),
      ...strength,
    }),
    output: ruleAnswer,
    async plan(plan, { view }, { rule: name, kind, vms, ...asked }) {
      if ((await view.get(vmRule, name)) !== undefined)
        throw modelError('OBJECT_EXISTS', { kind: 'vm-rule', field: 'name', value: name, owner: '' });
      const guests = [...new Set((await needGuests(view, vms)).map(({ spec }) => spec.name))];
      const rule: Rule = { name, kind, strict: strictOf(name, asked, true), guests };
      await planRule(plan, view, rule, []);
      plan.create(vmRule, name, { kind, strict: rule.strict, guests });
      plan.act(`${said(rule)} (rule ${name})`);
      return rule;
    },
  }),
  defineMutation({
    name: 'vm-rule.modify',
    summary: 'Change a rule: its guests, or whether it is strict',
    http: { method: 'PATCH', path: '/vm-rules/{rule}' },
    cli: {
      command: 'vm rule modify',
      arguments: [ruleArgument],
      options: { add: { complete: 'vm' }, remove: { complete: 'vm' } },
      examples: ['pvc vm rule modify databases --add db4 --remove db1', 'pvc vm rule modify shop --strict'],
    },
    role: 'operator',
    input: z.strictObject({
      rule: ruleName,
      add: guestList.default([]).describe('guest that comes to it, may be repeated'),
      remove: guestList.default([]).describe('guest that leaves it, may be repeated'),
      ...strength,
    }),
    output: ruleAnswer,
    async plan(plan, { view }, { rule: name, add, remove, ...asked }) {
      const doc = await view.need(vmRule, name);
      const coming = (await needGuests(view, add)).map(({ spec }) => spec.name);
      const leaving = new Set((await needGuests(view, remove)).map(({ spec }) => spec.name));
      const stranger = [...leaving].find((guest) => !doc.spec.guests.includes(guest));
      if (stranger !== undefined) throw ruleError('VM_RULE_INPUT', { rule: name, reason: `${stranger} is not in it` });
      const guests = [...new Set([...doc.spec.guests, ...coming])].filter((guest) => !leaving.has(guest));
      const rule: Rule = { name, kind: doc.spec.kind, strict: strictOf(name, asked, doc.spec.strict), guests };
      const { name: _, ...spec } = rule;
      if (
        JSON.stringify(spec) ===
        JSON.stringify({ kind: doc.spec.kind, strict: doc.spec.strict, guests: doc.spec.guests })
      )
        throw ruleError('VM_RULE_INPUT', { rule: name, reason: 'nothing of it would change' });
      await planRule(plan, view, rule, doc.spec.guests);
      plan.update(vmRule, doc, spec);
      plan.act(`${said(rule)} (rule ${name})`);
      return rule;
    },
  }),
  defineMutation({
    name: 'vm-rule.remove',
    summary: 'Take a rule back; its guests stay where they are',
    http: { method: 'DELETE', path: '/vm-rules/{rule}' },
    cli: { command: 'vm rule remove', arguments: [ruleArgument] },
    role: 'operator',
    input: z.strictObject({ rule: ruleName }),
    output: ruleAnswer,
    async plan(plan, { view }, { rule: name }) {
      const doc: RuleDoc = await view.need(vmRule, name);
      plan.remove(vmRule, doc);
      plan.act(`take back the rule ${name}: ${doc.spec.guests.join(', ')} ${doc.spec.kind}`);
      return ruleOf(doc);
    },
  }),
  defineQuery({
    name: 'vm-rule.list',
    summary: 'List the rules for where guests run, and whether they are kept',
    http: { method: 'GET', path: '/vm-rules' },
    cli: { command: 'vm rule list', render: renderRules },
    role: 'viewer',
    input: z.strictObject({ vm: vmRef.optional().describe('only rules that name this guest') }),
    output: z.array(ruleRow),
    async run({ view }, { vm: ref }) {
      const only = ref === undefined ? undefined : (await needVm(view, ref)).spec.name;
      const world = await worldOf(view);
      const ledger = new Ledger(world);
      return world.rules
        .filter(({ guests }) => only === undefined || guests.includes(only))
        .map((rule) => rowOf(rule, ledger));
    },
  }),
  defineQuery({
    name: 'vm-rule.info',
    summary: 'Show a rule, where its guests are, and what breaks it',
    http: { method: 'GET', path: '/vm-rules/{rule}' },
    cli: { command: 'vm rule info', arguments: [ruleArgument], render: renderRule },
    role: 'viewer',
    input: z.strictObject({ rule: ruleName }),
    output: ruleRow,
    async run({ view }, { rule: name }) {
      return rowOf(ruleOf(await view.need(vmRule, name)), new Ledger(await worldOf(view)));
    },
  }),
];
