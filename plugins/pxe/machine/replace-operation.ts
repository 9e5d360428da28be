/** A node whose machine is broken gets another one. @module */
import {
  defineErrors,
  defineMutation,
  forgetBmc,
  names,
  node,
  whyOldMachineCounts,
  z,
} from '../../../core/plugin/api.ts';
import { type MachineSpec, machine, pxeError } from './machine-kind.ts';
import { checkMachine, forgetSecret } from './machine-rules.ts';
import { stateOf } from './machine-state.ts';

const replaceError = defineErrors({
  NODE_NOT_REPLACED: {
    message: 'The node {node} cannot be given another machine: {reason}.',
    hint: 'Stop it (`pvc node power off {node}`), or have it fenced, or make sure that it is off and say so: `pvc node fence {node} --is-off`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  COORDINATOR_NOT_REPLACED: {
    message:
      'The node {node} is a coordinator: its part of the cluster’s state is on its disk, and does not come from the network.',
    hint: 'Remove it and let another machine join in its place (docs/cluster.md). Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
});

export const replaceOperations = [
  defineMutation({
    name: 'machine.replace',
    summary: 'Give a node another machine, which boots from the network in its place',
    description:
      'For a hypervisor whose machine is broken: the new one gets its name, its address and all that belongs to it, when it next boots from the network. Refused while the old machine may still run what belongs to the node. When that one boots from the network again it is a discovered machine, and is told to do nothing. The BMC of the old machine is forgotten: the node has that of the new one, where one is described.',
    http: { method: 'POST', path: '/nodes/{node}/replace' },
    cli: {
      command: 'node replace',
      arguments: [
        { field: 'node', complete: 'node' },
        { field: 'mac', complete: 'machine' },
      ],
      options: { uuid: { value: 'UUID' } },
      confirm: 'Give the node {node} the machine {mac}?',
      nameField: 'node',
      examples: ['pvc node replace hv4 3c:ec:ef:12:34:99'],
    },
    role: 'admin',
    input: z.strictObject({
      node: names.nodeName.describe('name of the node'),
      mac: names.macAddress.describe('MAC address of the card that the new machine boots from'),
      uuid: names.uuid
        .optional()
        .describe('UUID of the new machine’s firmware: another with its MAC address is refused then'),
    }),
    output: z.object({
      node: z.string(),
      mac: z.string().describe('MAC address of the new machine'),
      address: z.string().describe('its address in the cluster network, that of the node'),
      before: z.string().nullable().describe('MAC address of the old machine; null: it did not boot from the network'),
    }),
    async plan(plan, { view }, { node: name, mac, uuid }) {
      const doc = await view.need(node, name);
      const { spec: is } = doc;
      if (is.role === 'coordinator') throw replaceError('COORDINATOR_NOT_REPLACED', { node: name });
      const old = await view.find(machine, 'name', name);
      if (old?.id === mac)
        throw replaceError('NODE_NOT_REPLACED', { node: name, reason: `${mac} is its machine already` });
      const known = await view.get(machine, mac);
      if (known !== undefined && known.spec.name !== null)
        throw pxeError('MACHINE_KNOWN', { field: 'MAC address', value: `${mac} (${known.spec.name})`, mac });
      if (known !== undefined && stateOf(known) !== 'discovered' && stateOf(known) !== 'failed')
        throw pxeError('MACHINE_BUSY', { mac, state: stateOf(known), what: 'it becomes another node' });
      const address = old?.spec.address ?? is.address;
      if (address === undefined || address === null)
        throw replaceError('NODE_NOT_REPLACED', { node: name, reason: 'its address is not known' });
      const reason = await whyOldMachineCounts(view, name);
      if (reason !== undefined) throw replaceError('NODE_NOT_REPLACED', { node: name, reason });

      if (old !== undefined) {
        await forgetSecret(plan, view, old.id);
        plan.remove(machine, old);
        plan.act(`forget the machine ${old.id}: when it boots from the network, it is discovered anew`);
      }
      // It reads off for ever: taken as the new one's it would prove that the node's guests run no more.
      await forgetBmc(plan, view, doc);
      const spec: MachineSpec = {
        ...{ uuid: uuid ?? known?.spec.uuid ?? null, name, address },
        attempt: (known?.spec.attempt ?? 0) + 1,
        ...(known?.spec.bmc === undefined ? {} : { bmc: known.spec.bmc }),
      };
      // Name and address are those of the node itself: what else has them is refused.
      await checkMachine(view, mac, { ...spec, name: null, address: null });
      if (known === undefined) plan.create(machine, mac, spec);
      else plan.update(machine, known, spec);
      plan.act(`let the machine ${mac} join as ${name}, at ${address}, when it boots from the network`);
      return { node: name, mac, address, before: old?.id ?? null };
    },
  }),
];
