/** A node gives up a guest that ends by itself again and again: it goes on elsewhere, or is failed. @module */
import { PlanBuilder, type Runtime, task, View } from '../../core/plugin/api.ts';
import { book, bookingsOf } from './booking.ts';
import { endsTooOften, givenUp } from './give-up-plan.ts';
import type { GuestControl } from './guest-control.ts';
import { Ledger } from './ledger.ts';
import { pinOthers, worldOf } from './operations/world.ts';
import { vm } from './vm-kind.ts';

/**
 * Done in the guest's turn, when libvirt has just said that it is not here: in one commit it belongs to the other node,
 * which starts it. Whoever wants it started here in the same moment writes its spec as well, and one of the two is planned
 * again.
 * @throws PvcError OBJECT_CHANGED, STORE_UNKNOWN: the next look tells
 */
export async function giveUp(
  { runtime, control }: { readonly runtime: Runtime; readonly control: GuestControl },
  uuid: string,
  signal: AbortSignal,
): Promise<void> {
  const { host, documents, node } = runtime;
  const view = new View(documents);
  // Before the guests are read: see `bookingsOf`.
  const bookings = await bookingsOf(view);
  const world = await worldOf(view);
  // One that comes later writes the spec, and this plan fails; see `meantToRun` in `operations/power.ts`.
  if ((await documents.find(task, 'target', `vm:${uuid}`)) !== undefined) return;
  const guest = world.guests.find(({ id }) => id === uuid);
  const ends = control.ends.of(uuid);
  if (guest?.spec.run !== 'running' || guest.spec.node !== node || guest.spec.transfer !== undefined) return;
  if (!endsTooOften(guest.spec, ends) || (await control.look(uuid)) !== undefined) return;
  const spec = givenUp(guest, ends, world);
  const plan = new PlanBuilder({ nowMs: host.clock.wallMs(), actor: 'pvc', newId: () => '' });
  plan.update(vm, guest, spec);
  if (spec.node !== node) {
    book(plan, bookings, spec.node);
    pinOthers(plan, new Ledger(world), [guest]);
  }
  signal.throwIfAborted();
  await runtime.write(plan.writes);
  host.log.info(`${spec.name} is given up here`, { goesOn: spec.node === node ? 'nowhere' : spec.node });
}
