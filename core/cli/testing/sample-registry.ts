/** Operations of every sort, shaped as a guest plugin's are, for the tests of the command line. @module */
import { z } from 'zod';
import { taskOperations } from '../../cluster/task-operations.ts';
import { objectName } from '../../model/names.ts';
import { defineChannel, defineFeed, defineMutation, defineQuery, type Operation } from '../../operation/operation.ts';
import { OperationRegistry } from '../../operation/registry.ts';

const unused = async (): Promise<never> => {
  throw new Error('the command line does not run operations itself');
};

const vm = z.object({
  name: z.string(),
  state: z.string(),
  node: z.string().optional(),
  memoryMiB: z.int(),
  vcpus: z.int(),
  sinceMs: z.int().optional(),
  description: z.string(),
});

const guest = objectName.describe('Name or UUID of the guest');
const guestArgument = [{ field: 'vm', complete: 'vm' }] as const;

const nic = z.object({
  bridge: z.string().describe('Bridge of the host'),
  model: z.enum(['virtio', 'e1000']).default('virtio').describe('Card that the guest sees'),
  mac: z.string().optional(),
  link: z.boolean().default(true),
});

const sampleOperations: readonly Operation[] = [
  defineQuery({
    name: 'vm.list',
    summary: 'List the guests',
    http: { method: 'GET', path: '/vms' },
    role: 'viewer',
    input: z.object({
      node: z.string().optional().describe('Only those on this node'),
      state: z.enum(['running', 'stopped', 'disabled']).optional().describe('Only those in this state'),
    }),
    output: z.array(vm),
    cli: { command: 'vm list', aliases: ['ls'], options: { node: { complete: 'node', short: 'n' } } },
    run: unused,
  }),
  defineQuery({
    name: 'vm.info',
    summary: 'Show a guest',
    http: { method: 'GET', path: '/vms/{vm}' },
    role: 'viewer',
    input: z.object({ vm: guest }),
    output: vm,
    cli: { command: 'vm info', arguments: guestArgument },
    run: unused,
  }),
  defineMutation({
    name: 'vm.start',
    summary: 'Start a guest',
    description: 'Asks the node that the guest belongs to for it. A guest that runs already is left alone.',
    http: { method: 'POST', path: '/vms/{vm}/start' },
    role: 'operator',
    input: z.object({ vm: guest, paused: z.boolean().default(false).describe('Start it, but let it not run yet') }),
    output: z.null(),
    cli: {
      command: 'vm start',
      arguments: guestArgument,
      waits: true,
      examples: ['pvc vm start web1', 'pvc vm start web1 --no-wait'],
    },
    plan: unused,
  }),
  defineMutation({
    name: 'vm.create',
    summary: 'Create a guest from options',
    http: { method: 'POST', path: '/vms' },
    role: 'operator',
    input: z.object({
      name: objectName.describe('Name of the guest'),
      vcpus: z.int().min(1).max(512).default(1).describe('Virtual processors'),
      memoryMiB: z.int().min(16).default(1024).describe('Memory'),
      maxDowntimeMs: z.int().min(1).max(60_000).default(300).describe('Longest pause of a live migration'),
      autostart: z.boolean().default(true).describe('Start it when its node comes up'),
      selector: z.enum(['mem', 'load', 'vcpus', 'vms']).default('mem').describe('How a node is chosen'),
      tags: z.array(z.string()).optional().describe('Tags'),
      nics: z.array(nic).default([]).describe('Network cards'),
      limits: z.record(z.string(), z.number()).optional().describe('Limits by name'),
      home: z.string().nullable().optional().describe('Node that it returns to'),
      definition: z.string().optional().describe('Domain XML'),
      extra: z
        .object({ a: z.number(), b: z.object({ c: z.string() }) })
        .optional()
        .describe('More'),
      secret: z.string().optional(),
    }),
    output: z.object({ name: z.string(), uuid: z.string() }),
    cli: {
      command: 'vm create',
      arguments: [{ field: 'name' }],
      waits: true,
      options: {
        memoryMiB: { flag: 'memory', short: 'm' },
        vcpus: { value: 'COUNT' },
        tags: { flag: 'tag', value: 'TAG' },
        nics: { flag: 'nic', from: 'pairs', lone: 'bridge' },
        definition: { from: 'file' },
        extra: { from: 'json' },
        secret: { hidden: true },
      },
    },
    plan: unused,
  }),
  defineMutation({
    name: 'vm.undefine',
    summary: 'Stop a guest and delete its definition',
    http: { method: 'DELETE', path: '/vms/{vm}' },
    role: 'operator',
    input: z.object({ vm: guest }),
    output: z.object({ name: z.string() }),
    cli: {
      command: 'vm undefine',
      aliases: ['vm delete'],
      arguments: guestArgument,
      confirm: 'Delete the definition of {vm}?',
    },
    plan: unused,
  }),
  defineMutation({
    name: 'vm.modify',
    summary: 'Change the definition of a guest',
    http: { method: 'PUT', path: '/vms/{vm}/definition' },
    role: 'operator',
    input: z.object({ vm: guest, definition: z.string().describe('Domain XML') }),
    output: z.null(),
    cli: {
      command: 'vm modify',
      arguments: [...guestArgument, { field: 'definition', value: 'FILE', from: 'file' }],
      flags: z.object({ keep: z.boolean().default(false).describe('Keep a copy') }),
      run: async ({ input, terminal, perform }) => {
        const definition = input['definition'] ?? (await terminal.edit('<domain/>\n', '.xml'));
        return perform({ ...input, definition });
      },
    },
    plan: unused,
  }),
  defineMutation({
    name: 'vm.nic.add',
    summary: 'Add a network card',
    http: { method: 'POST', path: '/vms/{vm}/nics' },
    role: 'operator',
    input: z.object({
      vm: guest,
      source: z
        .discriminatedUnion('type', [
          z.object({ type: z.literal('bridge'), bridge: z.string() }),
          z.object({ type: z.literal('user') }),
          z.object({ type: z.literal('network'), network: z.string() }),
        ])
        .describe('What it is plugged into'),
    }),
    output: z.null(),
    cli: { command: 'vm nic add', arguments: guestArgument, options: { source: { from: 'pairs' } } },
    plan: unused,
  }),
  defineFeed({
    name: 'vm.log.follow',
    summary: 'Follow the console log of a guest',
    http: { method: 'GET', path: '/vms/{vm}/log/follow' },
    role: 'viewer',
    input: z.object({ vm: guest }),
    output: z.string(),
    open: unused as never,
  }),
  defineQuery({
    name: 'vm.log',
    summary: 'Show the console log of a guest',
    http: { method: 'GET', path: '/vms/{vm}/log' },
    role: 'viewer',
    input: z.object({ vm: guest, lines: z.int().min(1).default(100).describe('How many of the last lines') }),
    output: z.string(),
    cli: {
      command: 'vm log',
      arguments: guestArgument,
      flags: z.object({ follow: z.boolean().default(false).describe('Go on as lines come') }),
      options: { follow: { short: 'f' }, lines: { short: 'l' } },
      run: ({ input, flags, perform }) =>
        flags['follow'] ? perform({ vm: input['vm'] }, 'vm.log.follow') : perform(input),
    },
    run: unused,
  }),
  defineChannel({
    name: 'vm.console',
    summary: 'Attach to the serial console of a guest',
    http: { method: 'GET', path: '/vms/{vm}/console' },
    role: 'operator',
    input: z.object({ vm: guest }),
    output: z.null(),
    cli: { command: 'vm console', arguments: guestArgument },
    connect: unused,
  }),
];

/** A fresh registry with the sample operations and those on tasks. */
export function sampleRegistry(more: readonly Operation[] = []): OperationRegistry {
  const registry = new OperationRegistry();
  for (const operation of taskOperations) registry.add('core', operation);
  for (const operation of [...sampleOperations, ...more]) registry.add('libvirt', operation);
  return registry;
}
