/** What the operations on guests share: finding one, saying what will happen, starting its tasks. @module */
import { node, type PlanBuilder, type PlanContext, type QueryContext, type View, z } from '../../../core/plugin/api.ts';
import { type Bookings, book, bookingsOf } from '../booking.ts';
import { definedMacs } from '../domain/define-devices.ts';
import { child, parseXml } from '../domain/xml.ts';
import type { VmDoc } from '../guest-control.ts';
import { noEnds } from '../guest-ends.ts';
import { planGuest } from '../guest-plan.ts';
import { Ledger } from '../ledger.ts';
import { candidates, choose } from '../placement.ts';
import { ruleError } from '../rule/rule-kind.ts';
import type { VmSpec } from '../schema.ts';
import { isRunning, vm, vmError } from '../vm-kind.ts';
import { pinOthers, worldOf } from './world.ts';

/** How a guest is named in an input. */
export const vmRef = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, 'the name or the UUID of a guest')
  .describe('name or UUID of the guest');

export const vmArgument = { field: 'vm', complete: 'vm' } as const;

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws PvcError VM_NOT_FOUND */
export async function needVm(view: View, ref: string): Promise<VmDoc> {
  const byName = await view.find(vm, 'name', ref);
  const lower = ref.toLowerCase();
  const found = byName ?? (uuidPattern.test(lower) ? await view.get(vm, lower) : undefined);
  if (found === undefined) throw vmError('VM_NOT_FOUND', { vm: ref });
  return found;
}

/** @throws PvcError VM_NOT_RUNNING */
export function needRunning(doc: VmDoc, what: string): void {
  if (!isRunning(doc)) throw vmError('VM_NOT_RUNNING', { vm: doc.spec.name, what });
}

/** @throws PvcError VM_RUNNING: it runs, is meant to run, or may run where nobody can see it. */
export function needStopped(doc: VmDoc, what: string): void {
  if (isRunning(doc) || doc.spec.run === 'running')
    throw vmError('VM_RUNNING', { vm: doc.spec.name, node: doc.status?.node ?? doc.spec.node, what });
}

/** Starts a task of the guest's node on the guest. */
export function vmTask(
  plan: PlanBuilder,
  doc: VmDoc,
  action: string,
  timeoutMs: number,
  input: unknown = null,
): string {
  return plan.task({
    action,
    target: { kind: 'vm', id: doc.id, label: doc.spec.name },
    node: doc.spec.node,
    input,
    timeoutMs,
  });
}

/** Says what the guest's node will do once its spec is as given: the same function decides it there. */
export function foretell(plan: PlanBuilder, doc: VmDoc, spec: VmSpec): void {
  const running = isRunning(doc);
  const { steps } = planGuest(
    { ...doc, spec },
    {
      connected: true,
      guest: running
        ? {
            id: 0,
            state: doc.status?.state ?? 'running',
            reason: '',
            inTransit: false,
            xml: { name: 'domain', attributes: {}, children: [] },
            ours: true,
            accelerator: 'tcg',
            vnc: undefined,
            startedFrom: undefined,
            startedFromVersion: undefined,
            notes: [],
          }
        : undefined,
      task: undefined,
      differences: undefined,
      ends: noEnds,
    },
    spec.name,
  );
  for (const step of steps) plan.act(`${step.text} (on ${spec.node})`);
}

/** What a plan knows that places one new guest after the other: each is placed beside those before it. */
export interface Places {
  readonly bookings: Bookings;
  readonly ledger: Ledger;
  /** Nodes that are booked in this plan. */
  readonly booked: Set<string>;
  /** MAC addresses that guests have. */
  readonly macs: Set<string>;
}

export async function placesOf({ view }: Pick<PlanContext, 'view'>): Promise<Places> {
  // Before the guests are looked at.
  const bookings = await bookingsOf(view);
  return { bookings, ledger: new Ledger(await worldOf(view)), booked: new Set(), macs: await takenMacs({ view }) };
}

function bookOnce(plan: PlanBuilder, { bookings, booked }: Places, name: string): void {
  if (booked.has(name)) return;
  booked.add(name);
  book(plan, bookings, name);
}

/** MAC addresses that guests have. */
export async function takenMacs({ view }: Pick<PlanContext, 'view'>): Promise<Set<string>> {
  const guests = await view.list(vm);
  return new Set(
    guests.flatMap(({ spec }) => [
      ...spec.nics.map((nic) => nic.mac),
      ...definedMacs(child(parseXml(spec.definition), 'devices')),
    ]),
  );
}

/** The node for a new guest: the one that was named, or the best one. @throws PvcError VM_NO_NODE with each node's reasons */
export async function placeNew(
  context: PlanContext,
  request: {
    readonly name: string;
    readonly memoryMiB: number;
    readonly vcpus: number;
    readonly nics: VmSpec['nics'];
    readonly selector: VmSpec['selector'];
    readonly limit: readonly string[];
  },
  wanted: string | undefined,
  plan: PlanBuilder,
  places: Places,
): Promise<{ node: string; warnings: string[] }> {
  const { view } = context;
  const list = candidates([request], places.ledger);
  if (wanted !== undefined) {
    await view.need(node, wanted);
    const named = list.find((one) => one.node === wanted);
    const hard = (named?.refusals ?? []).filter(
      (reason) => reason.startsWith('it has ') || reason.startsWith('the guest is limited'),
    );
    if (hard.length > 0)
      throw vmError('VM_NO_NODE', { vm: request.name }, { details: hard.map((reason) => `${wanted}: ${reason}`) });
    bookOnce(plan, places, wanted);
    return { node: wanted, warnings: (named?.refusals ?? []).map((reason) => `${wanted}: ${reason}`) };
  }
  const best = choose(list, request.selector);
  if (best === undefined)
    throw vmError(
      'VM_NO_NODE',
      { vm: request.name },
      { details: list.map((one) => `${one.node}: ${one.refusals.join(', ')}`) },
    );
  bookOnce(plan, places, best.node);
  return { node: best.node, warnings: [] };
}

/**
 * Books the memory that a guest is to have on its node from now on, when it is more than is promised to it already: a
 * disabled guest has none, so others may have been placed where it was. @throws PvcError VM_NO_ROOM
 */
export async function needRoom(
  plan: PlanBuilder,
  { view }: Pick<PlanContext, 'view'>,
  doc: VmDoc,
  spec: VmSpec,
): Promise<void> {
  const promisedMiB = doc.spec.run === 'disabled' ? 0 : doc.spec.memoryMiB;
  if (spec.run === 'disabled' || spec.memoryMiB <= promisedMiB) return;
  const bookings = await bookingsOf(view);
  const places = candidates([spec], new Ledger(await worldOf(view)));
  const noRoom = places.find((one) => one.node === spec.node)?.noRoom;
  if (noRoom !== undefined)
    throw vmError('VM_NO_ROOM', { vm: spec.name, memory: spec.memoryMiB, node: spec.node, reason: noRoom });
  book(plan, bookings, spec.node);
}

/**
 * Refuses to start a guest where a strict rule forbids it to run beside, or away from, one that runs: a rule may have
 * come later than its place, or a move may have failed; others may have moved while it was disabled.
 * @throws PvcError VM_RULE_FORBIDS
 */
export async function needRules(plan: PlanBuilder, { view }: Pick<PlanContext, 'view'>, doc: VmDoc): Promise<void> {
  const world = await worldOf(view);
  // A disabled guest takes its place only now, so it must agree with all that have one.
  const others = world.guests.filter(
    (one) => one.id !== doc.id && (doc.spec.run === 'disabled' || one.spec.run === 'running' || isRunning(one)),
  );
  const broken = new Ledger({ ...world, guests: others }).breaches(new Set([doc.spec.name]), doc.spec.node);
  const [first] = broken.filter(({ rule }) => rule.strict);
  if (first !== undefined)
    throw ruleError('VM_RULE_FORBIDS', { vm: doc.spec.name, node: doc.spec.node, reason: first.text });
  pinOthers(plan, new Ledger(world), [doc]);
}

/** The guest’s node, for queries that only it can answer. */
export const onGuestNode = async (context: QueryContext, input: { readonly vm: string }): Promise<string> => {
  const doc = await needVm(context.view, input.vm);
  return doc.status?.node ?? doc.spec.node;
};

/** Answer of an operation that names the guest. */
export const vmAnswer = z.object({
  name: z.string(),
  uuid: z.string(),
  node: z.string(),
  run: z.enum(['running', 'stopped', 'disabled']),
  version: z.int().describe('version of the guest’s document before this change'),
});

export const answerOf = (doc: { id: string; spec: VmSpec; specVersion: number }): z.infer<typeof vmAnswer> => ({
  name: doc.spec.name,
  uuid: doc.id,
  node: doc.spec.node,
  run: doc.spec.run,
  version: doc.specVersion,
});
