/**
 * Empties a node and fills it again: tasks of the primary, which start one move a guest and wait for them. They hold
 * nothing in memory that matters: whoever takes one up looks who is still there and goes on.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineErrors,
  defineTask,
  node as nodeKind,
  PvcError,
  type Runtime,
} from '../../core/plugin/api.ts';
import { moveAll, reasons } from './move-all.ts';
import { vm } from './vm-kind.ts';

const flushError = defineErrors({
  NODE_NOT_EMPTY: {
    message: '{count} guests are still on {node}: {guests}',
    hint: 'Move or stop them, then flush the node again; `pvc node ready {node}` takes it back.',
    http: 409,
    exit: 'failed',
  },
});

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

export function flushTask(runtime: Runtime): AnyTaskDefinition {
  return defineTask({
    action: 'node.flush',
    summary: 'moves all guests away from a node',
    async run(run) {
      const name = run.spec.target.id;
      const stayed = await moveAll(runtime, run, {
        left: async () =>
          (await runtime.documents.listAt(vm, name)).filter(
            (one) => one.spec.node === name && (one.spec.run === 'running' || one.spec.transfer !== undefined),
          ),
        ask: ({ id }) => ({ operation: 'vm.migrate', input: { vm: id } }),
      });
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
      const stayed = await moveAll(runtime, run, {
        left: async () =>
          (await runtime.documents.list(vm)).filter((one) => one.spec.home === name && one.spec.node !== name),
        ask: ({ id }) => ({ operation: 'vm.unmigrate', input: { vm: id } }),
      });
      return { node: name, stayed: [...stayed].map(([guest, why]) => `${guest}: ${why}`) };
    },
  });
}
