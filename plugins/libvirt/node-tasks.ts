/**
 * Empties a node and fills it again: tasks of the primary, which start one move a guest and wait for them. They hold
 * nothing in memory that matters: whoever takes one up looks who is still there and goes on.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineErrors,
  defineTask,
  errorText,
  node as nodeKind,
  PvcError,
  type Runtime,
  type TaskRun,
  task as taskKind,
} from '../../core/plugin/api.ts';
import type { VmDoc } from './guest-control.ts';
import { byImportance } from './place-all.ts';
import { vm } from './vm-kind.ts';

const flushError = defineErrors({
  NODE_NOT_EMPTY: {
    message: '{count} guests are still on {node}: {guests}',
    hint: 'Move or stop them, then flush the node again; `pvc node ready {node}` takes it back.',
    http: 409,
    exit: 'failed',
  },
});

/** Moves of one node at the same time: each takes a share of its one link. */
const atOnce = 2;
const lookMs = 500;

type Verb = 'vm.migrate' | 'vm.unmigrate';

/** Moves guests until none is left that can be moved. @returns why each of the others stayed, by name */
async function moveAll(
  runtime: Runtime,
  run: TaskRun,
  verb: Verb,
  left: () => Promise<readonly VmDoc[]>,
): Promise<Map<string, string>> {
  const { documents, host } = runtime;
  const stayed = new Map<string, string>();
  const moving = new Map<string, string>();
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
        stayed.set(uuid, status.error?.message ?? status.state);
      }
    }
    const waiting = guests.filter((one) => !moving.has(one.id) && !stayed.has(one.id)).toSorted(byImportance);
    for (const guest of waiting.slice(0, Math.max(0, atOnce - moving.size))) {
      // One that an earlier life of this task, or somebody else, has begun to work on.
      const holder = await documents.find(taskKind, 'target', `vm:${guest.id}`);
      if (holder !== undefined) {
        moving.set(guest.id, holder);
        continue;
      }
      try {
        const [started] = (await runtime.perform(verb, { vm: guest.id })).tasks;
        if (started !== undefined) moving.set(guest.id, started);
      } catch (error) {
        if (error instanceof PvcError && ['TARGET_BUSY', 'TOO_CONTENDED', 'STORE_UNAVAILABLE'].includes(error.code))
          continue;
        const details = error instanceof PvcError ? error.details : [];
        stayed.set(guest.id, [errorText(error), ...details].join(' '));
      }
    }
    if (moving.size === 0 && guests.every((one) => stayed.has(one.id))) {
      const names = new Map(guests.map((one) => [one.id, one.spec.name]));
      return new Map([...stayed].flatMap(([id, why]) => (names.has(id) ? [[names.get(id) ?? id, why]] : [])));
    }
    await host.clock.sleep(lookMs, run.signal);
  }
}

async function setState(runtime: Runtime, name: string, domainState: 'ready' | 'flushed'): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const doc = await runtime.documents.get(nodeKind, name);
    if (doc === undefined || doc.spec.domainState === domainState) return;
    try {
      await runtime.write([{ do: 'spec', kind: nodeKind, before: doc, spec: { ...doc.spec, domainState } }], {
        asPrimary: true,
      });
      return;
    } catch (error) {
      if (!(error instanceof PvcError) || error.code === 'NOT_PRIMARY' || tries >= 10) throw error;
      await runtime.host.clock.sleep(100 * tries);
    }
  }
}

const reasons = (stayed: ReadonlyMap<string, string>): string =>
  [...stayed].map(([name, why]) => `${name} (${why})`).join('; ');

export function flushTask(runtime: Runtime): AnyTaskDefinition {
  return defineTask({
    action: 'node.flush',
    summary: 'moves all guests away from a node',
    async run(run) {
      const name = run.spec.target.id;
      const stayed = await moveAll(runtime, run, 'vm.migrate', async () =>
        (await runtime.documents.listAt(vm, name)).filter(
          (one) => one.spec.node === name && (one.spec.run === 'running' || one.spec.transfer !== undefined),
        ),
      );
      if (stayed.size > 0)
        throw flushError('NODE_NOT_EMPTY', { node: name, count: stayed.size, guests: reasons(stayed) });
      await setState(runtime, name, 'flushed');
      return { node: name };
    },
    // Guests that are on their way arrive; the rest stays, and the node takes guests again.
    abandoned: (run) => setState(runtime, run.spec.target.id, 'ready'),
  });
}

export function readyTask(runtime: Runtime): AnyTaskDefinition {
  return defineTask({
    action: 'node.ready',
    summary: 'brings guests back to a node',
    async run(run) {
      const name = run.spec.target.id;
      // It must take guests before they can come.
      await setState(runtime, name, 'ready');
      const stayed = await moveAll(runtime, run, 'vm.unmigrate', async () =>
        (await runtime.documents.list(vm)).filter((one) => one.spec.home === name && one.spec.node !== name),
      );
      return { node: name, stayed: [...stayed].map(([guest, why]) => `${guest}: ${why}`) };
    },
  });
}
