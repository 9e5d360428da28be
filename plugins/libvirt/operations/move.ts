/** Moving guests: for a time, back home, for good. @module */
import { defineMutation, names, z } from '../../../core/plugin/api.ts';
import { vmError } from '../vm-kind.ts';
import { needVm, vmArgument, vmRef } from './common.ts';
import { moveAnswer, planMove } from './plan-move.ts';

const how = {
  method: z
    .enum(['auto', 'live', 'shutdown'])
    .optional()
    .describe('while it runs, by a shutdown and a start, or live if possible; as the guest says unless given'),
  maxDowntimeMs: z.int().min(1).max(60_000).optional().describe('longest pause at the end of a live move, in ms'),
  autoConverge: z.boolean().default(true).describe('slow the guest down when it writes faster than the link carries'),
  bandwidthMiBs: z.int().min(1).max(100_000).optional().describe('most that the move may take of the link, in MiB/s'),
  timeoutS: z.int().min(5).max(86_400).default(600).describe('give up after so many seconds; the guest stays'),
};
const target = names.nodeName.optional().describe('node to move it to; chosen by its selector unless given');

const options = {
  node: { complete: 'node', short: 't' },
  method: { complete: ['auto', 'live', 'shutdown'] },
  maxDowntimeMs: { value: 'MS' },
  bandwidthMiBs: { flag: 'bandwidth', value: 'MIB/S' },
  timeoutS: { flag: 'timeout', value: 'SECONDS' },
} as const;

export const moveOperations = [
  defineMutation({
    name: 'vm.migrate',
    summary: 'Move a guest to another node for a time; its home stays what it is',
    description:
      'It moves while it runs unless it cannot, or is to be shut down and started again. `vm unmigrate` brings it home.',
    http: { method: 'POST', path: '/vms/{vm}/migrate' },
    cli: {
      command: 'vm migrate',
      arguments: [vmArgument],
      options,
      waits: true,
      examples: ['pvc vm migrate web1', 'pvc vm migrate web1 --node hv2 --method live --max-downtime-ms 100'],
    },
    role: 'operator',
    input: z.strictObject({ vm: vmRef, node: target, ...how }),
    output: moveAnswer,
    plan: async (plan, context, input) =>
      planMove(plan, context, await needVm(context.view, input.vm), { ...input, forGood: false }),
  }),
  defineMutation({
    name: 'vm.unmigrate',
    summary: 'Bring a guest back to its home',
    http: { method: 'POST', path: '/vms/{vm}/unmigrate' },
    cli: { command: 'vm unmigrate', arguments: [vmArgument], options, waits: true },
    role: 'operator',
    input: z.strictObject({ vm: vmRef, ...how }),
    output: moveAnswer,
    async plan(plan, context, input) {
      const doc = await needVm(context.view, input.vm);
      if (doc.spec.home === undefined)
        throw vmError('VM_CANNOT_MOVE', { vm: doc.spec.name }, { details: ['it is at home'] });
      return planMove(plan, context, doc, { ...input, node: doc.spec.home, forGood: false });
    },
  }),
  defineMutation({
    name: 'vm.move',
    summary: 'Move a guest to another node for good',
    http: { method: 'POST', path: '/vms/{vm}/move' },
    cli: {
      command: 'vm move',
      arguments: [vmArgument],
      options,
      waits: true,
      examples: ['pvc vm move web1 --node hv3'],
    },
    role: 'operator',
    input: z.strictObject({ vm: vmRef, node: target, ...how }),
    output: moveAnswer,
    plan: async (plan, context, input) =>
      planMove(plan, context, await needVm(context.view, input.vm), { ...input, forGood: true }),
  }),
];
