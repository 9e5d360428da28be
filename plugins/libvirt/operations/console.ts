/** The console of a guest: its log, and the line itself. @module */
import type { Runtime } from '../../../core/plugin/api.ts';
import { defineChannel, defineFeed, defineQuery, z } from '../../../core/plugin/api.ts';
import { follow, tail } from '../console-log.ts';
import type { GuestControl } from '../guest-control.ts';
import { needRunning, needVm, onGuestNode, vmArgument, vmRef } from './common.ts';

const lines = z.int().min(0).max(100_000).default(100).describe('how many of the last lines');

/** A serial line ends its lines with carriage return and line feed; a terminal needs the latter only. */
const renderLog = (output: { text: string }): string => output.text.replaceAll('\r', '').replace(/\n$/, '');

export const consoleOperations = (control: () => GuestControl, runtime: () => Runtime) => [
  defineQuery({
    name: 'vm.log',
    summary: 'Print the console log of a guest',
    description:
      'What the guest has written to its serial console, also before its last restart. With --follow it goes on until Ctrl-C.',
    http: { method: 'GET', path: '/vms/{vm}/log' },
    cli: {
      command: 'vm log',
      arguments: [vmArgument],
      options: { lines: { short: 'l' }, follow: { short: 'f' } },
      flags: z.strictObject({ follow: z.boolean().default(false).describe('go on as it grows') }),
      render: renderLog,
      run: (context) => context.perform(context.input, context.flags['follow'] === true ? 'vm.log-follow' : 'vm.log'),
      examples: ['pvc vm log web1 --lines 20', 'pvc vm log web1 -f'],
    },
    role: 'viewer',
    input: z.strictObject({ vm: vmRef, lines }),
    output: z.object({ text: z.string() }),
    on: onGuestNode,
    async run({ view }, input) {
      const doc = await needVm(view, input.vm);
      return { text: (await tail(runtime().host, control().consoleLog(doc.id), input.lines)).text };
    },
  }),
  defineFeed({
    name: 'vm.log-follow',
    summary: 'Follow the console log of a guest',
    http: { method: 'GET', path: '/vms/{vm}/log/follow' },
    cli: { command: 'vm follow', arguments: [vmArgument], options: { lines: { short: 'l' } }, render: renderLog },
    role: 'viewer',
    input: z.strictObject({ vm: vmRef, lines }),
    output: z.object({ text: z.string() }),
    on: onGuestNode,
    async *open({ view, signal }, input, resumeAfter) {
      const doc = await needVm(view, input.vm);
      const { host } = runtime();
      const path = control().consoleLog(doc.id);
      let offset = resumeAfter !== undefined && /^\d{1,15}$/.test(resumeAfter) ? Number(resumeAfter) : undefined;
      if (offset === undefined) {
        const first = await tail(host, path, input.lines);
        offset = first.offset;
        if (first.text !== '') yield { id: String(offset), data: { text: first.text } };
      }
      for await (const part of follow(host, path, offset, signal))
        yield { id: String(part.offset), data: { text: part.text } };
    },
  }),
  defineChannel({
    name: 'vm.console',
    summary: 'Use the serial console of a running guest',
    description:
      'Attaches this terminal to the guest’s serial line; Ctrl-] leaves. One at a time: --force takes it from whoever has it.',
    http: { method: 'GET', path: '/vms/{vm}/console' },
    cli: { command: 'vm console', arguments: [vmArgument], examples: ['pvc vm console web1'] },
    role: 'operator',
    input: z.strictObject({ vm: vmRef, force: z.boolean().default(false).describe('take it from another user') }),
    output: z.null(),
    on: onGuestNode,
    async connect({ view }, input) {
      const doc = await needVm(view, input.vm);
      needRunning(doc, 'its console');
      return control().link.driver.openConsole(doc.id, { force: input.force });
    },
  }),
];
