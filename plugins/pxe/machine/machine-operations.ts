/** The servers that boot from the cluster: enter, change, accept, remove, look at. @module */
import { isDeepStrictEqual } from 'node:util';
import { bmcInWords, defineMutation, defineQuery, names, type PlanBuilder, z } from '../../../core/plugin/api.ts';
import { type DiskWish, diskOutcome, osdInput, osdOption, wishInWords, wishOf } from './disk-wish.ts';
import {
  bootRecord,
  hardware,
  hostAddress,
  type MachineSpec,
  machine,
  machineStates,
  pxeError,
} from './machine-kind.ts';
import {
  checkMachine,
  forgetSecret,
  type MachineDoc,
  machineArgument,
  machineWord,
  needMachine,
  nodeOf,
} from './machine-rules.ts';
import { stateOf } from './machine-state.ts';
import { renderMachine, renderMachines } from './render.ts';

const answer = z.object({
  mac: z.string().describe('MAC address of the card that it boots from'),
  name: z.string().nullable().describe('name of the node that it becomes; null: nobody has decided'),
  address: z.string().nullable().describe('its address in the cluster network'),
  uuid: z.string().nullable().describe('UUID of its firmware; null: not known, or another machine’s'),
});

const row = answer.extend({
  state: z.enum(machineStates),
  reason: z.string(),
  sinceMs: z.int().nullable(),
  seenMs: z.int().nullable().describe('when it last asked for something to boot; null: never'),
  hardware: hardware.nullable().describe('what it says of itself'),
});
export type MachineRow = z.output<typeof row>;

const info = row.extend({
  attempt: z.int().describe('how often it was accepted'),
  bmc: z
    .string()
    .nullable()
    .describe('the BMC by which it can be switched on, until it is a node; null: none is described'),
  osd: z.string().nullable().describe('disks that become OSDs once its node is ready; null: none was asked for'),
  osdDone: z.boolean().describe('all that was asked for has been done for the node that there is'),
  disks: z.array(diskOutcome).describe('what has become of them'),
  failures: z.int().describe('boots of this attempt that did not arrive'),
  boots: z.array(bootRecord.omit({ before: true })).describe('the latest last'),
});
export type MachineInfo = z.output<typeof info>;

const answerOf = (mac: string, { name, address, uuid }: MachineSpec): z.output<typeof answer> => ({
  ...{ mac, name, address, uuid },
});

const rowOf = (doc: MachineDoc): MachineRow => {
  const state = stateOf(doc);
  const { status } = doc;
  const current = status !== undefined && status.attempt === doc.spec.attempt;
  return {
    ...answerOf(doc.id, doc.spec),
    state,
    reason: current ? status.reason : '',
    sinceMs: current ? status.sinceMs : null,
    seenMs: status?.seenMs ?? null,
    hardware: status?.hardware ?? null,
  };
};

const wanted = {
  name: names.nodeName.optional().describe('name of the node that it becomes'),
  address: hostAddress.optional().describe('its own address in the cluster network'),
  uuid: names.uuid.optional().describe('UUID of its firmware: another machine with its MAC address is refused then'),
  osd: osdInput.optional(),
};
const wantedOptions = {
  name: { value: 'NAME' },
  address: { value: 'ADDRESS' },
  uuid: { value: 'UUID' },
  osd: osdOption,
};

function arrives(plan: PlanBuilder, mac: string, { name, address, disks }: MachineSpec): void {
  plan.act(`let the machine ${mac} join as ${name}, at ${address}, when it boots from the network`);
  if (disks !== undefined && disks.done === undefined) plan.act(takes(disks));
}

const takes = (disks: DiskWish): string =>
  `make ${wishInWords(disks)} part of the storage once its node is ready; what is not blank is left alone`;

/** Refuses what would pull the rug from under a boot that goes on. @throws PvcError MACHINE_BUSY */
function needStill(doc: MachineDoc, what: string): void {
  const state = stateOf(doc);
  if (state === 'booting' || state === 'joined') throw pxeError('MACHINE_BUSY', { mac: doc.id, state, what });
}

export const machineOperations = [
  defineMutation({
    name: 'machine.add',
    summary: 'Enter a server that shall become a node when it boots from the network',
    description:
      'It counts as accepted: whenever a machine with that MAC address boots from the network, it gets the image and a token to join with.',
    http: { method: 'POST', path: '/provisioner/machines' },
    cli: {
      command: 'provisioner machine add',
      arguments: [{ field: 'mac' }],
      options: wantedOptions,
      nameField: 'mac',
      examples: [
        'pvc provisioner machine add 3c:ec:ef:12:34:56 --name hv4 --address 10.10.0.14',
        'pvc provisioner machine add 3c:ec:ef:12:34:56 --name hv4 --address 10.10.0.14 --osd all',
      ],
    },
    role: 'admin',
    input: z.strictObject({
      mac: names.macAddress.describe('MAC address of the card that it boots from'),
      name: names.nodeName.describe('name of the node that it becomes'),
      address: hostAddress.describe('its own address in the cluster network'),
      ...{ uuid: wanted.uuid, osd: wanted.osd },
    }),
    output: answer,
    async plan(plan, { view, nowMs }, { mac, name, address, uuid, osd }) {
      if ((await view.get(machine, mac)) !== undefined)
        throw pxeError('MACHINE_KNOWN', { field: 'MAC address', value: mac, mac });
      const spec = withWish({ uuid: uuid ?? null, name, address, attempt: 1 }, osd, nowMs);
      await checkMachine(view, mac, spec);
      plan.create(machine, mac, spec);
      arrives(plan, mac, spec);
      return answerOf(mac, spec);
    },
  }),
  defineMutation({
    name: 'machine.modify',
    summary: 'Change what a server becomes',
    description: 'Name and address of one that has become a node already stay: remove the node first.',
    http: { method: 'PATCH', path: '/provisioner/machines/{machine}' },
    cli: {
      command: 'provisioner machine modify',
      arguments: [machineArgument],
      options: wantedOptions,
      nameField: 'mac',
      examples: [
        'pvc provisioner machine modify 3c:ec:ef:12:34:56 --address 10.10.0.15',
        'pvc provisioner machine modify hv4 --osd S5Y1NX0R --osd detect:INTEL:480GB:0',
        'pvc provisioner machine modify hv4 --no-osd',
      ],
    },
    role: 'admin',
    input: z.strictObject({ machine: machineWord, ...wanted }),
    output: answer,
    async plan(plan, { view, nowMs }, { machine: word, osd, ...input }) {
      const doc = await needMachine(view, word);
      if (Object.keys(given(input)).length > 0) needStill(doc, 'its name and address are those that it was told');
      const spec = withWish({ ...doc.spec, ...given(input) }, osd, nowMs);
      if (isDeepStrictEqual(spec, doc.spec)) throw pxeError('MACHINE_UNCHANGED', { mac: doc.id });
      const moves = spec.name !== doc.spec.name || spec.address !== doc.spec.address;
      if (moves && (await nodeOf(view, doc)) !== undefined)
        throw pxeError('MACHINE_BUSY', {
          mac: doc.id,
          state: stateOf(doc),
          what: `the node ${doc.spec.name} has come from it; remove that first, with \`pvc node remove\``,
        });
      await checkMachine(view, doc.id, spec, doc);
      plan.update(machine, doc, spec);
      plan.act(`note what the machine ${doc.id} becomes`);
      if (osd !== undefined && spec.disks !== undefined) plan.act(takes(spec.disks));
      return answerOf(doc.id, spec);
    },
  }),
  defineMutation({
    name: 'machine.accept',
    summary: 'Let a server that was discovered, or that failed, become a node',
    description:
      'It boots the image when it next asks, which a discovered one does every few seconds. One that failed may try again. Its disks are left alone, but for those that --osd names, if they are blank.',
    http: { method: 'POST', path: '/provisioner/machines/{machine}/accept' },
    cli: {
      command: 'provisioner machine accept',
      arguments: [machineArgument],
      options: wantedOptions,
      nameField: 'mac',
      examples: [
        'pvc provisioner machine accept 3c:ec:ef:12:34:56 --name hv4 --address 10.10.0.14',
        'pvc provisioner machine accept hv4',
      ],
    },
    role: 'admin',
    input: z.strictObject({ machine: machineWord, ...wanted }),
    output: answer,
    async plan(plan, { view, nowMs }, { machine: word, osd, ...input }) {
      const doc = await needMachine(view, word);
      const state = stateOf(doc);
      if (state !== 'discovered' && state !== 'failed')
        throw pxeError('MACHINE_BUSY', {
          mac: doc.id,
          state,
          what: state === 'ready' ? 'there is nothing to accept' : 'it was accepted already',
        });
      const spec = withWish({ ...doc.spec, ...given(input), attempt: doc.spec.attempt + 1 }, osd, nowMs);
      const missing = (['name', 'address'] as const).filter((field) => spec[field] === null);
      if (missing.length > 0) throw pxeError('MACHINE_INCOMPLETE', { mac: doc.id, missing: missing.join(' and no ') });
      await checkMachine(view, doc.id, spec, doc.spec.attempt === 0 ? undefined : doc);
      plan.update(machine, doc, spec);
      arrives(plan, doc.id, spec);
      return answerOf(doc.id, spec);
    },
  }),
  defineMutation({
    name: 'machine.remove',
    summary: 'Forget a server that boots from the network',
    description: 'When it boots from the network again, it is discovered anew. A node that has come from it stays.',
    http: { method: 'DELETE', path: '/provisioner/machines/{machine}' },
    cli: {
      command: 'provisioner machine remove',
      aliases: ['rm'],
      arguments: [machineArgument],
      confirm: 'Forget the machine {machine}?',
      nameField: 'mac',
    },
    role: 'admin',
    input: z.strictObject({ machine: machineWord }),
    output: answer,
    async plan(plan, { view }, { machine: word }) {
      const doc = await needMachine(view, word);
      if ((await nodeOf(view, doc)) !== undefined)
        plan.warn(
          `The node ${doc.spec.name} has come from this machine: it runs on, and does not come back after its next boot.`,
        );
      await forgetSecret(plan, view, doc.id);
      plan.remove(machine, doc);
      plan.act(`forget the machine ${doc.id}`);
      return answerOf(doc.id, doc.spec);
    },
  }),
  defineQuery({
    name: 'machine.list',
    summary: 'List the servers that boot, or may boot, from the network',
    http: { method: 'GET', path: '/provisioner/machines' },
    cli: { command: 'provisioner machine list', render: renderMachines, nameField: 'mac' },
    role: 'viewer',
    input: z.strictObject({ state: z.enum(machineStates).optional().describe('only those in this state') }),
    output: z.array(row),
    async run({ view }, { state }): Promise<MachineRow[]> {
      const rows = (await view.list(machine)).map(rowOf).filter((one) => state === undefined || one.state === state);
      return rows.toSorted((a, b) => (a.mac < b.mac ? -1 : 1));
    },
  }),
  defineQuery({
    name: 'machine.info',
    summary: 'Show a server that boots from the network, and the log of each boot',
    http: { method: 'GET', path: '/provisioner/machines/{machine}' },
    cli: {
      command: 'provisioner machine info',
      arguments: [machineArgument],
      render: renderMachine,
      nameField: 'mac',
      examples: ['pvc provisioner machine info hv4'],
    },
    role: 'viewer',
    input: z.strictObject({ machine: machineWord }),
    output: info,
    async run({ view }, { machine: word }): Promise<MachineInfo> {
      const doc = await needMachine(view, word);
      return {
        ...rowOf(doc),
        attempt: doc.spec.attempt,
        bmc: doc.spec.bmc === undefined ? null : bmcInWords(doc.spec.bmc),
        osd: doc.spec.disks === undefined ? null : wishInWords(doc.spec.disks),
        osdDone: doc.spec.disks?.done === true,
        disks: doc.spec.disks === undefined ? [] : (doc.status?.disks ?? []),
        failures: doc.status?.failures ?? 0,
        boots: (doc.status?.boots ?? []).map(({ before: _before, ...boot }) => boot),
      };
    },
  }),
];

/** What is asked of its disks now counts from now on, also when it is what was asked before. */
function withWish(spec: MachineSpec, words: readonly string[] | undefined, nowMs: number): MachineSpec {
  const { disks: before, ...rest } = spec;
  const disks = words === undefined ? before : wishOf(words, nowMs);
  return { ...rest, ...(disks === undefined ? {} : { disks }) };
}

const given = (input: { name?: string | undefined; address?: string | undefined; uuid?: string | undefined }) => ({
  ...(input.name === undefined ? {} : { name: input.name }),
  ...(input.address === undefined ? {} : { address: input.address }),
  ...(input.uuid === undefined ? {} : { uuid: input.uuid }),
});
