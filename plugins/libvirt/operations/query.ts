/** What there is: list, detail, definition, statistics. @module */
import { defineQuery, names, z } from '../../../core/plugin/api.ts';
import { vmDocument, vmDocumentText } from '../domain/document.ts';
import { viewDomain } from '../domain/view.ts';
import type { GuestControl, VmDoc } from '../guest-control.ts';
import { selectors } from '../schema.ts';
import { toldReason, toldState, toldStates, vm, vmStatus } from '../vm-kind.ts';
import { needRunning, needVm, onGuestNode, vmArgument, vmRef } from './common.ts';
import { runInfo } from './info-cli.ts';
import { renderVm, renderVmList, renderVmStats } from './render.ts';

const vmRow = z.object({
  name: z.string(),
  uuid: z.string(),
  state: z.enum(toldStates),
  run: z.enum(['running', 'stopped', 'disabled']).describe('the intent'),
  node: z.string(),
  reason: z.string(),
  memoryMiB: z.int(),
  vcpus: z.int(),
  networks: z.array(z.string()),
  disks: z.int(),
  tags: z.array(z.string()),
  problem: z.string().nullable().describe('what persistently fails'),
});
export type VmRow = z.infer<typeof vmRow>;

const networkOf = (source: VmDoc['spec']['nics'][number]['source']): string =>
  source.type === 'bridge' ? source.bridge : source.type === 'network' ? source.network : source.type;

const rowOf = (doc: VmDoc): VmRow => ({
  name: doc.spec.name,
  uuid: doc.id,
  state: toldState(doc),
  run: doc.spec.run,
  node: doc.status?.node ?? doc.spec.node,
  reason: toldReason(doc),
  memoryMiB: doc.spec.memoryMiB,
  vcpus: doc.spec.vcpus,
  networks: doc.spec.nics.map((nic) => networkOf(nic.source)),
  disks: doc.spec.disks.length,
  tags: doc.spec.tags.map((tag) => tag.name),
  problem: doc.status?.conditions[0]?.message ?? null,
});

const vmInfo = z.object({
  name: z.string(),
  uuid: z.string(),
  description: z.string(),
  version: z.int(),
  state: z.enum(toldStates),
  run: z.enum(['running', 'stopped', 'disabled']),
  reason: z.string(),
  sinceMs: z.int().nullable(),
  node: z.string(),
  home: z.string().nullable(),
  movingTo: z.string().nullable().describe('where a task is moving it'),
  arrived: vmStatus.shape.arrived.nullable().describe('how it last came to its node while it ran'),
  accelerator: z.enum(['auto', 'kvm', 'tcg']).describe('what is asked'),
  runsWith: z.enum(['kvm', 'tcg']).nullable().describe('what it runs with now'),
  memoryMiB: z.int(),
  vcpus: z.int(),
  topology: z.string().describe('sockets/cores/threads'),
  arch: z.string().nullable(),
  machine: z.string().nullable(),
  emulator: z.string().nullable(),
  cpu: z.object({ mode: z.string(), model: z.string().nullable() }),
  firmware: z.enum(['bios', 'uefi']),
  boot: z.array(z.string()),
  kernel: z.object({ path: z.string(), initrd: z.string().nullable(), cmdline: z.string().nullable() }).nullable(),
  features: z.array(z.string()),
  clock: z.string().nullable(),
  networks: z.array(
    z.object({
      type: z.string(),
      source: z.string().nullable(),
      mac: z.string().nullable(),
      model: z.string().nullable(),
      link: z.enum(['up', 'down']),
    }),
  ),
  disks: z.array(
    z.object({
      type: z.string(),
      device: z.string(),
      name: z.string().nullable(),
      dev: z.string().nullable(),
      bus: z.string().nullable(),
      format: z.string().nullable(),
      readonly: z.boolean(),
    }),
  ),
  controllers: z.array(z.object({ type: z.string(), model: z.string().nullable() })),
  hostdevs: z.array(z.object({ type: z.string(), source: z.string() })),
  console: z.string().nullable().describe('kind of the logged console'),
  vnc: z.object({ listen: z.string(), port: z.int() }).nullable(),
  agent: z.enum(['none', 'configured', 'connected']),
  video: z.array(z.string()),
  watchdog: z.string().nullable(),
  tpm: z.string().nullable(),
  rng: z.boolean(),
  autostart: z.boolean(),
  priority: z.int(),
  protected: z.boolean(),
  tags: z.array(z.object({ name: z.string(), protected: z.boolean() })),
  limit: z.array(z.string()),
  selector: z.enum(selectors),
  migration: z.object({ method: z.string(), maxDowntimeMs: z.int() }),
  shutdown: z.object({ timeoutS: z.int(), then: z.string() }),
  restart: z.object({ tries: z.int(), then: z.string() }),
  givenUp: z
    .array(z.object({ node: z.string(), ends: z.int(), reason: z.string() }))
    .describe('nodes on which it ended again and again, since it was last started by somebody or ran steadily'),
  ends: z
    .object({ count: z.int(), lastMs: z.int(), reason: z.string() })
    .nullable()
    .describe('how often it has ended by itself of late'),
  restartNeeded: z.array(z.string()),
  notes: z.array(z.string()),
  conditions: vmStatus.shape.conditions,
});
export type VmInfo = z.infer<typeof vmInfo>;

function infoOf(doc: VmDoc): VmInfo {
  const view = viewDomain(vmDocument(doc.id, doc.spec));
  const { spec, status } = doc;
  return {
    name: spec.name,
    uuid: doc.id,
    description: spec.description,
    version: doc.specVersion,
    state: toldState(doc),
    run: spec.run,
    reason: toldReason(doc),
    sinceMs: status?.sinceMs ?? null,
    node: status?.node ?? spec.node,
    home: spec.home ?? null,
    movingTo: spec.transfer?.to ?? null,
    arrived: status?.arrived ?? null,
    accelerator: spec.accelerator,
    runsWith: status?.accelerator ?? null,
    memoryMiB: spec.memoryMiB,
    vcpus: spec.vcpus,
    topology: view.topology,
    arch: view.arch,
    machine: view.machine,
    emulator: view.emulator,
    cpu: view.cpu,
    firmware: view.firmware,
    boot: [...view.boot],
    kernel: view.kernel,
    features: [...view.features],
    clock: view.clock,
    networks: view.networks.map(({ type, source, mac, model, link }) => ({ type, source, mac, model, link })),
    disks: view.disks.map((disk) => ({ ...disk })),
    controllers: view.controllers.map((one) => ({ ...one })),
    hostdevs: view.hostdevs.map((one) => ({ ...one })),
    console: view.console?.type ?? null,
    vnc: status?.vnc ?? null,
    agent: view.agent,
    video: [...view.video],
    watchdog: view.watchdog,
    tpm: view.tpm,
    rng: view.rng,
    autostart: spec.autostart,
    priority: spec.priority,
    protected: spec.protected,
    tags: spec.tags,
    limit: spec.limit,
    selector: spec.selector,
    migration: spec.migration,
    shutdown: spec.shutdown,
    restart: spec.restart,
    givenUp: spec.crashes?.on ?? [],
    ends: status?.ends ?? null,
    restartNeeded: status?.restartNeeded ?? [],
    notes: status?.notes ?? [],
    conditions: status?.conditions ?? [],
  };
}

const vmStats = z.object({
  name: z.string(),
  uuid: z.string(),
  cpuSeconds: z.number(),
  cpuUserSeconds: z.number().nullable(),
  cpuSystemSeconds: z.number().nullable(),
  vcpus: z.array(z.object({ number: z.int(), state: z.string(), seconds: z.number().nullable() })),
  memoryKiB: z.object({
    current: z.number(),
    maximum: z.number(),
    rss: z.number().nullable(),
    available: z.number().nullable(),
    unused: z.number().nullable(),
    usable: z.number().nullable(),
  }),
  interfaces: z.array(
    z.object({
      name: z.string(),
      rxBytes: z.number(),
      rxPackets: z.number(),
      rxErrors: z.number(),
      rxDrops: z.number(),
      txBytes: z.number(),
      txPackets: z.number(),
      txErrors: z.number(),
      txDrops: z.number(),
    }),
  ),
  disks: z.array(
    z.object({
      name: z.string(),
      readRequests: z.number(),
      readBytes: z.number(),
      writeRequests: z.number(),
      writeBytes: z.number(),
    }),
  ),
});
export type VmStats = z.infer<typeof vmStats>;

const globPattern = z.string().max(200).optional();

/** `web*` against name and UUID: `*` any text, `?` any character; without them: part of the name. */
export function matches(pattern: string | undefined, doc: Pick<VmDoc, 'id' | 'spec'>): boolean {
  if (pattern === undefined) return true;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  const test = new RegExp(/[*?]/.test(pattern) ? `^${source}$` : source, 'i');
  return test.test(doc.spec.name) || test.test(doc.id);
}

/** What `vm.copy` answers. */
export const vmCopy = z.object({ copy: z.enum(['none', 'coming', 'here']) });

export const queryOperations = (control: () => GuestControl) => [
  defineQuery({
    name: 'vm.list',
    summary: 'List guests',
    http: { method: 'GET', path: '/vms' },
    cli: {
      command: 'vm list',
      arguments: [{ field: 'match', value: 'PATTERN' }],
      options: {
        node: { short: 't', complete: 'node' },
        state: { short: 's' },
        tag: { short: 'g' },
        not: { short: 'n' },
      },
      render: renderVmList,
      examples: ['pvc vm list', 'pvc vm list "web*" --state running', 'pvc vm list --tag prod --format name'],
    },
    role: 'viewer',
    input: z.strictObject({
      match: globPattern.describe('part of the name, or a pattern with * and ?'),
      node: names.nodeName.optional().describe('only on this node'),
      state: z.enum(toldStates).optional().describe('only in this state'),
      tag: names.tagName.optional().describe('only with this tag'),
      not: z.boolean().default(false).describe('those that do not fit instead'),
    }),
    output: z.array(vmRow),
    async run({ view }, input) {
      const fits = (doc: VmDoc): boolean =>
        matches(input.match, doc) &&
        (input.node === undefined || (doc.status?.node ?? doc.spec.node) === input.node) &&
        (input.state === undefined || toldState(doc) === input.state) &&
        (input.tag === undefined || doc.spec.tags.some((tag) => tag.name === input.tag));
      return (await view.list(vm))
        .filter((doc) => fits(doc) !== input.not)
        .map(rowOf)
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  }),
  defineQuery({
    name: 'vm.info',
    summary: 'Show everything about a guest',
    http: { method: 'GET', path: '/vms/{vm}' },
    cli: { command: 'vm info', arguments: [vmArgument], run: runInfo, render: renderVm },
    role: 'viewer',
    input: z.strictObject({ vm: vmRef }),
    output: vmInfo,
    run: async ({ view }, input) => infoOf(await needVm(view, input.vm)),
  }),
  defineQuery({
    name: 'vm.dump',
    summary: 'Print the definition of a guest as libvirt XML',
    http: { method: 'GET', path: '/vms/{vm}/definition' },
    cli: { command: 'vm dump', arguments: [vmArgument], render: (output: { xml: string }) => output.xml.trimEnd() },
    role: 'viewer',
    input: z.strictObject({ vm: vmRef }),
    output: z.object({
      name: z.string(),
      uuid: z.string(),
      version: z.int().describe('to be given back as `expect`'),
      xml: z.string(),
    }),
    async run({ view }, input) {
      const doc = await needVm(view, input.vm);
      return { name: doc.spec.name, uuid: doc.id, version: doc.specVersion, xml: vmDocumentText(doc.id, doc.spec) };
    },
  }),
  defineQuery({
    name: 'vm.live-xml',
    summary: 'Print the XML that a running guest runs with',
    http: { method: 'GET', path: '/vms/{vm}/live' },
    cli: { command: 'vm live-xml', arguments: [vmArgument], render: (output: { xml: string }) => output.xml.trimEnd() },
    role: 'viewer',
    input: z.strictObject({ vm: vmRef }),
    output: z.object({ xml: z.string() }),
    on: onGuestNode,
    async run({ view }, input) {
      const doc = await needVm(view, input.vm);
      const xml = await control().link.driver.getXml(doc.id);
      if (xml === undefined) needRunning({ ...doc, status: undefined, statusVersion: undefined }, 'its live XML');
      return { xml: xml ?? '' };
    },
  }),
  defineQuery({
    name: 'vm.stats',
    summary: 'Show what a running guest uses',
    http: { method: 'GET', path: '/vms/{vm}/stats' },
    cli: { command: 'vm stats', arguments: [vmArgument], render: renderVmStats },
    role: 'viewer',
    input: z.strictObject({ vm: vmRef }),
    output: vmStats,
    on: onGuestNode,
    async run({ view }, input) {
      const doc = await needVm(view, input.vm);
      needRunning(doc, 'its statistics');
      const [stats] = await control().link.driver.stats([doc.id]);
      if (stats === undefined) needRunning({ ...doc, status: undefined, statusVersion: undefined }, 'its statistics');
      const seconds = (ns: number | undefined): number | null => (ns === undefined ? null : ns / 1e9);
      return {
        name: doc.spec.name,
        uuid: doc.id,
        cpuSeconds: (stats?.cpu?.timeNs ?? 0) / 1e9,
        cpuUserSeconds: seconds(stats?.cpu?.userNs),
        cpuSystemSeconds: seconds(stats?.cpu?.systemNs),
        vcpus: (stats?.vcpus?.each ?? []).map((one) => ({
          number: one.number,
          state: one.state,
          seconds: seconds(one.timeNs),
        })),
        memoryKiB: {
          current: stats?.balloon?.currentKiB ?? 0,
          maximum: stats?.balloon?.maximumKiB ?? 0,
          rss: stats?.balloon?.rssKiB ?? null,
          available: stats?.balloon?.availableKiB ?? null,
          unused: stats?.balloon?.unusedKiB ?? null,
          usable: stats?.balloon?.usableKiB ?? null,
        },
        interfaces: (stats?.interfaces ?? []).map((one) => ({ ...one })),
        disks: (stats?.blocks ?? []).map(({ name, readRequests, readBytes, writeRequests, writeBytes }) => ({
          name,
          readRequests,
          readBytes,
          writeRequests,
          writeBytes,
        })),
      };
    },
  }),
  defineQuery({
    name: 'vm.copy',
    summary: 'Tell whether there is a copy of a guest on one node',
    description:
      'What the libvirt of that node says, whatever is meant to be. A copy is `coming` while its CPUs do not run yet: another node moves it here.',
    http: { method: 'GET', path: '/nodes/{node}/copies/{uuid}' },
    role: 'viewer',
    input: z.strictObject({ node: names.nodeName, uuid: names.uuid }),
    output: vmCopy,
    on: async (_context, input) => input.node,
    async run(_context, { uuid }): Promise<z.infer<typeof vmCopy>> {
      const guest = await control().look(uuid);
      if (guest === undefined) return { copy: 'none' };
      return { copy: guest.inTransit ? 'coming' : 'here' };
    },
  }),
];
