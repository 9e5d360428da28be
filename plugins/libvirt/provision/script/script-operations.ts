/** Build scripts, as an administrator keeps them. @module */
import { defineMutation, defineQuery, formatDuration, names, z } from '../../../../core/plugin/api.ts';
import { given } from '../../given.ts';
import { description, refuseTwice, same, usedBy, usersOf } from '../named.ts';
import { provisionError } from '../provision-errors.ts';
import { argumentName } from './arguments.ts';
import { type Script, script, scriptProblem, scriptSpec, scriptText, scriptTimeoutS } from './script-kind.ts';

const usualTimeoutS = 1800;

const name = names.objectName.describe('name of the script');
const scriptArgument = { field: 'script', complete: 'build-script' } as const;
const fileArgument = { field: 'text', from: 'file', value: 'FILE', complete: 'file' } as const;
const fields = {
  text: scriptText.describe('the script; its first line names its interpreter (#!/bin/sh)'),
  network: z.boolean().describe('it may reach whatever its node reaches; without, it has no network at all'),
  timeout: scriptTimeoutS.meta({ unit: 's' }).describe('how long it may take, at most 6 hours'),
  needs: z.array(argumentName).max(32).describe('name of an argument that must be given; may be repeated'),
};

const row = scriptSpec.omit({ text: true }).extend({ bytes: z.int() });
const rowOf = ({ text, ...rest }: Script): z.input<typeof row> => ({ ...rest, bytes: Buffer.byteLength(text) });

/** @throws PvcError SCRIPT_UNFIT */
function needFit(of: string, text: string): void {
  const reason = scriptProblem(text);
  if (reason !== undefined) throw provisionError('SCRIPT_UNFIT', { name: of, reason });
}

const told = ({ name: of, network, timeoutS }: Script): string =>
  `the build script ${of}, ${network ? 'with' : 'without'} network, for ${formatDuration(timeoutS * 1000)} at most`;

export const scriptOperations = [
  defineMutation({
    name: 'build-script.add',
    summary: 'Keep a script that fills the disks of new guests',
    description:
      'It runs as root on the node that makes the guest, confined: it sees the programs of the node, the disks of the guest, and nothing else. What it is told and what is expected of it is in docs/provisioning.md.',
    http: { method: 'POST', path: '/provisioner/scripts/{script}' },
    cli: {
      command: 'provisioner script add',
      arguments: [{ field: 'script' }, fileArgument],
      options: { needs: { value: 'NAME' } },
      examples: ['pvc provisioner script add debian debootstrap-guest.sh --network --needs suite'],
    },
    // It runs as root on a node.
    role: 'admin',
    // It may hold passwords.
    secrets: ['text'],
    input: z.strictObject({
      script: name,
      text: fields.text,
      description: description.default(''),
      network: fields.network.default(false),
      timeout: fields.timeout.default(usualTimeoutS),
      needs: fields.needs.default([]),
    }),
    output: row,
    async plan(plan, { view }, { script: of, text, description: words, network, timeout, needs }) {
      refuseTwice('build-script', of, await view.get(script, of));
      needFit(of, text);
      const spec = { name: of, description: words, text, network, timeoutS: timeout, needs };
      plan.create(script, of, spec);
      plan.act(`keep ${told(spec)}`);
      return rowOf(spec);
    },
  }),
  defineMutation({
    name: 'build-script.modify',
    summary: 'Change a build script; guests that were made with it stay as they are',
    http: { method: 'PATCH', path: '/provisioner/scripts/{script}' },
    cli: {
      command: 'provisioner script modify',
      arguments: [scriptArgument],
      options: { text: { ...fileArgument, flag: 'file' }, needs: { value: 'NAME' } },
      examples: [
        'pvc provisioner script modify debian --file debootstrap-guest.sh',
        'pvc provisioner script modify debian --timeout 1h',
      ],
    },
    role: 'admin',
    secrets: ['text'],
    input: z.strictObject({
      script: name,
      text: fields.text.optional(),
      description: description.optional(),
      network: fields.network.optional(),
      timeout: fields.timeout.optional(),
      needs: fields.needs.optional(),
    }),
    output: row,
    async plan(plan, { view }, { script: of, text, description: words, network, timeout, needs }) {
      const doc = await view.need(script, of);
      if (text !== undefined) needFit(of, text);
      const spec = { ...doc.spec, ...given({ text, description: words, network, timeoutS: timeout, needs }) };
      if (same(doc.spec, spec)) throw provisionError('PROVISION_UNCHANGED', { kind: 'build-script', name: of });
      plan.update(script, doc, spec);
      plan.act(`change ${told(spec)}`);
      return rowOf(spec);
    },
  }),
  defineMutation({
    name: 'build-script.remove',
    summary: 'Remove a build script that no profile has',
    http: { method: 'DELETE', path: '/provisioner/scripts/{script}' },
    cli: { command: 'provisioner script remove', aliases: ['rm'], arguments: [scriptArgument] },
    role: 'admin',
    input: z.strictObject({ script: name }),
    output: row,
    async plan(plan, { view }, { script: of }) {
      const doc = await view.need(script, of);
      plan.remove(script, doc);
      plan.act(`remove the build script ${of}`);
      return rowOf(doc.spec);
    },
  }),
  defineQuery({
    name: 'build-script.list',
    summary: 'List build scripts',
    http: { method: 'GET', path: '/provisioner/scripts' },
    cli: { command: 'provisioner script list' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(row),
    run: async ({ view }) => (await view.list(script)).map(({ spec }) => rowOf(spec)),
  }),
  defineQuery({
    name: 'build-script.info',
    summary: 'Show a build script with its text, and the profiles that have it',
    http: { method: 'GET', path: '/provisioner/scripts/{script}' },
    cli: { command: 'provisioner script info', aliases: ['show'], arguments: [scriptArgument] },
    // Not for viewers: it may hold passwords.
    role: 'operator',
    input: z.strictObject({ script: name }),
    output: row.extend({ text: z.string(), usedBy }),
    async run({ view }, { script: of }) {
      const { spec } = await view.need(script, of);
      return { ...rowOf(spec), text: spec.text, usedBy: await usersOf(view, 'build-script', of) };
    },
  }),
];
