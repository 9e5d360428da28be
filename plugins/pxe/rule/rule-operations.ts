/** The rules by which machines are accepted: make, list, remove. @module */
import {
  cluster,
  clusterId,
  defineMutation,
  defineQuery,
  formatMiB,
  names,
  type RenderContext,
  table,
  z,
} from '../../../core/plugin/api.ts';
import { osdInput, osdOption, wishInWords, wishOf } from '../machine/disk-wish.ts';
import { hostAddress } from '../machine/machine-kind.ts';
import { rangeText } from '../network/range-text.ts';
import { machineRule, namePattern, type RuleSpec, ruleError, ruleSpec } from './rule-kind.ts';
import { rangeProblem } from './rule-match.ts';

const answer = z.object({
  rule: z.string(),
  match: ruleSpec.shape.match.describe('what a machine must be; what is not there may be anything'),
  name: z.string().describe('names that it gives, with # for a number'),
  addresses: ruleSpec.shape.addresses,
  osd: z.string().nullable().describe('disks of each that become OSDs once its node is ready; null: none'),
});
type Answer = z.output<typeof answer>;

const answerOf = (rule: string, { match, name, addresses, take }: RuleSpec): Answer => ({
  ...{ rule, match, name, addresses },
  osd: take === undefined ? null : wishInWords({ take }),
});

const ruleName = names.objectName.describe('name of the rule');
const ruleArgument = { field: 'rule', complete: 'machine-rule' } as const;
const { match } = ruleSpec.shape;

const range = rangeText(/^[0-9a-fA-F.:]+-[0-9a-fA-F.:]+$/, '10.10.0.20-10.10.0.40', hostAddress);

function matchText({ match: { mac, manufacturer, product, serial, minMemoryMiB } }: Answer): string {
  const words = [
    mac === undefined ? undefined : `MAC ${mac}…`,
    manufacturer,
    product,
    serial === undefined ? undefined : `serial number ${serial}`,
    minMemoryMiB === undefined ? undefined : `at least ${formatMiB(minMemoryMiB)}`,
  ];
  return words.filter((word) => word !== undefined).join(', ');
}

const render = (rows: readonly Answer[], context: RenderContext): string =>
  table(
    [{ title: 'RULE', keep: true }, 'MACHINES', 'NAMES', 'ADDRESSES', 'OSDS'],
    rows.map((row) => [row.rule, matchText(row), row.name, `${row.addresses.from}-${row.addresses.to}`, row.osd]),
    context,
  );

export const ruleOperations = [
  defineMutation({
    name: 'machine-rule.add',
    summary: 'Have servers of a kind accepted as soon as they are discovered',
    description:
      'A discovered machine that is all that the rule says becomes a node without anybody looking: the first free name by number, and the first free address. Of several rules that fit the first by name counts. What was discovered before is accepted as well. A machine says itself what it is, and nobody proves it.',
    http: { method: 'POST', path: '/provisioner/rules' },
    cli: {
      command: 'provisioner rule add',
      arguments: [{ field: 'rule' }],
      options: {
        name: { value: 'NAME#' },
        addresses: { value: 'FROM-TO' },
        mac: { value: 'BEGINNING' },
        manufacturer: { value: 'TEXT' },
        product: { value: 'TEXT' },
        serial: { value: 'TEXT' },
        minMemory: { value: 'SIZE' },
        osd: osdOption,
      },
      nameField: 'rule',
      examples: [
        "pvc provisioner rule add disks --product 'PowerEdge R7*' --name osd# --addresses 10.10.0.50-10.10.0.69 --osd all",
        "pvc provisioner rule add rack2 --product 'PowerEdge R6*' --min-memory 64G --name hv# --addresses 10.10.0.20-10.10.0.40",
      ],
    },
    role: 'admin',
    input: z.strictObject({
      rule: ruleName,
      name: namePattern.describe('names that it gives: # stands for a number, ## for one of at least two digits'),
      addresses: range.describe('addresses of the cluster network that it gives'),
      mac: match.shape.mac.describe('how the MAC address begins, which tells the maker of the card'),
      manufacturer: match.shape.manufacturer.describe('manufacturer, as its firmware tells; * stands for anything'),
      product: match.shape.product.describe('model, as its firmware tells; * stands for anything'),
      serial: match.shape.serial.describe('serial number, as its firmware tells; * stands for anything'),
      minMemory: match.shape.minMemoryMiB
        .describe('memory that it has at least, in MiB unless a unit is given')
        .meta({ unit: 'MiB' }),
      osd: osdInput.optional(),
    }),
    output: answer,
    async plan(plan, { view }, { rule, name, addresses, minMemory, osd, ...texts }) {
      if ((await view.get(machineRule, rule)) !== undefined) throw ruleError('RULE_EXISTS', { rule });
      const wanted = { ...texts, ...(minMemory === undefined ? {} : { minMemoryMiB: minMemory }) };
      const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
      if (Object.keys(given).length === 0) throw ruleError('RULE_MATCHES_ALL', { rule });
      const network = (await view.need(cluster, clusterId)).spec.networks?.cluster;
      const problem =
        network === undefined
          ? 'the cluster has no network between its nodes, and takes no other node'
          : rangeProblem(network.cidr, addresses);
      if (problem !== undefined) throw ruleError('RULE_ADDRESSES', { rule, ...addresses, reason: problem });
      const take = wishOf(osd ?? [], 0)?.take;
      const spec = ruleSpec.parse({ match: given, name, addresses, ...(take === undefined ? {} : { take }) });
      plan.create(machineRule, rule, spec);
      plan.act(`accept machines by the rule ${rule}, those as well that are discovered already`);
      if (take !== undefined) plan.act(`make ${wishInWords({ take })} of each part of the storage`);
      return answerOf(rule, spec);
    },
  }),
  defineMutation({
    name: 'machine-rule.remove',
    summary: 'Remove a rule by which servers are accepted',
    description: 'Machines that it has accepted stay accepted.',
    http: { method: 'DELETE', path: '/provisioner/rules/{rule}' },
    cli: {
      command: 'provisioner rule remove',
      aliases: ['rm'],
      arguments: [ruleArgument],
      confirm: 'Remove the rule {rule}?',
      nameField: 'rule',
    },
    role: 'admin',
    input: z.strictObject({ rule: ruleName }),
    output: answer,
    async plan(plan, { view }, { rule }) {
      const doc = await view.need(machineRule, rule);
      plan.remove(machineRule, doc);
      plan.act(`accept no machine by the rule ${rule} any more`);
      return answerOf(rule, doc.spec);
    },
  }),
  defineQuery({
    name: 'machine-rule.list',
    summary: 'List the rules by which servers are accepted',
    http: { method: 'GET', path: '/provisioner/rules' },
    cli: { command: 'provisioner rule list', render, nameField: 'rule' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(answer),
    async run({ view }): Promise<Answer[]> {
      const rows = (await view.list(machineRule)).map(({ id, spec }) => answerOf(id, spec));
      return rows.toSorted((a, b) => (a.rule < b.rule ? -1 : 1));
    },
  }),
];
