/** Moving guests: for a time, back home, for good. @module */
import { defineMutation, names, node, type PlanBuilder, type PlanContext, z } from '../../../core/plugin/api.ts';
import { book, bookingsOf } from '../booking.ts';
import type { VmDoc } from '../guest-control.ts';
import { moveObjections } from '../move-plan.ts';
import type { MoveInput } from '../move-task.ts';
import { type Candidate, candidates, choose } from '../placement.ts';
import type { VmSpec } from '../schema.ts';
import { vm, vmError } from '../vm-kind.ts';
import { answerOf, isRunning, needVm, vmAnswer, vmArgument, vmRef } from './common.ts';

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

const methods = ['live', 'shutdown', 'document'] as const;

const moveAnswer = vmAnswer.extend({
  from: z.string(),
  to: z.string(),
  method: z.enum(methods).describe('document: it does not run, only its place changes'),
});

interface MoveRequest {
  readonly node?: string | undefined;
  readonly method?: 'auto' | 'live' | 'shutdown' | undefined;
  readonly maxDowntimeMs?: number | undefined;
  readonly autoConverge: boolean;
  readonly bandwidthMiBs?: number | undefined;
  readonly timeoutS: number;
}

/** Plans the move and answers what it will be. @throws PvcError VM_CANNOT_MOVE with every reason */
async function planMove(
  plan: PlanBuilder,
  context: PlanContext,
  doc: VmDoc,
  request: MoveRequest,
  home: string | undefined,
): Promise<z.infer<typeof moveAnswer>> {
  const { view } = context;
  const { spec } = doc;
  const refuse = (details: readonly string[]) => vmError('VM_CANNOT_MOVE', { vm: spec.name }, { details });
  if (request.node !== undefined) {
    await view.need(node, request.node);
    if (request.node === spec.node) throw refuse([`it is on ${request.node} already`]);
  }
  if (spec.transfer !== undefined) throw refuse([`it is being moved to ${spec.transfer.to}`]);
  const running = isRunning(doc) || spec.run === 'running';
  const method: (typeof methods)[number] | 'auto' = running ? (request.method ?? spec.migration.method) : 'document';
  const bookings = await bookingsOf(view);
  const nodes = await view.list(node);
  const source = nodes.find((one) => one.id === spec.node);
  const alive = await view.alive();
  if (running && !alive.has(spec.node)) throw refuse([`the daemon of ${spec.node} does not run, where the guest is`]);
  const places = candidates(
    { vm: doc.id, memoryMiB: spec.memoryMiB, vcpus: spec.vcpus, selector: spec.selector, limit: spec.limit },
    nodes,
    alive,
    await view.list(vm),
  ).filter((one) => one.node !== spec.node && (request.node === undefined || one.node === request.node));
  const judged = places.map((place) => {
    const objections = moveObjections(
      doc,
      source,
      nodes.find((one) => one.id === place.node) as (typeof nodes)[number],
    );
    return {
      place,
      objections,
      refusals: [...place.refusals, ...objections.any, ...(method === 'live' ? objections.live : [])],
    };
  });
  const fitting: Candidate[] = judged.map(({ place, refusals }) => ({ ...place, refusals }));
  const best = choose(fitting, spec.selector);
  if (best === undefined)
    throw refuse(
      fitting.length === 0
        ? ['there is no other node']
        : fitting.flatMap((one) => one.refusals.map((reason) => `${one.node}: ${reason}`)),
    );
  const against = judged.find(({ place }) => place.node === best.node)?.objections.live ?? [];
  const chosen: (typeof methods)[number] = method === 'auto' ? (against.length === 0 ? 'live' : 'shutdown') : method;
  if (method === 'auto' && chosen === 'shutdown')
    plan.warn(`${spec.name} is shut down and started again: ${against.join('; ')}.`);
  book(plan, bookings, best.node);
  const answer = { ...answerOf(doc), from: spec.node, to: best.node, method: chosen };
  if (chosen === 'document') {
    const { home: _, ...rest } = spec;
    plan.needIdle({ kind: 'vm', id: doc.id, label: spec.name });
    plan.update(vm, doc, { ...rest, node: best.node, ...(home === undefined ? {} : { home }) });
    plan.act(`${spec.name} belongs to ${best.node} from now on; it does not run`);
    return answer;
  }
  const input: MoveInput = {
    to: best.node,
    home: home ?? null,
    method: chosen,
    maxDowntimeMs: request.maxDowntimeMs ?? spec.migration.maxDowntimeMs,
    autoConverge: request.autoConverge,
    bandwidthMiBs: request.bandwidthMiBs ?? null,
  };
  const shutdownMs = chosen === 'shutdown' ? spec.shutdown.timeoutS * 1000 : 0;
  const task = plan.task({
    action: 'vm.migrate',
    target: { kind: 'vm', id: doc.id, label: spec.name },
    node: spec.node,
    input,
    timeoutMs: request.timeoutS * 1000 + shutdownMs,
  });
  const moving: VmSpec = { ...spec, transfer: { to: best.node, task } };
  plan.update(vm, doc, moving);
  plan.act(
    chosen === 'live'
      ? `move ${spec.name} from ${spec.node} to ${best.node} while it runs`
      : `shut ${spec.name} down on ${spec.node} and start it on ${best.node}`,
  );
  return answer;
}

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
    async plan(plan, context, input) {
      const doc = await needVm(context.view, input.vm);
      const home = doc.spec.home ?? doc.spec.node;
      // At home it needs no home to return to.
      return planMove(plan, context, doc, input, input.node === home ? undefined : home);
    },
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
      return planMove(plan, context, doc, { ...input, node: doc.spec.home }, undefined);
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
      planMove(plan, context, await needVm(context.view, input.vm), input, undefined),
  }),
];
