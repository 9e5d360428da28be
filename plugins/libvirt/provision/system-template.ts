/** A system template: the machine that a guest is, without its disks and cards. @module */
import {
  defineKind,
  defineMutation,
  defineQuery,
  names,
  node as nodeKind,
  type PlanBuilder,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { given } from '../given.ts';
import { metaOptions, metaShape } from '../operations/meta-input.ts';
import { word } from '../schema.ts';
import { description, refuseTwice, same, usedBy, usersOf } from './named.ts';
import { provisionError } from './provision-errors.ts';

const machine = {
  cpu: word.optional().describe('CPU mode or model (host-model)'),
  machine: word.optional().describe('machine type (q35)'),
  firmware: z.enum(['bios', 'uefi']).optional().describe('firmware (bios)'),
  graphics: z.enum(['vnc', 'none']).optional().describe('display (vnc); a serial console is always there'),
  guestAgent: z.boolean().optional().describe('channel for the QEMU guest agent (on)'),
  watchdog: z.boolean().optional().describe('watchdog card that resets a hung guest (off)'),
  accelerator: z.enum(['auto', 'kvm', 'tcg']).optional().describe('auto: KVM where it works'),
};
const vcpus = z.int().min(1).max(512);
const memoryMiB = z
  .int()
  .min(16)
  .max(16 * 1024 * 1024);

export const systemTemplateSpec = z.strictObject({
  name: names.objectName,
  description,
  vcpus,
  memoryMiB,
  ...machine,
  meta: z.strictObject(metaShape),
});
export type SystemTemplate = z.infer<typeof systemTemplateSpec>;

export const systemTemplate = defineKind<SystemTemplate, null>({
  name: 'system-template',
  plural: 'system-templates',
  version: 1,
  id: names.objectName,
  spec: systemTemplateSpec,
  status: z.null(),
  unique: ({ name }) => ({ name: [name] }),
  command: 'provisioner template system',
});

const size = {
  vcpus: vcpus.describe('number of virtual CPUs'),
  memory: memoryMiB.describe('memory, in MiB unless a unit is given').meta({ unit: 'MiB' }),
};
const template = names.objectName.describe('name of the template');
const templateArgument = { field: 'template', complete: 'system-template' } as const;
const row = systemTemplateSpec.omit({ meta: true }).extend(metaShape);
const rowOf = ({ meta, ...rest }: SystemTemplate): z.input<typeof row> => ({ ...rest, ...meta });

type Asked = { readonly [K in keyof typeof machine | keyof typeof metaShape]?: unknown };
const partOf = <T extends object>(shape: T, asked: Asked): { [K in keyof T]?: unknown } =>
  given(Object.fromEntries(Object.entries(asked).filter(([field]) => field in shape)) as { [K in keyof T]?: unknown });

/** @throws PvcError OBJECT_NOT_FOUND of a node */
async function accept(plan: PlanBuilder, view: View, spec: SystemTemplate): Promise<void> {
  for (const one of spec.meta.limit ?? []) await view.need(nodeKind, one);
  plan.act(`${spec.name}: ${spec.vcpus} vCPU, ${spec.memoryMiB} MiB`);
}

export const systemTemplateOperations = [
  defineMutation({
    name: 'system-template.add',
    summary: 'Make a system template: vCPUs, memory, console, where the guests may run',
    http: { method: 'POST', path: '/provisioner/system-templates/{template}' },
    cli: {
      command: 'provisioner template system add',
      arguments: [{ field: 'template' }],
      options: metaOptions,
      examples: ['pvc provisioner template system add small --vcpus 2 --memory 2G --graphics none'],
    },
    role: 'operator',
    input: z.strictObject({
      template,
      description: description.default(''),
      vcpus: size.vcpus.default(1),
      memory: size.memory.default(1024),
      ...machine,
      ...metaShape,
    }),
    output: row,
    async plan(plan, { view }, { template: name, description: text, vcpus: cpus, memory, ...asked }) {
      refuseTwice('system-template', name, await view.get(systemTemplate, name));
      const spec = systemTemplateSpec.parse({
        ...{ name, description: text, vcpus: cpus, memoryMiB: memory },
        ...partOf(machine, asked),
        meta: partOf(metaShape, asked),
      });
      plan.create(systemTemplate, name, spec);
      await accept(plan, view, spec);
      return rowOf(spec);
    },
  }),
  defineMutation({
    name: 'system-template.modify',
    summary: 'Change a system template; guests that were made from it stay as they are',
    http: { method: 'PATCH', path: '/provisioner/system-templates/{template}' },
    cli: {
      command: 'provisioner template system modify',
      arguments: [templateArgument],
      options: metaOptions,
      examples: ['pvc provisioner template system modify small --memory 4G'],
    },
    role: 'operator',
    input: z.strictObject({
      template,
      description: description.optional(),
      vcpus: size.vcpus.optional(),
      memory: size.memory.optional(),
      ...machine,
      ...metaShape,
    }),
    output: row,
    async plan(plan, { view }, { template: name, description: text, vcpus: cpus, memory, ...asked }) {
      const doc = await view.need(systemTemplate, name);
      const spec = systemTemplateSpec.parse({
        ...doc.spec,
        ...given({ description: text, vcpus: cpus, memoryMiB: memory }),
        ...partOf(machine, asked),
        meta: { ...doc.spec.meta, ...partOf(metaShape, asked) },
      });
      if (same(systemTemplateSpec.parse(doc.spec), spec))
        throw provisionError('PROVISION_UNCHANGED', { kind: 'system-template', name });
      plan.update(systemTemplate, doc, spec);
      await accept(plan, view, spec);
      return rowOf(spec);
    },
  }),
  defineMutation({
    name: 'system-template.remove',
    summary: 'Remove a system template that no profile has',
    http: { method: 'DELETE', path: '/provisioner/system-templates/{template}' },
    cli: { command: 'provisioner template system remove', aliases: ['rm'], arguments: [templateArgument] },
    role: 'operator',
    input: z.strictObject({ template }),
    output: row,
    async plan(plan, { view }, { template: name }) {
      const doc = await view.need(systemTemplate, name);
      plan.remove(systemTemplate, doc);
      plan.act(`remove the system template ${name}`);
      return rowOf(doc.spec);
    },
  }),
  defineQuery({
    name: 'system-template.list',
    summary: 'List system templates',
    http: { method: 'GET', path: '/provisioner/system-templates' },
    cli: { command: 'provisioner template system list' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(row),
    run: async ({ view }) => (await view.list(systemTemplate)).map(({ spec }) => rowOf(spec)),
  }),
  defineQuery({
    name: 'system-template.info',
    summary: 'Show a system template and the profiles that have it',
    http: { method: 'GET', path: '/provisioner/system-templates/{template}' },
    cli: { command: 'provisioner template system info', arguments: [templateArgument] },
    role: 'viewer',
    input: z.strictObject({ template }),
    output: row.extend({ usedBy }),
    async run({ view }, { template: name }) {
      const { spec } = await view.need(systemTemplate, name);
      return { ...rowOf(spec), usedBy: await usersOf(view, 'system-template', name) };
    },
  }),
];
