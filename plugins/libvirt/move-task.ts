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
  arrivalWrites,
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
import { vmCopy } from './operations/query.ts';
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
/** So often in a row a guest must not be here before it counts as gone. */
const looksForAbsent = 2;
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
    if ((await outcomeOf(parts, doc.id, input.to, run.signal)) === 'there') return;
    try {
      await migrate(run, doc, input);
    } catch (error) {
      if (isAway(error) || run.signal.aborted) throw error;
      if ((await outcomeOf(parts, doc.id, input.to, run.signal)) === 'there') return;
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
        // The end of the move is written down already, and the answer to that was lost, or somebody has put it right
        // after a crash. A guest that is to stay must not be sent on its way again: its node would start another copy.
        if (doc.spec.transfer?.task !== run.id) {
          if (doc.spec.node === input.to) return { from: runtime.node, to: input.to };
          throw vmError('VM_MIGRATION_FAILED', {
            vm: doc.spec.name,
            node: input.to,
            reason: 'an earlier try has failed, and the guest stays where it is',
          });
        }
        try {
          await control.waitFor(doc.id, () => true, run.signal);
          if (input.method === 'live') await live(run, doc, input);
          else {
            await parts.shutDown(run, doc);
            if ((await outcomeOf(parts, doc.id, input.to, run.signal)) === 'here')
              throw vmError('VM_MIGRATION_FAILED', { vm: doc.spec.name, node: input.to, reason: 'it runs again' });
          }
        } catch (error) {
          if (!isAway(error) && !run.signal.aborted) await settle(parts, run.spec.target.id, run.signal);
          throw error;
        }
        await arrive(runtime, doc.id, run.id, input);
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
        // Whatever has become of it, the controller puts it right: it sees a transfer that no task works on.
      },
    }),
    host,
  );
}

/**
 * Makes the target the guest's node: it is there. When it is on its way no more this task has been ended: its node was
 * taken for dead, and the guest goes on where the primary has placed it.
 */
async function arrive(
  runtime: Runtime,
  uuid: string,
  task: string,
  input: Pick<MoveInput, 'to' | 'home'>,
): Promise<void> {
  await change(
    runtime,
    uuid,
    ({ transfer }) => transfer?.task === task,
    (spec) =>
      settled(spec, { node: input.to, home: input.home === null || input.home === input.to ? undefined : input.home }),
  );
}

/**
 * What has become of a move, once libvirt works on it no more. A guest whose CPUs stand still for a move may run at the
 * other end already: libvirt leaves it so when it could not hear how the move ended, and only the other end knows. While
 * that does not answer, nothing is done: two running copies would destroy the guest's disks.
 */
async function outcomeOf(
  { runtime, control }: Pick<MoveParts, 'runtime' | 'control'>,
  uuid: string,
  to: string,
  signal: AbortSignal,
): Promise<'here' | 'there'> {
  const { clock, log } = runtime.host;
  for (let absent = 0; ; ) {
    signal.throwIfAborted();
    const guest = await control.look(uuid);
    if (guest === undefined) {
      absent += 1;
      // A start that an earlier life of this daemon asked for may come this moment.
      if (absent >= looksForAbsent) return 'there';
      await clock.sleep(lookMs, signal);
      continue;
    }
    absent = 0;
    const job = await control.link.driver.jobStats(uuid);
    if (job === undefined || job.type === 'none') {
      if (!guest.inTransit) return 'here';
      const copy = await copyAt(runtime, to, uuid, signal).catch((error: unknown) => {
        log.info('whether a move has succeeded is not known yet', { guest: uuid, to, reason: errorText(error) });
        return 'unknown' as const;
      });
      if (copy === 'here') {
        await control.end(uuid);
        return 'there';
      }
      if (copy === 'none') {
        await control.link.driver.resume(uuid);
        return 'here';
      }
    }
    await clock.sleep(lookMs, signal);
  }
}

const copyAt = async (runtime: Runtime, node: string, uuid: string, signal: AbortSignal) =>
  vmCopy.parse(await runtime.ask('vm.copy', { node, uuid }, signal)).copy;

/**
 * Puts a guest right that no task moves any more: one that is here stays, one that is not belongs to where it was
 * going. Where it was going, a guest that has come to run is taken.
 */
export async function settle(
  parts: Pick<MoveParts, 'runtime' | 'control'>,
  uuid: string,
  signal: AbortSignal,
): Promise<void> {
  const { runtime, control } = parts;
  const doc = await runtime.documents.get(vm, uuid);
  const transfer = doc?.spec.transfer;
  if (doc === undefined || transfer === undefined) return;
  const ofTask = (spec: VmSpec): boolean => spec.transfer?.task === transfer.task;
  if (transfer.to === runtime.node) {
    const guest = await control.look(uuid);
    if (guest === undefined || guest.inTransit) return;
  } else if (doc.spec.run === 'running' && (await outcomeOf(parts, uuid, transfer.to, signal)) === 'here')
    return change(runtime, uuid, ofTask, (spec) => settled(spec, spec));
  await change(runtime, uuid, ofTask, (spec) =>
    spec.run === 'running' ? settled(spec, { node: transfer.to, home: spec.home ?? spec.node }) : settled(spec, spec),
  );
}

/** The spec of a guest that is not on its way any more. */
function settled(spec: VmSpec, place: { readonly node: string; readonly home?: string | undefined }): VmSpec {
  const { transfer: _transfer, home: _home, ...rest } = spec;
  return { ...rest, node: place.node, ...(place.home === undefined ? {} : { home: place.home }) };
}

/** Changes the spec over conflicts with others for as long as it is `still` to be changed; does nothing when the guest is gone. */
async function change(
  runtime: Runtime,
  uuid: string,
  still: (spec: VmSpec) => boolean,
  to: (spec: VmDoc['spec']) => VmDoc['spec'],
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const doc = await runtime.documents.get(vm, uuid);
    if (doc === undefined || !still(doc.spec)) return;
    const spec = to(doc.spec);
    const { documents, host } = runtime;
    try {
      const comes =
        spec.node === doc.spec.node || spec.node === runtime.node
          ? []
          : await arrivalWrites(documents, spec.node, spec.name, host.clock.wallMs());
      await runtime.write([{ do: 'spec', kind: vm, before: doc, spec }, ...comes]);
      return;
    } catch (error) {
      const passing =
        error instanceof PvcError && ['OBJECT_CHANGED', 'STORE_UNKNOWN', 'STORE_UNAVAILABLE'].includes(error.code);
      if (!passing || tries >= writeTries) throw error;
      await runtime.host.clock.sleep(100 * tries);
    }
  }
}
