/** Start, stop and what is between. @module */
import { defineMutation, type PlanBuilder, z } from '../../../core/plugin/api.ts';
import { startedAnew } from '../give-up-plan.ts';
import type { VmDoc } from '../guest-control.ts';
import type { VmSpec } from '../schema.ts';
import { isRunning, vm, vmError } from '../vm-kind.ts';
import {
  answerOf,
  foretell,
  needRoom,
  needRules,
  needRunning,
  needVm,
  vmAnswer,
  vmArgument,
  vmRef,
  vmTask,
} from './common.ts';

export const startTimeoutMs = 120_000;
const switchTimeoutMs = 90_000;
/** On top of the guest's own time to shut down: switching off, and starting again. */
const restartExtraMs = 180_000;

const input = z.strictObject({ vm: vmRef });

/**
 * It is meant to run from now on, and nobody has given it up. Written in every case: a node that gives it up in the same
 * moment must not place it elsewhere while the task starts it here.
 */
function meantToRun(plan: PlanBuilder, doc: VmDoc): VmSpec {
  const spec = startedAnew(doc.spec);
  if (doc.spec.run === 'running' && doc.spec.crashes === undefined) plan.touch(vm, doc);
  else plan.update(vm, doc, spec);
  return spec;
}

export const powerOperations = [
  defineMutation({
    name: 'vm.start',
    summary: 'Start a guest',
    http: { method: 'POST', path: '/vms/{vm}/start' },
    cli: { command: 'vm start', arguments: [vmArgument], waits: true },
    role: 'operator',
    input,
    output: vmAnswer,
    async plan(plan, context, { vm: ref }) {
      const doc = await needVm(context.view, ref);
      if (doc.spec.run === 'running' && isRunning(doc)) {
        plan.warn(`${doc.spec.name} runs already.`);
        return answerOf(doc);
      }
      const spec = meantToRun(plan, doc);
      await needRoom(plan, context, doc, spec);
      await needRules(plan, context, doc);
      vmTask(plan, doc, 'vm.start', startTimeoutMs);
      foretell(plan, doc, spec);
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.stop',
    summary: 'Switch a guest off at once, like pulling the plug',
    http: { method: 'POST', path: '/vms/{vm}/stop' },
    cli: {
      command: 'vm stop',
      arguments: [vmArgument],
      confirm: 'Switch the guest {vm} off? What it has not written is lost.',
      waits: true,
    },
    role: 'operator',
    input,
    output: vmAnswer,
    async plan(plan, context, { vm: ref }) {
      const doc = await needVm(context.view, ref);
      const spec: VmSpec = { ...doc.spec, run: doc.spec.run === 'disabled' ? 'disabled' : 'stopped' };
      if (doc.spec.run !== 'running' && !isRunning(doc)) {
        plan.warn(`${doc.spec.name} is stopped already.`);
        return answerOf(doc);
      }
      if (doc.spec.run === 'running') plan.update(vm, doc, spec);
      vmTask(plan, doc, 'vm.stop', switchTimeoutMs);
      foretell(plan, doc, spec);
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.shutdown',
    summary: 'Ask a guest to shut down; after its time-out it is switched off, or it fails, as defined',
    http: { method: 'POST', path: '/vms/{vm}/shutdown' },
    cli: { command: 'vm shutdown', arguments: [vmArgument], waits: true },
    role: 'operator',
    input,
    output: vmAnswer,
    async plan(plan, context, { vm: ref }) {
      const doc = await needVm(context.view, ref);
      if (doc.spec.run !== 'running' && !isRunning(doc)) {
        plan.warn(`${doc.spec.name} is stopped already.`);
        return answerOf(doc);
      }
      const spec: VmSpec = { ...doc.spec, run: doc.spec.run === 'disabled' ? 'disabled' : 'stopped' };
      plan.update(vm, doc, spec);
      vmTask(plan, doc, 'vm.shutdown', doc.spec.shutdown.timeoutS * 1000 + switchTimeoutMs);
      plan.act(
        `press the power button of ${doc.spec.name} (on ${doc.spec.node}), and wait up to ${doc.spec.shutdown.timeoutS} s`,
      );
      plan.act(
        doc.spec.shutdown.then === 'poweroff'
          ? 'then switch it off if it still runs'
          : 'then fail if it still runs, and leave it running',
      );
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.restart',
    summary: 'Shut a guest down and start it again, with its newest definition',
    description:
      'A guest that ignores the power button is switched off after its time-out (see `vm meta --on-timeout`).',
    http: { method: 'POST', path: '/vms/{vm}/restart' },
    cli: { command: 'vm restart', arguments: [vmArgument], waits: true },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      force: z.boolean().default(false).describe('switch it off instead of asking it'),
    }),
    output: vmAnswer,
    async plan(plan, context, { vm: ref, force }) {
      const doc = await needVm(context.view, ref);
      needRunning(doc, 'a restart');
      const spec = meantToRun(plan, doc);
      await needRoom(plan, context, doc, spec);
      vmTask(plan, doc, 'vm.restart', doc.spec.shutdown.timeoutS * 1000 + restartExtraMs, { force });
      plan.act(
        force
          ? `switch ${doc.spec.name} off (on ${doc.spec.node})`
          : `press the power button of ${doc.spec.name} (on ${doc.spec.node}), and wait up to ${doc.spec.shutdown.timeoutS} s`,
      );
      plan.act(`start ${doc.spec.name} again`);
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.disable',
    summary: 'Shut a guest down and keep it from being started by anything automatic',
    http: { method: 'POST', path: '/vms/{vm}/disable' },
    cli: { command: 'vm disable', arguments: [vmArgument], waits: true },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      force: z.boolean().default(false).describe('switch it off instead of asking it'),
    }),
    output: vmAnswer,
    async plan(plan, context, { vm: ref, force }) {
      const doc = await needVm(context.view, ref);
      const spec: VmSpec = { ...doc.spec, run: 'disabled' };
      if (doc.spec.run === 'disabled') {
        plan.warn(`${doc.spec.name} is disabled already.`);
        return answerOf(doc);
      }
      plan.update(vm, doc, spec);
      if (isRunning(doc) || doc.spec.run === 'running') {
        vmTask(plan, doc, force ? 'vm.stop' : 'vm.shutdown', doc.spec.shutdown.timeoutS * 1000 + switchTimeoutMs);
        plan.act(`${force ? 'switch off' : 'shut down'} ${doc.spec.name} (on ${doc.spec.node})`);
      }
      plan.act(`disable ${doc.spec.name}`);
      return answerOf({ ...doc, spec });
    },
  }),
  ...(
    [
      {
        verb: 'reset',
        summary: 'Press the reset button of a guest',
        states: ['running', 'paused', 'crashed'],
        what: 'a reset',
        confirm: 'Reset the guest {vm}? What it has not written is lost.',
      },
      { verb: 'pause', summary: 'Stop the virtual CPUs of a guest', states: ['running'], what: 'pausing it' },
      { verb: 'resume', summary: 'Let a paused guest run on', states: ['paused'], what: 'resuming it' },
    ] as const
  ).map((one) =>
    defineMutation({
      name: `vm.${one.verb}`,
      summary: one.summary,
      http: { method: 'POST', path: `/vms/{vm}/${one.verb}` },
      cli: {
        command: `vm ${one.verb}`,
        arguments: [vmArgument],
        waits: true,
        ...('confirm' in one ? { confirm: one.confirm } : {}),
      },
      role: 'operator',
      input,
      output: vmAnswer,
      async plan(plan, { view }, { vm: ref }) {
        const doc = await needVm(view, ref);
        needRunning(doc, one.what);
        const state = doc.status?.state ?? 'unknown';
        if (!(one.states as readonly string[]).includes(state))
          throw vmError('VM_STATE', { vm: doc.spec.name, state, what: one.what });
        vmTask(plan, doc, `vm.${one.verb}`, switchTimeoutMs);
        plan.act(`${one.verb} ${doc.spec.name} (on ${doc.spec.node})`);
        return answerOf(doc);
      },
    }),
  ),
];
