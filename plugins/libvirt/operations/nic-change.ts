/** The network cards of a guest: put in, kept to limits, taken out. @module */
import { isDeepStrictEqual } from 'node:util';
import { defineMutation, modelError, names, z } from '../../../core/plugin/api.ts';
import { chooseMac } from '../domain/mac.ts';
import type { VmDoc } from '../guest-control.ts';
import { type Nic, type VmSpec, word } from '../schema.ts';
import { vmError } from '../vm-kind.ts';
import { answerOf, needVm, takenMacs, vmAnswer, vmArgument, vmRef } from './common.ts';
import { nicSourceOf } from './define.ts';
import { changedGuardInput, guardAsAsked, guardOptions, guardText, newGuardInput } from './nic-guard-input.ts';
import { change, expect, needVersion, restart, restartTask, whileRunning } from './spec-change.ts';

/** @throws PvcError VM_DEVICE_NOT_FOUND */
function needCard({ spec }: VmDoc, mac: string): Nic {
  const card = spec.nics.find((one) => one.mac === mac);
  if (card === undefined) throw vmError('VM_DEVICE_NOT_FOUND', { vm: spec.name, what: 'network card', device: mac });
  return card;
}

export const nicChangeOperations = [
  defineMutation({
    name: 'vm.nic-add',
    summary: 'Add a network card, at once where the guest can take it',
    http: { method: 'POST', path: '/vms/{vm}/nics' },
    cli: {
      command: 'vm nic add',
      arguments: [vmArgument, { field: 'bridge' }],
      options: { restart: { short: 'r' }, ...guardOptions },
      waits: true,
      examples: [
        'pvc vm nic add web1 br0',
        'pvc vm nic add web1 --network tenant1',
        'pvc vm nic add web1 --network tenant1 --limit-in 100mbit --limit-out 20mbit --anti-spoof',
      ],
    },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      bridge: names.linkName.optional().describe('bridge of the node'),
      network: names.objectName.optional().describe('network of the cluster'),
      mac: names.macAddress.optional().describe('MAC address (chosen)'),
      model: word.default('virtio').describe('kind of card'),
      ...newGuardInput,
      expect,
      restart,
    }),
    output: vmAnswer.extend({ mac: z.string() }),
    async plan(plan, context, input) {
      const doc = await needVm(context.view, input.vm);
      needVersion(doc, input.expect);
      const taken = await takenMacs(context);
      if (input.mac !== undefined && taken.has(input.mac))
        throw modelError('OBJECT_EXISTS', { kind: 'vm', field: 'MAC address', value: input.mac, owner: '' });
      const mac =
        input.mac ?? chooseMac({ randomBytes: (length) => context.bytes(length), taken: (one) => taken.has(one) });
      const source = nicSourceOf(input);
      const guard = guardAsAsked(source, {}, input);
      const spec: VmSpec = {
        ...doc.spec,
        nics: [...doc.spec.nics, { mac, model: input.model, source, ...guard, extra: '' }],
      };
      change(plan, doc, spec);
      plan.act(`add the network card ${mac} to ${doc.spec.name}${whileRunning(doc)}`);
      if (Object.keys(guard).length > 0) plan.act(`keep ${mac} to: ${guardText(guard)}`);
      restartTask(plan, doc, input.restart);
      return { ...answerOf({ ...doc, spec }), mac };
    },
  }),
  defineMutation({
    name: 'vm.nic-modify',
    summary: 'Limit what a network card carries, or keep it to its own addresses, at once',
    description:
      'For cards on a network of the cluster. What is not said stays as it is; --no-anti-spoof forgets the addresses as well.',
    http: { method: 'PATCH', path: '/vms/{vm}/nics/{mac}' },
    cli: {
      command: 'vm nic modify',
      arguments: [vmArgument, { field: 'mac' }],
      options: guardOptions,
      examples: [
        'pvc vm nic modify web1 52:54:00:12:34:56 --limit-in 100mbit --limit-out none',
        'pvc vm nic modify web1 52:54:00:12:34:56 --anti-spoof --address 10.20.0.10',
      ],
    },
    role: 'operator',
    input: z.strictObject({ vm: vmRef, mac: names.macAddress, ...changedGuardInput, expect }),
    output: vmAnswer,
    async plan(plan, { view }, input) {
      const doc = await needVm(view, input.vm);
      needVersion(doc, input.expect);
      const card = needCard(doc, input.mac);
      const { limits, antiSpoof, ...rest } = card;
      const guard = guardAsAsked(card.source, { limits, antiSpoof }, input);
      const changed: Nic = { ...rest, ...guard };
      if (isDeepStrictEqual(card, changed)) throw vmError('VM_UNCHANGED', { vm: doc.spec.name });
      const spec: VmSpec = { ...doc.spec, nics: doc.spec.nics.map((one) => (one === card ? changed : one)) };
      change(plan, doc, spec);
      plan.act(`keep ${input.mac} of ${doc.spec.name} to: ${guardText(guard)}${whileRunning(doc)}`);
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.nic-remove',
    summary: 'Take a network card out, at once where the guest can give it',
    http: { method: 'DELETE', path: '/vms/{vm}/nics/{mac}' },
    cli: {
      command: 'vm nic remove',
      arguments: [vmArgument, { field: 'mac' }],
      options: { restart: { short: 'r' } },
      waits: true,
    },
    role: 'operator',
    input: z.strictObject({ vm: vmRef, mac: names.macAddress, expect, restart }),
    output: vmAnswer,
    async plan(plan, { view }, input) {
      const doc = await needVm(view, input.vm);
      needVersion(doc, input.expect);
      needCard(doc, input.mac);
      const spec: VmSpec = { ...doc.spec, nics: doc.spec.nics.filter((nic) => nic.mac !== input.mac) };
      change(plan, doc, spec);
      plan.act(`take the network card ${input.mac} out of ${doc.spec.name}${whileRunning(doc)}`);
      restartTask(plan, doc, input.restart);
      return answerOf({ ...doc, spec });
    },
  }),
];
