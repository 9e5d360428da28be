/** Describes the BMC of a node, shows it, forgets it. @module */
import { z } from 'zod';
import { bmcSecret } from '../../model/bmc-kind.ts';
import { nodeName } from '../../model/names.ts';
import { node as nodeKind } from '../../model/node-kind.ts';
import type { CliRun } from '../../operation/cli-spec.ts';
import { defineMutation, defineQuery } from '../../operation/operation.ts';
import {
  bmcFields,
  bmcFrom,
  bmcPasswordOption,
  forgetBmc,
  overlaps,
  shownBmc,
  shownOf,
} from '../../plugin/bmc-input.ts';
import { bmcError, type PowerDriver } from '../../plugin/power.ts';
import { renderBmc } from './bmc-render.ts';

const node = nodeName.describe('name of the node');
const argument = { field: 'node', complete: 'node' } as const;
const described = shownBmc.extend({ node: z.string() });
export type DescribedBmc = z.output<typeof described>;

/** Asks for the password where none was given, stores, and reads the power, so that a mistake shows at once. */
async function setAndTry(context: CliRun): Promise<number> {
  const { terminal } = context;
  const asked =
    context.input['password'] === undefined && terminal.interactive
      ? { password: (await terminal.ask('Password of the BMC: ', { hidden: true })) ?? '' }
      : {};
  const code = await context.perform({ ...context.input, ...asked });
  return code !== 0 || context.plan || context.format !== 'pretty'
    ? code
    : context.perform({ node: context.input['node'] }, 'node.power-status');
}

export const bmcOperations = (drivers: () => readonly PowerDriver[]) => [
  defineMutation({
    name: 'node.bmc-set',
    summary: 'Describe the BMC of a node, by which its power is switched',
    description:
      'Replaces what was described before. The password is kept in the state of the cluster and shown to nobody; it is typed when no file is given. The power is then read once, so that a mistake shows at once, and every hour by the primary from then on.',
    http: { method: 'PUT', path: '/nodes/{node}/bmc' },
    cli: {
      command: 'node bmc set',
      arguments: [argument],
      options: { password: bmcPasswordOption },
      run: setAndTry,
      examples: [
        'pvc node bmc set hv3 --address 10.10.3.13 --user pvc',
        'pvc node bmc set hv3 --address hv3-bmc.example.org --user pvc --password-file /root/bmc --cipher-suite 3',
        'pvc node bmc set hv3 --driver redfish --address 10.10.3.13 --user pvc --pin sha256//p2tvEODBUy3jh6OFGYHOAUBdHNFUfjsPWxH3Owr4JEU=',
      ],
    },
    role: 'admin',
    secrets: ['password'],
    input: z.strictObject({ node, ...bmcFields }),
    output: z.object({ node: z.string() }),
    async plan(plan, { view }, { node: name, ...told }) {
      const doc = await view.need(nodeKind, name);
      const { bmc, password } = bmcFrom(name, told, drivers());
      const other = (await view.list(nodeKind)).find(({ id, spec }) => id !== name && overlaps(spec.bmc, bmc));
      if (other !== undefined) throw bmcError('BMC_SHARED', { address: bmc.address, other: other.id });
      const secret = { password };
      const before = await view.get(bmcSecret, name);
      if (before === undefined) plan.create(bmcSecret, name, secret);
      else plan.update(bmcSecret, before, secret);
      plan.update(nodeKind, doc, { ...doc.spec, bmc });
      plan.act(`reach the BMC of ${name} at ${bmc.address} by ${bmc.driver} as ${bmc.user}`);
      return { node: name };
    },
  }),
  defineQuery({
    name: 'node.bmc-show',
    summary: 'Show how the BMC of a node is reached',
    http: { method: 'GET', path: '/nodes/{node}/bmc' },
    cli: { command: 'node bmc show', arguments: [argument], render: renderBmc, nameField: 'node' },
    role: 'viewer',
    input: z.strictObject({ node }),
    output: described,
    async run({ view }, { node: name }) {
      const { bmc } = (await view.need(nodeKind, name)).spec;
      if (bmc === undefined) throw bmcError('BMC_NONE', { node: name });
      return { node: name, ...shownOf(bmc, drivers()) };
    },
  }),
  defineMutation({
    name: 'node.bmc-remove',
    summary: 'Forget the BMC of a node, and its password',
    http: { method: 'DELETE', path: '/nodes/{node}/bmc' },
    cli: {
      command: 'node bmc remove',
      aliases: ['rm'],
      arguments: [argument],
      confirm: 'Forget the BMC of {node}? Its power can then neither be read nor switched.',
    },
    role: 'admin',
    input: z.strictObject({ node }),
    output: z.object({ node: z.string() }),
    async plan(plan, { view }, { node: name }) {
      const doc = await view.need(nodeKind, name);
      if (doc.spec.bmc === undefined) throw bmcError('BMC_NONE', { node: name });
      await forgetBmc(plan, view, doc);
      return { node: name };
    },
  }),
];
