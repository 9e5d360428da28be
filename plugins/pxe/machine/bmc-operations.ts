/** The BMC of a server that is no node yet: describe it, forget it, have it boot the server from the network. @module */
import {
  bmcError,
  bmcFields,
  bmcFrom,
  bmcPasswordOption,
  defineMutation,
  defineTask,
  node,
  type PowerDriver,
  PvcError,
  type Runtime,
  sharesBmc,
  type TaskDefinition,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { machine, machineSecret, pxeError } from './machine-kind.ts';
import { forgetSecret, type MachineDoc, machineArgument, machineWord, needMachine, nodeOf } from './machine-rules.ts';

const answer = z.object({ mac: z.string().describe('MAC address of the card that the server boots from') });
/** Attempts at setting what to boot and at switching it on, each read back. */
const bootTimeoutMs = 180_000;

/** What it is called in messages. */
const labelOf = ({ id, spec }: MachineDoc): string => spec.name ?? id;

/** Once there is a node, its BMC is the node's. @throws PvcError MACHINE_IS_NODE */
async function needNoNode(view: View, doc: MachineDoc, verb: string): Promise<void> {
  const found = await nodeOf(view, doc);
  if (found !== undefined) throw pxeError('MACHINE_IS_NODE', { mac: doc.id, node: found.id, verb });
}

export const machineBmcOperations = (drivers: () => readonly PowerDriver[]) => [
  defineMutation({
    name: 'machine.bmc-set',
    summary: 'Describe the BMC of a server that is no node yet',
    description:
      'Replaces what was described before. PVC can switch the server on by it (`pvc provisioner machine boot`), and the node that comes from the server has this BMC from its first moment. The password is kept in the state of the cluster and shown to nobody.',
    http: { method: 'PUT', path: '/provisioner/machines/{machine}/bmc' },
    cli: {
      command: 'provisioner machine bmc set',
      arguments: [machineArgument],
      options: { password: bmcPasswordOption },
      nameField: 'mac',
      examples: [
        'pvc provisioner machine bmc set 3c:ec:ef:12:34:56 --address 10.10.3.14 --user pvc --password-file /root/bmc',
      ],
    },
    role: 'admin',
    secrets: ['password'],
    input: z.strictObject({ machine: machineWord, ...bmcFields }),
    output: answer,
    async plan(plan, { view }, { machine: word, ...told }) {
      const doc = await needMachine(view, word);
      await needNoNode(view, doc, 'bmc set');
      const { bmc, password } = bmcFrom(labelOf(doc), told, drivers());
      const [nodes, machines] = [await view.list(node), await view.list(machine)];
      const other =
        nodes.find(({ id, spec }) => id !== doc.spec.name && sharesBmc(spec.bmc, bmc))?.id ??
        machines.find(({ id, spec }) => id !== doc.id && sharesBmc(spec.bmc, bmc))?.id;
      if (other !== undefined) throw bmcError('BMC_SHARED', { address: bmc.address, other });
      const before = await view.get(machineSecret, doc.id);
      if (before === undefined) plan.create(machineSecret, doc.id, { password });
      else plan.update(machineSecret, before, { password });
      plan.update(machine, doc, { ...doc.spec, bmc });
      plan.act(`reach the BMC of the machine ${doc.id} at ${bmc.address} by ${bmc.driver} as ${bmc.user}`);
      return { mac: doc.id };
    },
  }),
  defineMutation({
    name: 'machine.bmc-remove',
    summary: 'Forget the BMC of a server that is no node yet, and its password',
    http: { method: 'DELETE', path: '/provisioner/machines/{machine}/bmc' },
    cli: {
      command: 'provisioner machine bmc remove',
      aliases: ['rm'],
      arguments: [machineArgument],
      nameField: 'mac',
      confirm: 'Forget the BMC of the machine {machine}?',
    },
    role: 'admin',
    input: z.strictObject({ machine: machineWord }),
    output: answer,
    async plan(plan, { view }, { machine: word }) {
      const doc = await needMachine(view, word);
      const { bmc, bmcGiven: _given, ...rest } = doc.spec;
      if (bmc === undefined) throw pxeError('MACHINE_NO_BMC', { mac: doc.id });
      await forgetSecret(plan, view, doc.id);
      plan.update(machine, doc, rest);
      plan.act(`forget the BMC of the machine ${doc.id} at ${bmc.address}, and its password`);
      return { mac: doc.id };
    },
  }),
  defineMutation({
    name: 'machine.boot',
    summary: 'Have a server boot from the network, through its BMC',
    description:
      'Its next boot, and that alone, is one from the network; it is switched on, or reset when it is on. Only for a server that is no node: `pvc node power NODE netboot` is for those.',
    http: { method: 'POST', path: '/provisioner/machines/{machine}/boot' },
    cli: {
      command: 'provisioner machine boot',
      arguments: [machineArgument],
      nameField: 'mac',
      waits: true,
      confirm: 'Boot the machine {machine} from the network? What runs on it ends.',
      examples: ['pvc provisioner machine boot hv4'],
    },
    role: 'admin',
    input: z.strictObject({ machine: machineWord }),
    output: answer,
    async plan(plan, { view }, { machine: word }) {
      const doc = await needMachine(view, word);
      await needNoNode(view, doc, 'power');
      const { bmc } = doc.spec;
      if (bmc === undefined) throw pxeError('MACHINE_NO_BMC', { mac: doc.id });
      plan.task({
        action: 'machine.boot',
        target: { kind: machine.name, id: doc.id, label: labelOf(doc) },
        node: undefined,
        input: null,
        timeoutMs: bootTimeoutMs,
      });
      plan.act(
        `have the machine ${doc.id} boot from the network once, through its BMC at ${bmc.address}, and read that back`,
      );
      return { mac: doc.id };
    },
  }),
];

export const machineBootTask = ({ documents, power }: Pick<Runtime, 'documents' | 'power'>): TaskDefinition =>
  defineTask({
    action: 'machine.boot',
    summary: 'has a server boot from the network through its BMC',
    async run(run): Promise<{ mac: string }> {
      const mac = run.spec.target.id;
      const [doc, secret] = await Promise.all([documents.need(machine, mac), documents.get(machineSecret, mac)]);
      const { bmc } = doc.spec;
      if (bmc === undefined || secret === undefined) throw pxeError('MACHINE_NO_BMC', { mac });
      try {
        await power.netbootBy({ ...bmc, node: labelOf(doc), password: secret.spec.password }, run.signal);
      } catch (error) {
        // The hints of those speak of nodes.
        if (!(error instanceof PvcError) || !/^(?:BMC|POWER)_/.test(error.code)) throw error;
        throw pxeError('MACHINE_NOT_BOOTED', { mac, reason: error.message }, { cause: error });
      }
      return { mac };
    },
  });
