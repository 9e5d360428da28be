/** Keeps the guests of this node as their documents say. @module */
import { type Condition, type Controller, defineController, type Runtime, task, View } from '../../core/plugin/api.ts';
import { diffDevices } from './domain/device-diff.ts';
import { parseXml, printXml } from './domain/xml.ts';
import type { GuestControl, VmDoc } from './guest-control.ts';
import { type GuestObserved, type GuestStep, planGuest } from './guest-plan.ts';
import type { VmSpec } from './schema.ts';
import { type VmStatus, vm } from './vm-kind.ts';

/** A guest that has run this long counts as steady: its next end is the first again. */
const steadyMs = 5 * 60_000;

export function guestController(
  runtime: Runtime,
  control: GuestControl,
): Controller<VmSpec, VmStatus, GuestObserved, GuestStep> {
  const ends = new Map<string, { count: number; lastMs: number }>();
  const { host, documents, node } = runtime;

  const noteEnd = (uuid: string): void => {
    const nowMs = host.clock.wallMs();
    const known = ends.get(uuid);
    ends.set(uuid, {
      count: known === undefined || nowMs - known.lastMs > steadyMs ? 1 : known.count + 1,
      lastMs: nowMs,
    });
  };

  return defineController<VmSpec, VmStatus, GuestObserved, GuestStep>({
    name: 'vm',
    summary: 'starts, ends and adjusts the guests of this node',
    kind: vm,
    scope: 'node',
    mine: (doc, name) => doc.spec.node === name,
    present: () => control.present(),

    async observe(uuid, doc) {
      const holder = await documents.find(task, 'target', `vm:${uuid}`);
      if (!control.link.connected)
        return {
          connected: false,
          guest: undefined,
          task: holder,
          differences: undefined,
          ends: { count: 0, lastMs: 0 },
        };
      const guest = await control.look(uuid);
      const wanted = doc?.spec.run === 'running' && guest !== undefined ? await control.render(doc) : undefined;
      return {
        connected: true,
        guest,
        task: holder,
        // A plugin that fails for a moment must not cost a running guest the devices that it adds.
        differences:
          wanted?.complete !== true || guest === undefined
            ? undefined
            : diffDevices({ startedFrom: guest.startedFrom, wanted: parseXml(wanted.text), live: guest.xml }),
        ends: ends.get(uuid) ?? { count: 0, lastMs: 0 },
      };
    },

    plan: (doc, observed, { nowMs }) =>
      planGuest(doc, observed, nowMs, doc?.spec.name ?? observed.guest?.xml.attributes['name'] ?? 'guest'),

    async apply(step, uuid) {
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
        case 'attach':
          await control.link.driver.attachDevice(uuid, printXml(step.device));
          return;
        case 'detach':
          await control.link.driver.detachDevice(uuid, printXml(step.device));
          return;
        case 'update':
          await control.link.driver.updateDevice(uuid, printXml(step.device));
          return;
      }
    },

    report: (doc, observed, conditions, { nowMs }) => statusOf(doc, observed, conditions, nowMs, node),

    async watch(touch, signal) {
      const stop = control.link.listen((uuid, event) => {
        if (event?.kind === 'lifecycle' && event.event === 'stopped') noteEnd(uuid);
        touch(uuid);
      });
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      stop();
    },
  });
}

/** The status document for what was observed. While libvirt is away the last known one stands. */
export function statusOf(
  doc: VmDoc,
  observed: GuestObserved,
  conditions: readonly Condition[],
  nowMs: number,
  node: string,
): VmStatus {
  const { guest, connected, differences } = observed;
  const before = doc.status;
  if (!connected && before !== undefined) return { ...before, conditions: [...conditions] };
  const state: VmStatus['state'] = !connected ? 'unknown' : (guest?.state ?? 'stopped');
  const reason = guest?.reason ?? (doc.spec.run === 'running' ? 'not started yet' : doc.spec.run);
  return {
    state,
    reason,
    node,
    sinceMs: before !== undefined && before.state === state && before.node === node ? before.sinceMs : nowMs,
    ...(guest?.startedFromVersion === undefined ? {} : { startedFrom: guest.startedFromVersion }),
    restartNeeded: differences?.restart.slice(0, 50) ?? [],
    ...(guest?.accelerator === undefined ? {} : { accelerator: guest.accelerator }),
    ...(guest?.vnc === undefined ? {} : { vnc: guest.vnc }),
    notes: [...(guest?.notes ?? [])],
    conditions: [...conditions],
  };
}

/** Guests that are to be started when their node boots, although they were stopped. Called once a boot. */
export async function autostart(runtime: Runtime): Promise<string[]> {
  const view = new View(runtime.documents);
  const due = (await view.list(vm))
    .filter((doc) => doc.spec.node === runtime.node && doc.spec.autostart && doc.spec.run === 'stopped')
    .sort((a, b) => b.spec.priority - a.spec.priority);
  for (const doc of due)
    await runtime.write([{ do: 'spec', kind: vm, before: doc, spec: { ...doc.spec, run: 'running' } }]);
  return due.map((doc) => doc.spec.name);
}
