/** The network that servers boot from: set it up, look at it, give it up. @module */
import { isDeepStrictEqual } from 'node:util';
import { defineMutation, defineQuery, fields, names, type RenderContext, z } from '../../../core/plugin/api.ts';
import { takenIn } from '../machine/machine-rules.ts';
import {
  networkId,
  type ProvisioningSpec,
  provisioning,
  provisioningError,
  provisioningSpec,
  usualPort,
} from './network-kind.ts';
import { networkProblem } from './network-rules.ts';
import { rangeText } from './range-text.ts';

const answer = z.object({
  device: z.string(),
  address: z.string().describe('that of the primary, with the length of the network'),
  range: provisioningSpec.shape.range.describe('what machines are given; null: another server gives addresses'),
  port: z.int().describe('on which boot files are given out by HTTP'),
});
type Answer = z.output<typeof answer>;

const render = ({ device, address, range, port }: Answer, context: RenderContext): string =>
  fields(
    [
      ['Device', device],
      ['Address of the primary', address],
      ['Addresses for machines', range === null ? 'from another server (proxy DHCP)' : `${range.from}-${range.to}`],
      ['Port', port],
    ],
    context,
  );

const rangeInput = rangeText(/^[0-9.]{7,15}-[0-9.]{7,15}$/, '10.9.0.100-10.9.0.199', z.ipv4());

export const networkOperations = [
  defineMutation({
    name: 'provisioning.set',
    summary: 'Let servers boot from a network',
    description:
      'The primary answers there: DHCP, TFTP and HTTP for machines that boot. With --range it gives out addresses, and nobody else may do so in that network. Without, it leaves that to the server that is there, and only adds what to boot (proxy DHCP).',
    http: { method: 'PUT', path: '/provisioner/network' },
    cli: {
      command: 'provisioner network set',
      options: {
        device: { value: 'DEVICE' },
        address: { value: 'ADDRESS/LENGTH' },
        range: { value: 'FROM-TO' },
        port: { value: 'PORT' },
      },
      nameField: 'device',
      examples: [
        'pvc provisioner network set --device eno2 --address 10.9.0.1/24 --range 10.9.0.100-10.9.0.199',
        'pvc provisioner network set --device eno2 --address 192.168.7.5/24',
      ],
    },
    role: 'admin',
    input: z.strictObject({
      device: names.linkName.describe('network device, which has the same name on every coordinator'),
      address: z.cidrv4().describe('free address in that network for the primary, with its length'),
      range: rangeInput.optional().describe('addresses that machines are given; another server gives them unless said'),
      port: provisioningSpec.shape.port.default(usualPort).describe('port on which boot files are given out by HTTP'),
    }),
    output: answer,
    async plan(plan, { view }, { device, address, range, port }) {
      const spec: ProvisioningSpec = { device, address, range: range ?? null, port };
      const problem = networkProblem(spec, await takenIn(view));
      if (problem !== undefined) throw provisioningError('PROVISIONING_INVALID', { reason: problem });
      const before = await view.get(provisioning, networkId);
      if (before === undefined) plan.create(provisioning, networkId, spec);
      else if (isDeepStrictEqual(before.spec, spec)) throw provisioningError('PROVISIONING_UNCHANGED', {});
      else plan.update(provisioning, before, spec);
      plan.act(`answer machines that boot from the network on ${device} of the primary`);
      return spec;
    },
  }),
  defineMutation({
    name: 'provisioning.remove',
    summary: 'Let servers boot from the network no more',
    description: 'Nodes that have come from it run on, and do not come back after their next boot.',
    http: { method: 'DELETE', path: '/provisioner/network' },
    cli: {
      command: 'provisioner network remove',
      aliases: ['rm'],
      confirm: 'Answer machines that boot from the network no more?',
      nameField: 'device',
    },
    role: 'admin',
    input: z.strictObject({}),
    output: answer,
    async plan(plan, { view }) {
      const before = await view.get(provisioning, networkId);
      if (before === undefined) throw provisioningError('PROVISIONING_NONE', {});
      plan.remove(provisioning, before);
      plan.act('answer machines that boot from the network no more');
      return before.spec;
    },
  }),
  defineQuery({
    name: 'provisioning.info',
    summary: 'Show the network that servers boot from',
    http: { method: 'GET', path: '/provisioner/network' },
    cli: { command: 'provisioner network info', render, nameField: 'device' },
    role: 'viewer',
    input: z.strictObject({}),
    output: answer,
    async run({ view }): Promise<Answer> {
      const found = await view.get(provisioning, networkId);
      if (found === undefined) throw provisioningError('PROVISIONING_NONE', {});
      return found.spec;
    },
  }),
];
