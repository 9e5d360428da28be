/** Describes the BMC of a node, shows it, forgets it. @module */
import { z } from 'zod';
import { bmcSecret, bmcSpec } from '../../model/bmc-kind.ts';
import { nodeName } from '../../model/names.ts';
import { node as nodeKind } from '../../model/node-kind.ts';
import type { CliRun } from '../../operation/cli-spec.ts';
import { defineMutation, defineQuery } from '../../operation/operation.ts';
import { bmcError, type PowerDriver } from '../../plugin/power.ts';
import { knownDrivers } from './bmc-power.ts';
import { renderBmc } from './bmc-render.ts';

const node = nodeName.describe('name of the node');
const argument = { field: 'node', complete: 'node' } as const;
const { shape } = bmcSpec;

/** The BMC without its password, which nobody is shown. */
const described = bmcSpec.extend({ node: z.string() });
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
      options: { password: { flag: 'password-file', from: 'file', value: 'FILE' } },
      run: setAndTry,
      examples: [
        'pvc node bmc set hv3 --address 10.10.3.13 --user pvc',
        'pvc node bmc set hv3 --address hv3-bmc.example.org --user pvc --password-file /root/bmc --cipher-suite 3',
      ],
    },
    role: 'admin',
    secrets: ['password'],
    input: z.strictObject({
      node,
      driver: shape.driver.default('ipmi').describe('protocol that it speaks; see `pvc plugin list`'),
      address: shape.address.describe('IP address or name of the BMC'),
      port: shape.port.describe('port; that of the protocol unless given'),
      user: shape.user.describe('user that may switch the power'),
      password: z
        .string()
        .regex(/^[\u0020-\u007e]{1,128}\r?\n?$/, 'a password is one line of 1 to 128 printable ASCII characters')
        .describe('its password: a file with one line, or `-` for standard input'),
      cipherSuite: shape.cipherSuite.default(17).describe('IPMI: what protects the session; older BMCs have only 3'),
      privilege: shape.privilege.default('OPERATOR').describe('IPMI: what the session asks for'),
    }),
    output: z.object({ node: z.string() }),
    async plan(plan, { view }, { node: name, password, ...bmc }) {
      const doc = await view.need(nodeKind, name);
      if (!drivers().some((driver) => driver.name === bmc.driver))
        throw bmcError('BMC_DRIVER_UNKNOWN', { node: name, driver: bmc.driver, known: knownDrivers(drivers()) });
      const secret = { password: password.replace(/\r?\n$/, '') };
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
      return { node: name, ...bmc };
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
      const { bmc, ...rest } = doc.spec;
      if (bmc === undefined) throw bmcError('BMC_NONE', { node: name });
      const secret = await view.get(bmcSecret, name);
      if (secret !== undefined) plan.remove(bmcSecret, secret);
      plan.update(nodeKind, doc, rest);
      plan.act(`forget the BMC of ${name} at ${bmc.address}, and its password`);
      return { node: name };
    },
  }),
];
