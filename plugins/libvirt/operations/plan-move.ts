/** The plan of a move: of one guest, and of those that strict rules keep with it. @module */
import { names, node, type PlanBuilder, type PlanContext, type PvcError, z } from '../../../core/plugin/api.ts';
import { book, bookingsOf } from '../booking.ts';
import type { VmDoc } from '../guest-control.ts';
import { Ledger, type World } from '../ledger.ts';
import { moveObjections } from '../move-plan.ts';
import type { MoveInput } from '../move-task.ts';
import { judged, reasonsOf } from '../place-all.ts';
import { choose } from '../placement.ts';
import { isRunning, vm, vmError } from '../vm-kind.ts';
import { answerOf, vmAnswer } from './common.ts';
import { pinOthers, worldOf } from './world.ts';

const methods = ['live', 'shutdown', 'document'] as const;

export const moveAnswer = vmAnswer.extend({
  from: z.string(),
  to: z.string(),
  method: z.enum(methods).describe('document: it does not run, only its place changes'),
  with: z.array(names.objectName).describe('guests that strict rules keep with it, and that move too'),
});

export interface MoveRequest {
  readonly node?: string | undefined;
  readonly method?: 'auto' | 'live' | 'shutdown' | undefined;
  readonly maxDowntimeMs?: number | undefined;
  readonly autoConverge: boolean;
  readonly bandwidthMiBs?: number | undefined;
  readonly timeoutS: number;
  /** For good: the target becomes the home. */
  readonly forGood: boolean;
}

/** Plans the move and answers what it will be. @throws PvcError VM_CANNOT_MOVE with every reason */
export async function planMove(
  plan: PlanBuilder,
  context: PlanContext,
  doc: VmDoc,
  request: MoveRequest,
): Promise<z.infer<typeof moveAnswer>> {
  const { view } = context;
  const { spec } = doc;
  const refuse = (details: readonly string[]): PvcError => vmError('VM_CANNOT_MOVE', { vm: spec.name }, { details });
  if (request.node !== undefined) {
    await view.need(node, request.node);
    if (request.node === spec.node) throw refuse([`it is on ${request.node} already`]);
  }
  const bookings = await bookingsOf(view);
  const ledger = new Ledger(await worldOf(view));
  const group = ledger.groupOf(doc);
  for (const one of group) {
    const who = one === doc ? 'it' : one.spec.name;
    if (one.spec.transfer !== undefined) throw refuse([`${who} is being moved to ${one.spec.transfer.to}`]);
    const runs = isRunning(one) || one.spec.run === 'running';
    if (runs && !ledger.world.alive.has(one.spec.node))
      throw refuse([`the daemon of ${one.spec.node} does not run, where ${one === doc ? 'the guest' : who} is`]);
  }
  const places = judged(group, ledger, request.method).filter(
    (one) => one.node !== spec.node && (request.node === undefined || one.node === request.node),
  );
  const best = choose(places, spec.selector);
  if (best === undefined) throw refuse(reasonsOf(places));
  for (const text of best.unkept) plan.warn(`On ${best.node} a preferred rule is not kept: ${text}.`);
  book(plan, bookings, best.node);
  const moving = group.filter((one) => one.spec.node !== best.node);
  pinOthers(plan, ledger, moving);
  const [method = 'document'] = moving.map((one) => moveOne(plan, ledger.world, one, best.node, request));
  return {
    ...answerOf(doc),
    from: spec.node,
    to: best.node,
    method,
    with: moving.filter((one) => one !== doc).map((one) => one.spec.name),
  };
}

/** Where a guest returns to later. At home it needs no home to return to. */
function homeOf({ spec }: VmDoc, to: string, forGood: boolean): string | undefined {
  const home = spec.home ?? spec.node;
  return forGood || home === to ? undefined : home;
}

/** Plans the move of one guest to a node that was found fit. */
function moveOne(
  plan: PlanBuilder,
  { nodes }: World,
  doc: VmDoc,
  to: string,
  request: MoveRequest,
): (typeof methods)[number] {
  const { spec } = doc;
  const home = homeOf(doc, to, request.forGood);
  if (!isRunning(doc) && spec.run !== 'running') {
    const { home: _, ...rest } = spec;
    plan.needIdle({ kind: 'vm', id: doc.id, label: spec.name });
    plan.update(vm, doc, { ...rest, node: to, ...(home === undefined ? {} : { home }) });
    plan.act(`${spec.name} belongs to ${to} from now on; it does not run`);
    return 'document';
  }
  const asked = request.method ?? spec.migration.method;
  const target = nodes.find(({ id }) => id === to);
  const source = nodes.find(({ id }) => id === spec.node);
  const against = target === undefined ? [] : moveObjections(doc, source, target).live;
  const method = asked === 'auto' ? (against.length === 0 ? 'live' : 'shutdown') : asked;
  if (asked === 'auto' && method === 'shutdown')
    plan.warn(`${spec.name} is shut down and started again: ${against.join('; ')}.`);
  const input: MoveInput = {
    to,
    home: home ?? null,
    method,
    maxDowntimeMs: request.maxDowntimeMs ?? spec.migration.maxDowntimeMs,
    autoConverge: request.autoConverge,
    bandwidthMiBs: request.bandwidthMiBs ?? null,
  };
  const shutdownMs = method === 'shutdown' ? spec.shutdown.timeoutS * 1000 : 0;
  const task = plan.task({
    action: 'vm.migrate',
    target: { kind: 'vm', id: doc.id, label: spec.name },
    node: spec.node,
    input,
    timeoutMs: request.timeoutS * 1000 + shutdownMs,
  });
  plan.update(vm, doc, { ...spec, transfer: { to, task } });
  plan.act(
    method === 'live'
      ? `move ${spec.name} from ${spec.node} to ${to} while it runs`
      : `shut ${spec.name} down on ${spec.node} and start it on ${to}`,
  );
  return method;
}
