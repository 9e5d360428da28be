/**
 * Moves many guests, a few at a time, for a task that may be begun again at any moment: it holds nothing in memory that
 * matters. Whoever takes it up looks who is still there and goes on.
 * @module
 */
import { errorText, PvcError, type Runtime, type TaskRun, task as taskKind } from '../../core/plugin/api.ts';
import type { VmDoc } from './guest-control.ts';
import { byImportance } from './place-all.ts';

/** Moves at the same time: each takes a share of its node's one link. */
const atOnce = 2;
const lookMs = 500;
/** So often a guest is sent on its way: its target may die, and then another one is chosen. */
const mostTries = 3;
/** Before it is: what was in the way has a moment to go, as a dead target to be known as dead. */
const pauseMs = 5_000;

export interface MoveAllParts {
  /** Guests that are still to be moved. */
  readonly left: () => Promise<readonly VmDoc[]>;
  /** The operation that moves one. */
  readonly ask: (guest: VmDoc) => { readonly operation: string; readonly input: unknown };
}

/** Moves guests, the most important first, until none is left that can be moved. @returns why each of the others stayed, by name */
export async function moveAll(
  runtime: Runtime,
  run: TaskRun,
  { left, ask }: MoveAllParts,
): Promise<Map<string, string>> {
  const { documents, host } = runtime;
  const stayed = new Map<string, string>();
  const moving = new Map<string, string>();
  const failures = new Map<string, { readonly times: number; readonly untilMs: number }>();
  let most = 0;
  for (;;) {
    run.signal.throwIfAborted();
    const guests = await left();
    most = Math.max(most, guests.length);
    run.progress(most === 0 ? 1 : 1 - guests.length / most, `${guests.length} guests are left`);
    for (const [uuid, task] of [...moving]) {
      const status = (await documents.get(taskKind, task))?.status;
      if (status === undefined || status.state === 'succeeded') moving.delete(uuid);
      else if (status.state === 'failed' || status.state === 'cancelled') {
        moving.delete(uuid);
        const times = (failures.get(uuid)?.times ?? 0) + 1;
        failures.set(uuid, { times, untilMs: host.clock.monotonicMs() + pauseMs });
        // What does not lie with the guest may go better next time.
        if (status.error?.code === 'VM_MIGRATION_FAILED' && times < mostTries) continue;
        stayed.set(uuid, status.error?.message ?? status.state);
      }
    }
    const nowMs = host.clock.monotonicMs();
    const pauses = (uuid: string): boolean => nowMs < (failures.get(uuid)?.untilMs ?? 0);
    const waiting = guests.filter(({ id }) => !moving.has(id) && !stayed.has(id) && !pauses(id)).toSorted(byImportance);
    for (const guest of waiting.slice(0, Math.max(0, atOnce - moving.size))) {
      // One that an earlier life of this task, or somebody else, has begun to work on.
      const holder = await documents.find(taskKind, 'target', `vm:${guest.id}`);
      if (holder !== undefined) {
        moving.set(guest.id, holder);
        continue;
      }
      try {
        const { operation, input } = ask(guest);
        const [started] = (await runtime.perform(operation, input)).tasks;
        if (started !== undefined) moving.set(guest.id, started);
      } catch (error) {
        if (error instanceof PvcError && ['TARGET_BUSY', 'TOO_CONTENDED', 'STORE_UNAVAILABLE'].includes(error.code))
          continue;
        // There may be room for it once those that are on their way have left.
        if (error instanceof PvcError && error.code === 'VM_CANNOT_MOVE' && moving.size > 0) continue;
        const details = error instanceof PvcError ? error.details : [];
        stayed.set(guest.id, [errorText(error), details.join('; ')].join(' ').trim());
      }
    }
    if (moving.size === 0 && guests.every((one) => stayed.has(one.id))) {
      const names = new Map(guests.map((one) => [one.id, one.spec.name]));
      return new Map([...stayed].flatMap(([id, why]) => (names.has(id) ? [[names.get(id) ?? id, why]] : [])));
    }
    await host.clock.sleep(lookMs, run.signal);
  }
}

/** Who stayed, and why. */
export const reasons = (stayed: ReadonlyMap<string, string>): string =>
  [...stayed].map(([name, why]) => `${name} (${why})`).join('; ');
