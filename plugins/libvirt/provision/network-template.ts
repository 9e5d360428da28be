/** A network template: the network cards of a guest. @module */
import { defineKind, defineMutation, defineQuery, names, type View, z } from '../../../core/plugin/api.ts';
import { given } from '../given.ts';
import { nicSourceOf } from '../operations/define.ts';
import { guardAsAsked, newGuardInput } from '../operations/nic-guard-input.ts';
import { nic, word } from '../schema.ts';
import { description, refuseTwice, same, usedBy, usersOf } from './named.ts';
import { provisionError } from './provision-errors.ts';

/** A card as a guest has it, without the MAC address that each guest gets of its own. */
export const templateNic = nic.omit({ mac: true, extra: true });

export const networkTemplateSpec = z.strictObject({
  name: names.objectName,
  description,
  nics: z.array(templateNic).max(64),
});
export type NetworkTemplate = z.infer<typeof networkTemplateSpec>;

export const networkTemplate = defineKind<NetworkTemplate, null>({
  name: 'network-template',
  plural: 'network-templates',
  version: 1,
  id: names.objectName,
  spec: networkTemplateSpec,
  status: z.null(),
  unique: ({ name }) => ({ name: [name] }),
  refers: ({ nics }) =>
    [...new Set(nics.flatMap(({ source }) => (source.type === 'network' ? [source.network] : [])))].map((name) => ({
      kind: 'network',
      name,
    })),
  command: 'provisioner template network',
});

const template = names.objectName.describe('name of the template');
const templateArgument = { field: 'template', complete: 'network-template' } as const;
const nicOption = {
  from: 'pairs',
  lone: 'network',
  value: 'NETWORK|bridge=NAME[,model=,limitIn=,limitOut=,antiSpoof]',
} as const;

const nics = z
  .array(
    z.strictObject({
      network: names.objectName.optional(),
      bridge: names.linkName.optional(),
      user: z.boolean().optional(),
      model: word.optional(),
      limitIn: newGuardInput.limitIn,
      limitOut: newGuardInput.limitOut,
      antiSpoof: newGuardInput.antiSpoof,
    }),
  )
  .max(64)
  .describe('network card: a network of the cluster, bridge=NAME or user=true; may be repeated');

/** @throws PvcError VM_DEVICE_INPUT, VM_NIC_GUARD */
const cardsOf = (asked: z.output<typeof nics>): NetworkTemplate['nics'] =>
  asked.map((one) => {
    const source = nicSourceOf(one);
    return templateNic.parse({ source, ...given({ model: one.model }), ...guardAsAsked(source, {}, one) });
  });

const row = networkTemplateSpec;

async function known(view: View, name: string) {
  return view.need(networkTemplate, name);
}

export const networkTemplateOperations = [
  defineMutation({
    name: 'network-template.add',
    summary: 'Make a network template: the network cards of a guest',
    description: 'Each guest gets MAC addresses of its own that no other guest has.',
    http: { method: 'POST', path: '/provisioner/network-templates/{template}' },
    cli: {
      command: 'provisioner template network add',
      arguments: [{ field: 'template' }],
      options: { nic: nicOption },
      examples: [
        'pvc provisioner template network add office --nic office',
        'pvc provisioner template network add two --nic office,antiSpoof,limitIn=100mbit --nic bridge=br0',
      ],
    },
    role: 'operator',
    input: z.strictObject({ template, description: description.default(''), nic: nics.default([]) }),
    output: row,
    async plan(plan, { view }, { template: name, description: text, nic: asked }) {
      refuseTwice('network-template', name, await view.get(networkTemplate, name));
      const spec = { name, description: text, nics: cardsOf(asked) };
      plan.create(networkTemplate, name, spec);
      plan.act(`${name}: ${spec.nics.length} network cards`);
      return spec;
    },
  }),
  defineMutation({
    name: 'network-template.modify',
    summary: 'Change a network template; guests that were made from it stay as they are',
    http: { method: 'PATCH', path: '/provisioner/network-templates/{template}' },
    cli: {
      command: 'provisioner template network modify',
      arguments: [templateArgument],
      options: { nic: nicOption },
      examples: ['pvc provisioner template network modify office --nic office --nic backup'],
    },
    role: 'operator',
    input: z.strictObject({
      template,
      description: description.optional(),
      nic: nics.optional().describe('network cards, in the place of all that it has; may be repeated'),
    }),
    output: row,
    async plan(plan, { view }, { template: name, description: text, nic: asked }) {
      const doc = await known(view, name);
      const cards = asked === undefined ? undefined : cardsOf(asked);
      const spec = { ...doc.spec, ...given({ description: text, nics: cards }) };
      if (same(doc.spec, spec)) throw provisionError('PROVISION_UNCHANGED', { kind: 'network-template', name });
      plan.update(networkTemplate, doc, spec);
      plan.act(`${name}: ${spec.nics.length} network cards`);
      return spec;
    },
  }),
  defineMutation({
    name: 'network-template.remove',
    summary: 'Remove a network template that no profile has',
    http: { method: 'DELETE', path: '/provisioner/network-templates/{template}' },
    cli: { command: 'provisioner template network remove', aliases: ['rm'], arguments: [templateArgument] },
    role: 'operator',
    input: z.strictObject({ template }),
    output: row,
    async plan(plan, { view }, { template: name }) {
      const doc = await known(view, name);
      plan.remove(networkTemplate, doc);
      plan.act(`remove the network template ${name}`);
      return doc.spec;
    },
  }),
  defineQuery({
    name: 'network-template.list',
    summary: 'List network templates',
    http: { method: 'GET', path: '/provisioner/network-templates' },
    cli: { command: 'provisioner template network list' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(row),
    run: async ({ view }) => (await view.list(networkTemplate)).map(({ spec }) => spec),
  }),
  defineQuery({
    name: 'network-template.info',
    summary: 'Show a network template and the profiles that have it',
    http: { method: 'GET', path: '/provisioner/network-templates/{template}' },
    cli: { command: 'provisioner template network info', arguments: [templateArgument] },
    role: 'viewer',
    input: z.strictObject({ template }),
    output: row.extend({ usedBy }),
    async run({ view }, { template: name }) {
      const { spec } = await known(view, name);
      return { ...spec, usedBy: await usersOf(view, 'network-template', name) };
    },
  }),
];
