/**
 * Brings the guests of a machine that goes down to safety: those that can move do so while they run, the others are shut
 * down, and are meant to run on. A task of that node itself, since only it can shut guests down; it has ended when the
 * machine may go.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineTask,
  node as nodeKind,
  PvcError,
  type Runtime,
  type TaskRun,
} from '../../core/plugin/api.ts';
import { acrossLibvirt } from './across-libvirt.ts';
import type { GuestControl, VmDoc } from './guest-control.ts';
import { moveAll, reasons } from './move-all.ts';
import { pressUntilOff, runs } from './shut-down.ts';
import { vm } from './vm-kind.ts';

/** Longer than that no guest may take to shut down: systemd waits half an hour for everything, then it reboots by force. */
export const mostShutdownS = 300;
/** The shortest time that a move is given. */
const leastMoveS = 5;
const writeTries = 10;

interface LeaveData {
  /** Wall clock: until then guests may move. */
  readonly untilMs: number;
}

export function leaveTask(runtime: Runtime, control: GuestControl, leaveSeconds: number): AnyTaskDefinition {
  const { documents, host, node } = runtime;

  const here = async (): Promise<VmDoc[]> =>
    (await documents.listAt(vm, node)).filter(
      ({ spec }) => spec.node === node && (spec.run === 'running' || spec.transfer !== undefined),
    );

  /** @returns how it ended; undefined: it does not run */
  const shutOff = async (run: TaskRun, { id, spec }: VmDoc): Promise<string | undefined> => {
    const guest = await control.look(id);
    if (guest === undefined || !runs(guest.state)) return undefined;
    const patienceUntilMs = host.clock.wallMs() + Math.min(spec.shutdown.timeoutS, mostShutdownS) * 1_000;
    const data = { uuid: id, name: spec.name, domainId: guest.id, patienceUntilMs };
    if (await pressUntilOff({ control, host }, run, data)) return `${spec.name} shut down`;
    await control.end(id);
    return `${spec.name} switched off, which did not hear its power button`;
  };

  const isEmpty = async (boot: string): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      const doc = await documents.need(nodeKind, node);
      if (doc.spec.leaving?.boot !== boot || doc.spec.domainState !== 'flush') return;
      try {
        await runtime.write([
          { do: 'spec', kind: nodeKind, before: doc, spec: { ...doc.spec, domainState: 'flushed' } },
        ]);
        return;
      } catch (error) {
        if (!(error instanceof PvcError) || error.code !== 'OBJECT_CHANGED' || tries >= writeTries) throw error;
      }
    }
  };

  return acrossLibvirt(
    defineTask<LeaveData>({
      action: 'node.leave',
      summary: 'brings the guests of a machine that goes down to safety',
      async run(run) {
        const { bootId } = await host.machine.facts();
        // The machine is back, or was taken back: a task that was cut off must not empty it then.
        if ((await documents.need(nodeKind, node)).spec.leaving?.boot !== bootId)
          return { node, stayed: '', ended: [] };
        if (run.phase === '')
          await run.advance('moving', { data: { untilMs: host.clock.wallMs() + leaveSeconds * 1_000 } });
        const leftS = (): number => Math.floor(((run.data?.untilMs ?? 0) - host.clock.wallMs()) / 1_000);
        const stayed = await moveAll(runtime, run, {
          left: here,
          ask: ({ id }) => {
            const timeoutS = leftS();
            if (timeoutS < leastMoveS) throw new Error('no time was left to move it');
            return { operation: 'vm.migrate', input: { vm: id, timeoutS } };
          },
        });
        await run.advance('shutdown', { message: `${stayed.size} guests are shut down`, progress: 0.8 });
        const ended = await Promise.all((await here()).map((guest) => shutOff(run, guest)));
        await isEmpty(bootId);
        return { node, stayed: reasons(stayed), ended: ended.filter((one) => one !== undefined) };
      },
    }),
    host,
  );
}
