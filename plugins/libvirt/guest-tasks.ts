/**
 * The verbs that take time, each as a task of the guest's node. While one is at work the controller
 * leaves the guest alone; what remains to be done when it ends follows from the intent.
 * @module
 */
import { type AnyTaskDefinition, defineTask, errorText, type Runtime, type TaskRun } from '../../core/plugin/api.ts';
import { acrossLibvirt, isAway } from './across-libvirt.ts';
import type { GuestControl, VmDoc } from './guest-control.ts';
import { type MoveParts, moveTask } from './move-task.ts';
import { growInput } from './operations/volume-users.ts';
import type { VmSpec } from './schema.ts';
import { pressUntilOff, runs, type ShutdownData } from './shut-down.ts';
import { vm, vmError } from './vm-kind.ts';

/** So long a task that is done waits until the guest's status tells so; it is told within a few milliseconds. */
const shownWithinMs = 2_000;
const shownLookMs = 20;

export function guestTasks(runtime: Runtime, control: GuestControl, peer: MoveParts['peer']): AnyTaskDefinition[] {
  const { host, documents } = runtime;
  const docOf = (run: Pick<TaskRun, 'spec'>): Promise<VmDoc> => documents.need(vm, run.spec.target.id);

  /** A guest that was to go off and still runs is meant to run again, unless somebody has decided otherwise meanwhile. */
  const keepRunning = async (uuid: string, asked: VmSpec['run']): Promise<void> => {
    for (let tries = 0; tries < 5; tries += 1) {
      const doc = await documents.get(vm, uuid);
      if (doc === undefined || doc.spec.run !== asked) return;
      try {
        await runtime.write([{ do: 'spec', kind: vm, before: doc, spec: { ...doc.spec, run: 'running' } }]);
        return;
      } catch (error) {
        if ((error as { code?: string }).code !== 'OBJECT_CHANGED') throw error;
      }
    }
  };

  const patience = (doc: VmDoc, domainId: number): ShutdownData => ({
    domainId,
    patienceUntilMs: host.clock.wallMs() + doc.spec.shutdown.timeoutS * 1000,
  });

  const off = async (run: TaskRun<ShutdownData>, doc: VmDoc): Promise<'by itself' | 'switched off' | 'was off'> => {
    const uuid = doc.id;
    const vmName = doc.spec.name;
    if (run.phase === '') {
      const guest = await control.waitFor(uuid, () => true, run.signal);
      if (guest === undefined || !runs(guest.state)) return 'was off';
      await run.advance('shutdown', {
        data: patience(doc, guest.id),
        message: 'waiting for the guest to shut down',
        progress: 0.1,
      });
    }
    if (run.phase === 'shutdown' && run.data !== undefined) {
      if (await pressUntilOff({ control, host }, run, { uuid, name: vmName, ...run.data })) return 'by itself';
      if (doc.spec.shutdown.then === 'fail')
        throw vmError('VM_IGNORES_SHUTDOWN', { vm: vmName, seconds: doc.spec.shutdown.timeoutS });
      await run.advance('poweroff', {
        message: `no reaction within ${doc.spec.shutdown.timeoutS} s, switching it off`,
        progress: 0.8,
      });
    }
    await control.end(uuid);
    await control.waitFor(uuid, (guest) => guest === undefined || guest.id !== run.data?.domainId, run.signal);
    return 'switched off';
  };

  const start = async (run: TaskRun, doc: VmDoc): Promise<{ node: string; accelerator: string }> => {
    await control.waitFor(doc.id, () => true, run.signal);
    await control.start(doc);
    control.ends.forget(doc.id);
    const guest = await control.waitFor(doc.id, (seen) => seen !== undefined && seen.state !== 'stopped', run.signal);
    return { node: runtime.node, accelerator: guest?.accelerator ?? '' };
  };

  const definitions: AnyTaskDefinition[] = [
    defineTask({
      action: 'vm.start',
      summary: 'starts a guest',
      run: async (run) => start(run, await docOf(run)),
    }),
    defineTask({
      action: 'vm.stop',
      summary: 'switches a guest off',
      async run(run) {
        const doc = await docOf(run);
        await control.waitFor(doc.id, () => true, run.signal);
        await control.end(doc.id);
        await control.waitFor(doc.id, (guest) => guest === undefined, run.signal);
        return {};
      },
    }),
    defineTask<ShutdownData>({
      action: 'vm.shutdown',
      summary: 'asks a guest to shut down, and switches it off when it does not',
      async run(run) {
        const doc = await docOf(run);
        try {
          return { ended: await off(run, doc) };
        } catch (error) {
          // It was not to be switched off: what still runs is meant to run.
          if ((error as { code?: string }).code === 'VM_IGNORES_SHUTDOWN') await keepRunning(doc.id, doc.spec.run);
          throw error;
        }
      },
      async abandoned(run) {
        const doc = await documents.get(vm, run.spec.target.id);
        if (doc === undefined) return;
        const guest = await control.look(doc.id).catch((error: unknown) => {
          // What nobody can see may run: then it is to go on.
          if (isAway(error)) return 'unseen' as const;
          throw error;
        });
        if (guest !== undefined) await keepRunning(doc.id, doc.spec.run);
      },
    }),
    defineTask<ShutdownData>({
      action: 'vm.restart',
      summary: 'shuts a guest down and starts it again',
      async run(run) {
        const doc = await docOf(run);
        let ended: string = 'by itself';
        if (run.phase !== 'start') {
          ended =
            (run.spec.input as { force?: boolean } | null)?.force === true
              ? await forceOff(run, doc)
              : await off(run, doc);
          await run.advance('start', { message: 'starting it again', progress: 0.9 });
        }
        return { ended, ...(await start(run, doc)) };
      },
    }),
    defineTask({
      action: 'vm.reset',
      summary: 'presses the reset button',
      async run(run) {
        await control.waitFor(run.spec.target.id, () => true, run.signal);
        await control.link.driver.reset(run.spec.target.id);
        return {};
      },
    }),
    defineTask({
      action: 'vm.pause',
      summary: 'stops the virtual CPUs of a guest',
      async run(run) {
        await control.waitFor(run.spec.target.id, () => true, run.signal);
        await control.link.driver.suspend(run.spec.target.id);
        await control.waitFor(run.spec.target.id, (guest) => guest?.state === 'paused', run.signal);
        return {};
      },
    }),
    defineTask({
      action: 'vm.resume',
      summary: 'lets the virtual CPUs of a guest run again',
      async run(run) {
        await control.waitFor(run.spec.target.id, () => true, run.signal);
        await control.link.driver.resume(run.spec.target.id);
        await control.waitFor(run.spec.target.id, (guest) => guest?.state === 'running', run.signal);
        return {};
      },
    }),
    defineTask({
      action: 'vm.disk-grow',
      summary: 'lets a running guest see that its disk has grown',
      async run(run) {
        const { target, sizeBytes } = growInput.parse(run.spec.input);
        const guest = await control.waitFor(run.spec.target.id, () => true, run.signal);
        // One that is off sees it when it starts.
        if (guest === undefined || !runs(guest.state)) return { seen: false };
        await control.link.driver.blockResize(run.spec.target.id, target, sizeBytes);
        return { seen: true };
      },
    }),
  ];
  return [
    ...definitions.map((definition) => acrossLibvirt(inTurn(definition), host)),
    inTurn(
      moveTask({
        runtime,
        control,
        peer,
        shutDown: (run, doc) => off(run as TaskRun<ShutdownData>, doc),
      }),
    ),
  ];

  /** The task, once what the controller had begun has ended; from now on the controller leaves the guest alone. */
  function inTurn(definition: AnyTaskDefinition): AnyTaskDefinition {
    return {
      ...definition,
      async run(run) {
        await control.inTurn(run.spec.target.id, async () => undefined);
        const result: unknown = await definition.run(run);
        await shown(run);
        return result;
      },
    };
  }

  /**
   * Whoever waits for a task asks for the next thing the moment it is done, and would be refused for what the status
   * said before: `pvc vm resume X && pvc vm pause X`.
   */
  async function shown(run: TaskRun): Promise<void> {
    const uuid = run.spec.target.id;
    const untilMs = host.clock.monotonicMs() + shownWithinMs;
    try {
      while (host.clock.monotonicMs() < untilMs) {
        const doc = await documents.get(vm, uuid);
        if (doc === undefined || doc.spec.node !== runtime.node) return;
        if (doc.status?.state === ((await control.look(uuid))?.state ?? 'stopped')) return;
        await host.clock.sleep(shownLookMs, run.signal);
      }
    } catch (error) {
      // What was asked is done, whatever can be seen of it now.
      run.log.debug('the status of the guest is not waited for', { reason: errorText(error) });
    }
  }

  async function forceOff(run: TaskRun<ShutdownData>, doc: VmDoc): Promise<string> {
    const guest = await control.waitFor(doc.id, () => true, run.signal);
    if (guest === undefined) return 'was off';
    await control.end(doc.id);
    await control.waitFor(doc.id, (seen) => seen === undefined || seen.id !== guest.id, run.signal);
    return 'switched off';
  }
}
