/** Userdata: a document for cloud-init, which a guest gets as it is. @module */
import { defineKind, defineMutation, defineQuery, names, z } from '../../../core/plugin/api.ts';
import { given } from '../given.ts';
import { description, refuseTwice, same, usedBy, usersOf } from './named.ts';
import { provisionError } from './provision-errors.ts';
import { readUserdata } from './userdata-check.ts';

/** What a value of the store can hold, with room for the rest. */
const maxBytes = 256 * 1024;

const userdataSpec = z.strictObject({
  name: names.objectName,
  description,
  form: z.enum(['cloud-config', 'script']),
  document: z.string().max(maxBytes),
});
export type Userdata = z.infer<typeof userdataSpec>;

export const userdata = defineKind<Userdata, null>({
  name: 'userdata',
  plural: 'userdata',
  version: 1,
  id: names.objectName,
  spec: userdataSpec,
  status: z.null(),
  unique: ({ name }) => ({ name: [name] }),
  command: 'provisioner userdata',
});

const name = names.objectName.describe('name of the userdata');
const userdataArgument = { field: 'userdata', complete: 'userdata' } as const;
const fileArgument = { field: 'document', from: 'file', value: 'FILE', complete: 'file' } as const;
const document = z
  .string()
  .min(1)
  .max(maxBytes)
  .describe('the document: `#cloud-config` and YAML, or a script; - is standard input');

const row = userdataSpec.omit({ document: true }).extend({ bytes: z.int() });
const rowOf = ({ document: text, ...rest }: Userdata): z.input<typeof row> => ({
  ...rest,
  bytes: Buffer.byteLength(text),
});

/** @throws PvcError USERDATA_UNFIT */
function formOf(of: string, text: string): Userdata['form'] {
  const read = readUserdata(text);
  if ('problem' in read) throw provisionError('USERDATA_UNFIT', { name: of, reason: read.problem });
  return read.form;
}

export const userdataOperations = [
  defineMutation({
    name: 'userdata.add',
    summary: 'Keep a document for cloud-init in new guests',
    http: { method: 'POST', path: '/provisioner/userdata/{userdata}' },
    cli: {
      command: 'provisioner userdata add',
      arguments: [{ field: 'userdata' }, fileArgument],
      examples: ['pvc provisioner userdata add web web.yaml'],
    },
    role: 'operator',
    // It may hold passwords.
    secrets: ['document'],
    input: z.strictObject({ userdata: name, document, description: description.default('') }),
    output: row,
    async plan(plan, { view }, { userdata: of, document: text, description: words }) {
      refuseTwice('userdata', of, await view.get(userdata, of));
      const spec = { name: of, description: words, form: formOf(of, text), document: text };
      plan.create(userdata, of, spec);
      plan.act(`keep the ${spec.form} ${of}`);
      return rowOf(spec);
    },
  }),
  defineMutation({
    name: 'userdata.modify',
    summary: 'Change userdata; guests that were made with it stay as they are',
    http: { method: 'PATCH', path: '/provisioner/userdata/{userdata}' },
    cli: {
      command: 'provisioner userdata modify',
      arguments: [userdataArgument],
      options: { document: { ...fileArgument, flag: 'file' } },
      examples: ['pvc provisioner userdata modify web --file web.yaml'],
    },
    role: 'operator',
    secrets: ['document'],
    input: z.strictObject({ userdata: name, document: document.optional(), description: description.optional() }),
    output: row,
    async plan(plan, { view }, { userdata: of, document: text, description: words }) {
      const doc = await view.need(userdata, of);
      const form = text === undefined ? undefined : formOf(of, text);
      const spec = { ...doc.spec, ...given({ description: words, document: text, form }) };
      if (same(doc.spec, spec)) throw provisionError('PROVISION_UNCHANGED', { kind: 'userdata', name: of });
      plan.update(userdata, doc, spec);
      plan.act(`change the userdata ${of}`);
      return rowOf(spec);
    },
  }),
  defineMutation({
    name: 'userdata.remove',
    summary: 'Remove userdata that no profile has',
    http: { method: 'DELETE', path: '/provisioner/userdata/{userdata}' },
    cli: { command: 'provisioner userdata remove', aliases: ['rm'], arguments: [userdataArgument] },
    role: 'operator',
    input: z.strictObject({ userdata: name }),
    output: row,
    async plan(plan, { view }, { userdata: of }) {
      const doc = await view.need(userdata, of);
      plan.remove(userdata, doc);
      plan.act(`remove the userdata ${of}`);
      return rowOf(doc.spec);
    },
  }),
  defineQuery({
    name: 'userdata.list',
    summary: 'List userdata',
    http: { method: 'GET', path: '/provisioner/userdata' },
    cli: { command: 'provisioner userdata list' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(row),
    run: async ({ view }) => (await view.list(userdata)).map(({ spec }) => rowOf(spec)),
  }),
  defineQuery({
    name: 'userdata.info',
    summary: 'Show userdata with its document, and the profiles that have it',
    http: { method: 'GET', path: '/provisioner/userdata/{userdata}' },
    cli: { command: 'provisioner userdata info', aliases: ['show'], arguments: [userdataArgument] },
    // Not for viewers: it may hold passwords.
    role: 'operator',
    input: z.strictObject({ userdata: name }),
    output: row.extend({ document: z.string(), usedBy }),
    async run({ view }, { userdata: of }) {
      const { spec } = await view.need(userdata, of);
      return { ...rowOf(spec), document: spec.document, usedBy: await usersOf(view, 'userdata', of) };
    },
  }),
];
