/**
 * The task that moves a running guest, carried out by the node that it leaves. libvirtd does the work and goes on
 * when this daemon dies; whoever takes the task up again looks what has become of it.
 *
 * At the end one commit makes the target its node. That is right as soon as the guest is not here any more, whatever
 * happened: the target's controller looks, and takes it over or starts it.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineTask,
  errorText,
  names,
  node as nodeKind,
  PvcError,
  type Runtime,
  type TaskRun,
  z,
} from '../../core/plugin/api.ts';
import { acrossLibvirt, isAway } from './across-libvirt.ts';
import type { GuestControl, VmDoc } from './guest-control.ts';
import type { VmSpec } from './schema.ts';
import { vm, vmError } from './vm-kind.ts';

export const moveInput = z.strictObject({
  to: names.nodeName,
  /** Where it returns to later; null: the target becomes its home. */
  home: names.nodeName.nullable(),
  method: z.enum(['live', 'shutdown']),
  maxDowntimeMs: z.int(),
  autoConverge: z.boolean(),
  bandwidthMiBs: z.int().nullable(),
});
export type MoveInput = z.infer<typeof moveInput>;

const lookMs = 250;
const progressMs = 1_000;
const writeTries = 10;

export interface MoveParts {
  readonly runtime: Runtime;
  readonly control: GuestControl;
  /** Shuts the guest down as `vm shutdown` does. */
  readonly shutDown: (run: TaskRun, doc: VmDoc) => Promise<unknown>;
  /** How the target's libvirtd is reached from here. */
  readonly peer: (address: string) => { readonly uri: string; readonly data: string };
}

export function moveTask(parts: MoveParts): AnyTaskDefinition {
  const { runtime, control } = parts;
  const { host, documents } = runtime;

  /** Waits until libvirt has no job with the guest; undefined when the guest is not here. */
  const calm = async (uuid: string, signal: AbortSignal | undefined): Promise<boolean> => {
    for (;;) {
      signal?.throwIfAborted();
      if ((await control.look(uuid)) === undefined) return false;
      const job = await control.link.driver.jobStats(uuid);
      if (job === undefined || job.type === 'none') return true;
      await host.clock.sleep(lookMs, signal);
    }
  };

  const migrate = async (run: TaskRun, doc: VmDoc, input: MoveInput): Promise<void> => {
    const target = await documents.need(nodeKind, input.to);
    const { address } = target.spec;
    if (address === undefined)
      throw vmError('VM_MIGRATION_FAILED', { vm: doc.spec.name, node: input.to, reason: 'it has no address' });
    const { uri, data } = parts.peer(address);
    const done = new AbortController();
    const watching = progress(run, doc.id, done.signal);
    try {
      await control.link.driver.migrateP2P(doc.id, {
        destinationUri: uri,
        migrateUri: data,
        maxDowntimeMs: input.maxDowntimeMs,
        autoConverge: input.autoConverge,
        ...(input.bandwidthMiBs === null ? {} : { bandwidthMiBs: input.bandwidthMiBs }),
        timeoutMs: Math.max(1, run.leftMs),
        signal: run.signal,
      });
    } finally {
      done.abort();
      await watching;
    }
  };

  const progress = async (run: TaskRun, uuid: string, done: AbortSignal): Promise<void> => {
    while (!done.aborted) {
      await host.clock.sleep(progressMs, done).catch(() => undefined);
      if (done.aborted) return;
      try {
        const values = (await control.link.driver.jobStats(uuid))?.values ?? {};
        const total = Number(values['memory_total'] ?? 0);
        const left = Number(values['memory_remaining'] ?? 0);
        if (total > 0)
          run.progress(0.1 + 0.8 * (1 - left / total), `${Math.round(left / 1024 / 1024)} MiB are left to copy`);
      } catch (error) {
        // Only how far it is; the call itself tells how it ends.
        run.log.debug('no progress known', { reason: errorText(error) });
      }
    }
  };

  const live = async (run: TaskRun, doc: VmDoc, input: MoveInput): Promise<void> => {
    if (run.phase === '') await run.advance('migrating', { message: `moves to ${input.to}`, progress: 0.1 });
    // A move that an earlier life of this daemon began goes on in libvirtd.
    if (!(await calm(doc.id, run.signal))) return;
    try {
      await migrate(run, doc, input);
    } catch (error) {
      if (isAway(error) || run.signal.aborted) throw error;
      if (!(await calm(doc.id, run.signal))) return;
      throw vmError(
        'VM_MIGRATION_FAILED',
        { vm: doc.spec.name, node: input.to, reason: errorText(error) },
        { cause: error },
      );
    }
  };

  return acrossLibvirt(
    defineTask({
      action: 'vm.migrate',
      summary: 'moves a guest to another node',
      async run(run) {
        const input = moveInput.parse(run.spec.input);
        const doc = await documents.need(vm, run.spec.target.id);
        const fromMs = host.clock.monotonicMs();
        // Somebody has put it right already, after a crash.
        if (doc.spec.node === input.to && doc.spec.transfer === undefined) return { from: runtime.node, to: input.to };
        try {
          await control.waitFor(doc.id, () => true, run.signal);
          if (input.method === 'live') await live(run, doc, input);
          else await parts.shutDown(run, doc);
        } catch (error) {
          if (!isAway(error) && !run.signal.aborted) await settle(parts, run.spec.target.id, run.id);
          throw error;
        }
        await arrive(runtime, doc.id, input);
        return {
          from: runtime.node,
          to: input.to,
          method: input.method,
          moveMs: Math.round(host.clock.monotonicMs() - fromMs),
        };
      },
      async abandoned(run) {
        const uuid = run.spec.target.id;
        try {
          await control.link.driver.abortJob(uuid);
        } catch (error) {
          // There may be none, or it has just ended: what the guest is then tells.
          run.log.debug('no move to stop', { reason: errorText(error) });
        }
        try {
          await calm(uuid, undefined);
          await settle(parts, uuid, run.id);
        } catch (error) {
          if (!isAway(error)) throw error;
          // Nobody can see what has become of it. The controller puts it right as soon as libvirt is back.
          run.log.info('is put right once libvirt is back', { reason: errorText(error) });
        }
      },
    }),
    host,
  );
}

/** Makes the target the guest's node. A task that was cut off here and comes again finds it done. */
async function arrive(runtime: Runtime, uuid: string, input: Pick<MoveInput, 'to' | 'home'>): Promise<void> {
  await change(runtime, uuid, (spec) =>
    settled(spec, { node: input.to, home: input.home === null || input.home === input.to ? undefined : input.home }),
  );
}

/**
 * Puts a guest right that no task moves any more: one that is here stays, one that is not belongs to where it was
 * going. With `task`, only what that task has begun.
 */
export async function settle(
  parts: Pick<MoveParts, 'runtime' | 'control'>,
  uuid: string,
  task?: string,
): Promise<void> {
  const { runtime, control } = parts;
  const doc = await runtime.documents.get(vm, uuid);
  const transfer = doc?.spec.transfer;
  if (doc === undefined || transfer === undefined || (task !== undefined && transfer.task !== task)) return;
  const here = (await control.look(uuid)) !== undefined;
  await change(runtime, uuid, (spec) =>
    here || spec.run !== 'running'
      ? settled(spec, spec)
      : settled(spec, { node: transfer.to, home: spec.home ?? spec.node }),
  );
}

/** The spec of a guest that is not on its way any more. */
function settled(spec: VmSpec, place: { readonly node: string; readonly home?: string | undefined }): VmSpec {
  const { transfer: _transfer, home: _home, ...rest } = spec;
  return { ...rest, node: place.node, ...(place.home === undefined ? {} : { home: place.home }) };
}

/** Changes the spec over conflicts with others; does nothing when the guest is gone. */
async function change(runtime: Runtime, uuid: string, to: (spec: VmDoc['spec']) => VmDoc['spec']): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const doc = await runtime.documents.get(vm, uuid);
    if (doc === undefined) return;
    const spec = to(doc.spec);
    if (JSON.stringify(spec) === JSON.stringify(doc.spec)) return;
    try {
      await runtime.write([{ do: 'spec', kind: vm, before: doc, spec }]);
      return;
    } catch (error) {
      const passing =
        error instanceof PvcError && ['OBJECT_CHANGED', 'STORE_UNKNOWN', 'STORE_UNAVAILABLE'].includes(error.code);
      if (!passing || tries >= writeTries) throw error;
      await runtime.host.clock.sleep(100 * tries);
    }
  }
}
