/** Keeps the guests of this node as their documents say. @module */
import {
  type Condition,
  type Controller,
  defineController,
  faultId,
  node as nodeKind,
  type Runtime,
  task,
} from '../../core/plugin/api.ts';
import { printXml } from './domain/xml.ts';
import { giveUp } from './give-up.ts';
import { startedAnew } from './give-up-plan.ts';
import { type GuestControl, signOf, type VmDoc } from './guest-control.ts';
import { type Ends, manyEnds, noEnds } from './guest-ends.ts';
import { type GuestObserved, type GuestStep, planGuest } from './guest-plan.ts';
import { settle } from './move-task.ts';
import type { VmSpec } from './schema.ts';
import { type VmStatus, vm } from './vm-kind.ts';

export function guestController(
  runtime: Runtime,
  control: GuestControl,
): Controller<VmSpec, VmStatus, GuestObserved, GuestStep> {
  const { documents, node, faults } = runtime;
  const { ends, isolation } = control;

  /** The ends of a guest that count, told as a fault once there are many. Those that somebody wanted do not. */
  const endsOf = (uuid: string, doc: VmDoc | undefined, holder: string | undefined): Ends => {
    if (doc?.spec.run !== 'running' || holder !== undefined) ends.forget(uuid);
    const found = ends.of(uuid);
    const fault = faultId('vm.ends', uuid);
    const failed = doc?.spec.crashes?.failed;
    tellFailed(uuid, doc, failed);
    if (doc === undefined || failed !== undefined || found.count < manyEnds) faults.clear(fault);
    else {
      faults.raise(fault, {
        severity: 'warning',
        message: `The guest ${doc.spec.name} ends again and again: ${found.count} times lately, the last time it was ${found.reason}.`,
        hint: `${whatFollows(doc)} See \`pvc vm log ${doc.spec.name}\`; \`pvc vm stop ${doc.spec.name}\` ends that.`,
        object: `vm ${doc.spec.name}`,
      });
    }
    return found;
  };

  const leaving = async (): Promise<boolean> => {
    const own = (await documents.get(nodeKind, node))?.spec.leaving;
    return own !== undefined && own.boot === (await runtime.host.machine.facts()).bootId;
  };

  const tellFailed = (uuid: string, doc: VmDoc | undefined, failed: string | undefined): void => {
    const fault = faultId('vm.failed', uuid);
    if (doc?.spec.run !== 'running' || failed === undefined) faults.clear(fault);
    else
      faults.raise(fault, {
        severity: 'critical',
        message: `The guest ${doc.spec.name} has failed and is not started any more: ${failed}.`,
        hint: `See \`pvc vm log ${doc.spec.name}\`; \`pvc vm start ${doc.spec.name}\` tries it again, \`pvc vm stop ${doc.spec.name}\` leaves it off.`,
        object: `vm ${doc.spec.name}`,
      });
  };

  /** What libvirt tells of a move, once: when the guest is first seen here and another node had it before. */
  const arrivalOf = async (doc: VmDoc, guest: { readonly state: string }): Promise<VmStatus['arrived']> => {
    const from = doc.status?.node;
    if (from === undefined || from === node || guest.state !== 'running') return undefined;
    const values = (await control.link.driver.jobStats(doc.id, true))?.values ?? {};
    const number = (name: string): number | undefined =>
      typeof values[name] === 'number' ? Math.round(values[name]) : undefined;
    const pauseMs = number('downtime');
    const tookMs = number('time_elapsed');
    return {
      from,
      atMs: runtime.host.clock.wallMs(),
      ...(pauseMs === undefined ? {} : { pauseMs }),
      ...(tookMs === undefined ? {} : { tookMs }),
    };
  };

  return defineController<VmSpec, VmStatus, GuestObserved, GuestStep>({
    name: 'vm',
    summary: 'starts, ends and adjusts the guests of this node',
    kind: vm,
    scope: 'node',
    mine: (doc, name) => doc.spec.node === name,
    glance: () => control.glance(),
    sign: ({ connected, guest, task: holder, ends: lately }) =>
      connected && holder === undefined && lately.count === 0 ? (guest === undefined ? '' : signOf(guest)) : undefined,

    async observe(uuid, doc) {
      const holder = await documents.find(task, 'target', `vm:${uuid}`);
      const others = doc === undefined ? await documents.get(vm, uuid) : undefined;
      const coming = others?.spec.transfer?.to === node;
      isolation.learn(uuid, coming ? others : doc);
      if (!control.link.connected)
        return { connected: false, guest: undefined, task: holder, differences: undefined, ends: noEnds };
      const guest = await control.look(uuid);
      const wanted = doc?.spec.run === 'running' && guest !== undefined ? await control.render(doc) : undefined;
      return {
        connected: true,
        guest,
        task: holder,
        coming,
        // A plugin that fails for a moment must not cost a running guest the devices that it adds.
        differences:
          wanted?.complete !== true || guest === undefined
            ? undefined
            : control.readings.differences(uuid, guest.startedFrom, guest.xml, wanted.text),
        ends: endsOf(uuid, doc, holder),
        // Asked for those alone that might be started.
        leaving: doc?.spec.run === 'running' && guest?.state !== 'running' && (await leaving()),
        ...(guest?.state === 'running' && doc?.spec.crashes !== undefined
          ? { steadyInMs: ends.steadyInMs(uuid, guest.id) }
          : {}),
        arrival: guest === undefined || doc === undefined ? undefined : await arrivalOf(doc, guest),
      };
    },

    plan: (doc, observed) =>
      planGuest(doc, observed, doc?.spec.name ?? observed.guest?.xml.attributes['name'] ?? 'guest'),

    apply: (step, uuid, signal) =>
      control.inTurn(uuid, async () => {
        signal.throwIfAborted();
        // A task may have begun to work on it since it was looked at.
        if ((await documents.find(task, 'target', `vm:${uuid}`)) !== undefined) return;
        switch (step.do) {
          case 'start': {
            const doc = await documents.need(vm, uuid);
            // The last look at the intent: it may have changed while earlier steps ran.
            if (doc.spec.run === 'running' && doc.spec.node === node) await control.start(doc);
            return;
          }
          case 'end':
            await control.end(uuid);
            return;
          case 'give-up':
            await giveUp({ runtime, control }, uuid, signal);
            return;
          case 'forgive': {
            const before = await documents.need(vm, uuid);
            const { crashes: _crashes, ...spec } = before.spec;
            await runtime.write([{ do: 'spec', kind: vm, before, spec }]);
            return;
          }
          case 'settle':
            await settle({ runtime, control }, uuid, signal);
            return;
          case 'attach':
            await control.attach(await documents.need(vm, uuid), step.device);
            return;
          case 'detach':
            await control.link.driver.detachDevice(uuid, printXml(step.device));
            return;
          case 'update':
            await control.link.driver.updateDevice(uuid, printXml(step.device));
            return;
        }
      }),

    report: (doc, observed, conditions, { nowMs }) => statusOf(doc, observed, conditions, nowMs, node),

    async watch(touch, signal) {
      const stop = control.link.listen((uuid, event) => {
        if (event?.kind === 'lifecycle' && event.event === 'crashed') ends.crashes(uuid);
        if (event?.kind === 'lifecycle' && event.event === 'stopped' && !isolation.hasEnded(uuid))
          ends.note(uuid, event.detail);
        touch(uuid);
      });
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      stop();
    },
  });
}

/** What is done about a guest that ends again and again. */
function whatFollows({ spec }: VmDoc): string {
  const { tries, then } = spec.restart;
  const again = 'It is started again after longer and longer pauses';
  if (then === 'again') return `${again}.`;
  return `${again}, ${tries} times on a node, and ${then === 'move' ? 'then goes on on another' : 'then is failed'}.`;
}

/** Why a guest does not run. */
function whyOff({ spec, status }: VmDoc, ends: Ends): string {
  if (spec.run !== 'running') return spec.run;
  if (ends.count > 0) return ends.reason;
  return status === undefined || status.state === 'stopped' ? 'not started yet' : 'gone';
}

/** The status document for what was observed. While libvirt is away the last known one stands. */
export function statusOf(
  doc: VmDoc,
  observed: GuestObserved,
  conditions: readonly Condition[],
  nowMs: number,
  node: string,
): VmStatus {
  const { guest, connected, differences, ends } = observed;
  const before = doc.status;
  if (!connected && before !== undefined) return { ...before, conditions: [...conditions] };
  const state: VmStatus['state'] = !connected ? 'unknown' : (guest?.state ?? 'stopped');
  const arrived =
    guest === undefined ? undefined : (observed.arrival ?? (before?.node === node ? before.arrived : undefined));
  const reason = guest?.reason ?? whyOff(doc, ends);
  return {
    state,
    reason,
    node,
    sinceMs: before !== undefined && before.state === state && before.node === node ? before.sinceMs : nowMs,
    ...(guest?.startedFromVersion === undefined ? {} : { startedFrom: guest.startedFromVersion }),
    restartNeeded: differences?.restart.slice(0, 50) ?? [],
    ...(guest?.accelerator === undefined ? {} : { accelerator: guest.accelerator }),
    ...(guest?.vnc === undefined ? {} : { vnc: guest.vnc }),
    ...(arrived === undefined ? {} : { arrived }),
    ...(ends.count === 0 ? {} : { ends: { count: ends.count, lastMs: ends.lastMs, reason: ends.reason } }),
    notes: [...(guest?.notes ?? [])],
    conditions: [...conditions],
  };
}

/** Guests that are to be started when their node boots, although they were stopped. Called once a boot. */
export async function autostart(runtime: Runtime): Promise<string[]> {
  const due = (await runtime.documents.listAt(vm, runtime.node))
    .filter((doc) => doc.spec.node === runtime.node && doc.spec.autostart && doc.spec.run === 'stopped')
    .sort((a, b) => b.spec.priority - a.spec.priority);
  for (const doc of due) await runtime.write([{ do: 'spec', kind: vm, before: doc, spec: startedAnew(doc.spec) }]);
  return due.map((doc) => doc.spec.name);
}
