/** The guests of a dead node: what must be proven for them, where they go on, and when the node may have them no more. @module */
import {
  arrivalWrites,
  type DeadNode,
  errorText,
  type IsolationEnd,
  node as nodeKind,
  PlanBuilder,
  type RecoverAbout,
  type ReturningNode,
  type Runtime,
  type Stranded,
  task as taskKind,
  View,
  type Waiting,
  type Write,
} from '../../core/plugin/api.ts';
import { book, bookingsOf } from './booking.ts';
import type { GuestControl, VmDoc } from './guest-control.ts';
import { Ledger } from './ledger.ts';
import { vmCopy } from './operations/query.ts';
import { pinOthers, worldOf } from './operations/world.ts';
import { endedByFence, goesOn, type Placed, planRecovery, strandedGuests, type TaskDoc } from './recovery-plan.ts';
import { vm } from './vm-kind.ts';

/** Guests of one commit: with their claims and bookings it stays well below what a commit may hold. */
const atOnce = 16;

/** Guests that are meant to run on the node. */
const meantToRun = async (documents: Runtime['documents'], node: string): Promise<VmDoc[]> =>
  (await documents.listAt(vm, node)).filter(({ spec }) => spec.node === node && spec.run === 'running');

export async function stranded({ documents }: Pick<Runtime, 'documents'>, { node }: DeadNode): Promise<Stranded[]> {
  const here = await meantToRun(documents, node);
  return here.length === 0 ? [] : strandedGuests({ node, guests: here, nodes: await documents.list(nodeKind) });
}

export async function recover(runtime: Pick<Runtime, 'documents' | 'host'>, about: RecoverAbout): Promise<Waiting[]> {
  const { documents, host } = runtime;
  const { node } = about;
  for (;;) {
    // A fence stays open for as long as its node is away, and asks more than once a second.
    if ((await meantToRun(documents, node)).length === 0) return [];
    const view = new View(documents);
    // Before the guests are read: see `bookingsOf`.
    const bookings = await bookingsOf(view);
    const world = await worldOf(view);
    const { placed, waiting } = planRecovery({ ...world, node, proven: about.proven });
    const now = firstOf(placed);
    if (now.length === 0) return [...waiting];
    const nowMs = host.clock.wallMs();
    const plan = new PlanBuilder({ nowMs, actor: 'pvc', newId: () => '' });
    for (const to of new Set(now.map((one) => one.to))) book(plan, bookings, to);
    pinOthers(
      plan,
      new Ledger(world),
      now.map(({ guest }) => guest),
    );
    const ends: Write[] = [];
    for (const { guest, to } of now) {
      plan.update(vm, guest, goesOn(guest.spec, node, to));
      const held = await taskOn(documents, guest.id);
      if (held !== undefined)
        ends.push({ do: 'status', kind: taskKind, before: held, status: endedByFence(held, node, nowMs) });
    }
    await about.write([...plan.writes, ...ends, ...(await arrivals(runtime, now))], now.map(told));
  }
}

/** Guests that go on where they were on their way to: that node may be dead as well, and proven to be. */
async function arrivals(
  { documents, host }: Pick<Runtime, 'documents' | 'host'>,
  now: readonly Placed[],
): Promise<Write[]> {
  const writes: Write[] = [];
  const atMs = host.clock.wallMs();
  const moving = now.filter(({ guest }) => guest.spec.transfer !== undefined);
  for (const [to, group] of Map.groupBy(moving, (one) => one.to)) {
    const names = group.map(({ guest }) => guest.spec.name);
    writes.push(...(await arrivalWrites(documents, to, names.join(', '), atMs)));
  }
  return writes;
}

/** As many groups as go into one commit; one at least. */
function firstOf(groups: readonly (readonly Placed[])[]): Placed[] {
  const first: Placed[] = [];
  for (const group of groups) {
    if (first.length > 0 && first.length + group.length > atOnce) break;
    first.push(...group);
  }
  return first;
}

const told = ({ guest, to }: Placed) => ({ id: guest.id, object: guest.spec.name, to });

async function taskOn(documents: Runtime['documents'], uuid: string): Promise<TaskDoc | undefined> {
  const holder = await documents.find(taskKind, 'target', `vm:${uuid}`);
  return holder === undefined ? undefined : documents.get(taskKind, holder);
}

/** Ends the guests of this node that have disks there: who was cut off from his volumes once does not get them back. */
export async function endCutOff(
  { runtime, control }: { readonly runtime: Runtime; readonly control: GuestControl },
  { node, resources }: { readonly node: string; readonly resources: readonly string[] },
): Promise<IsolationEnd> {
  const uses = ({ spec }: VmDoc): boolean =>
    spec.disks.some(({ source }) => source.type === 'volume' && resources.includes(`pool:${source.pool}`));
  const here = (await runtime.documents.listAt(vm, node)).filter(uses);
  return control.isolation.endThese(new Map(here.map(({ id, spec }) => [id, spec.name])));
}

/** What still runs on a node that is back, although it goes on elsewhere. */
export async function returning(
  runtime: Pick<Runtime, 'documents' | 'ask' | 'signal'>,
  { node, recovered }: ReturningNode,
): Promise<string[]> {
  const reasons: string[] = [];
  for (const uuid of new Set(recovered)) {
    const doc = await runtime.documents.get(vm, uuid);
    if (doc?.spec.node === node) continue;
    try {
      const { copy } = vmCopy.parse(await runtime.ask('vm.copy', { node, uuid }, runtime.signal));
      if (copy !== 'none') reasons.push(`${doc?.spec.name ?? uuid} still runs there`);
    } catch (error) {
      return [...reasons, `whether ${doc?.spec.name ?? uuid} runs there is not known: ${errorText(error)}`];
    }
  }
  return reasons;
}
