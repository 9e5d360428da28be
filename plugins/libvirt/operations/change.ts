/** Changes of a guest's document. A running guest takes what it can at once, the rest at its next restart. @module */
import { defineMutation, modelError, names, type PlanBuilder, z } from '../../../core/plugin/api.ts';
import { busFaults } from '../domain/disk.ts';
import { vmDocumentText } from '../domain/document.ts';
import { editFromXml } from '../domain/edit.ts';
import { assignMacs } from '../domain/mac.ts';
import { definitionWith } from '../domain/scsi.ts';
import { textDiff } from '../domain/text-diff.ts';
import type { VmDoc } from '../guest-control.ts';
import { diskTarget, topology, type VmSpec, word } from '../schema.ts';
import { isRunning, vm, vmError } from '../vm-kind.ts';
import { answerOf, needRoom, needStopped, needVm, takenMacs, vmAnswer, vmArgument, vmRef } from './common.ts';
import { diskSourceOf } from './define.ts';
import { metaOptions, metaShape, withMeta } from './meta-input.ts';
import { runModify } from './modify-cli.ts';
import { change, expect, needVersion, restart, restartTask, whileRunning } from './spec-change.ts';

const takesEffect = (plan: PlanBuilder, doc: VmDoc, restarts: boolean): void => {
  if (isRunning(doc) && !restarts)
    plan.warn(
      `${doc.spec.name} runs: what cannot change while it runs takes effect at its next restart (see \`pvc vm info\`).`,
    );
};

/** First free target of a bus: vda, vdb … sda … hda. */
function freeTarget(spec: VmSpec, bus: string): string {
  const prefix = bus === 'virtio' ? 'vd' : bus === 'ide' ? 'hd' : 'sd';
  const used = new Set(spec.disks.map((disk) => disk.target));
  for (let index = 0; index < 26 * 26; index += 1) {
    const high = index < 26 ? '' : String.fromCharCode(96 + Math.floor(index / 26));
    const target = `${prefix}${high}${String.fromCharCode(97 + (index % 26))}`;
    if (!used.has(target)) return target;
  }
  throw vmError('VM_STATE', { vm: spec.name, state: 'full of disks', what: 'another disk' });
}

export const changeOperations = [
  defineMutation({
    name: 'vm.modify',
    summary: 'Replace the definition of a guest: in an editor, or from a file',
    description:
      'Without FILE the definition is opened in $VISUAL or $EDITOR; the difference is shown before it is written. A change by somebody else in the meantime is never overwritten.',
    http: { method: 'PUT', path: '/vms/{vm}/definition' },
    cli: {
      command: 'vm modify',
      arguments: [vmArgument],
      options: { xml: { flag: 'file', from: 'file', value: 'FILE', complete: 'file' }, restart: { short: 'r' } },
      waits: true,
      run: runModify,
      examples: [
        'pvc vm modify web1',
        'pvc vm modify web1 --file web1.xml --restart',
        'pvc vm modify web1 --file web1.xml --plan',
      ],
    },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      xml: z
        .string()
        .min(1)
        .max(1024 * 1024)
        .describe('the whole domain XML'),
      expect,
      restart,
    }),
    output: vmAnswer.extend({ diff: z.string().describe('unified difference of the definitions') }),
    async plan(plan, context, input) {
      const doc = await needVm(context.view, input.vm);
      needVersion(doc, input.expect);
      const edited = editFromXml({ uuid: doc.id, fields: doc.spec }, input.xml);
      for (const warning of edited.warnings) plan.warn(warning);
      const taken = await takenMacs(context);
      const own = new Set(doc.spec.nics.map((nic) => nic.mac));
      const { topology: shape, ...fields } = assignMacs(edited.fields, {
        randomBytes: (length) => context.bytes(length),
        taken: (mac) => taken.has(mac) && !own.has(mac),
      });
      const { topology: _old, ...kept } = doc.spec;
      const spec: VmSpec = { ...kept, ...fields, ...(shape === undefined ? {} : { topology: shape }) };
      const diff = textDiff(vmDocumentText(doc.id, doc.spec), vmDocumentText(doc.id, spec), {
        oldName: 'stored',
        newName: 'new',
      });
      if (edited.changes.length === 0) {
        plan.warn('Nothing differs from the stored definition.');
        return { ...answerOf(doc), diff: '' };
      }
      change(plan, doc, spec);
      for (const line of edited.changes) plan.act(`change ${doc.spec.name}: ${line}`);
      takesEffect(plan, doc, input.restart);
      restartTask(plan, { ...doc, spec }, input.restart);
      return { ...answerOf({ ...doc, spec }), diff };
    },
  }),
  defineMutation({
    name: 'vm.vcpu',
    summary: 'Set the number of virtual CPUs',
    http: { method: 'PUT', path: '/vms/{vm}/vcpus' },
    cli: {
      command: 'vm set vcpu',
      aliases: ['vm vcpu set'],
      arguments: [vmArgument, { field: 'vcpus' }],
      options: { topology: { from: 'pairs', short: 't', value: 'sockets=,cores=,threads=' }, restart: { short: 'r' } },
      waits: true,
    },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      vcpus: z.int().min(1).max(512).describe('number of virtual CPUs'),
      topology: topology.optional().describe('shape; the product must be the number'),
      expect,
      restart,
    }),
    output: vmAnswer,
    async plan(plan, context, input) {
      const doc = await needVm(context.view, input.vm);
      needVersion(doc, input.expect);
      const { topology: old, ...rest } = doc.spec;
      const shape = input.topology ?? (old !== undefined && input.vcpus === doc.spec.vcpus ? old : undefined);
      if (input.topology === undefined && old !== undefined && shape === undefined)
        plan.warn('The topology of the vCPUs was left out, since its product was the old number.');
      const spec: VmSpec = { ...rest, vcpus: input.vcpus, ...(shape === undefined ? {} : { topology: shape }) };
      change(plan, doc, spec);
      plan.act(`change ${doc.spec.name}: vcpu: ${doc.spec.vcpus} → ${input.vcpus}`);
      takesEffect(plan, doc, input.restart);
      restartTask(plan, doc, input.restart);
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.memory',
    summary: 'Set the memory of a guest, in MiB',
    http: { method: 'PUT', path: '/vms/{vm}/memory' },
    cli: {
      command: 'vm set memory',
      aliases: ['vm memory set'],
      arguments: [vmArgument, { field: 'memory', value: 'MIB' }],
      options: { restart: { short: 'r' } },
      waits: true,
    },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      memory: z
        .int()
        .min(16)
        .max(16 * 1024 * 1024)
        .describe('memory, in MiB unless a unit is given')
        .meta({ unit: 'MiB' }),
      expect,
      restart,
    }),
    output: vmAnswer,
    async plan(plan, context, input) {
      const doc = await needVm(context.view, input.vm);
      needVersion(doc, input.expect);
      const spec: VmSpec = { ...doc.spec, memoryMiB: input.memory };
      await needRoom(plan, context, doc, spec);
      change(plan, doc, spec);
      plan.act(`change ${doc.spec.name}: memory: ${doc.spec.memoryMiB} MiB → ${input.memory} MiB`);
      takesEffect(plan, doc, input.restart);
      restartTask(plan, doc, input.restart);
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.meta',
    summary: 'Change how PVC treats a guest: autostart, priority, protection, limits, migration, shutdown, restart',
    http: { method: 'PATCH', path: '/vms/{vm}' },
    cli: {
      command: 'vm meta',
      arguments: [vmArgument],
      options: metaOptions,
      examples: [
        'pvc vm meta web1 --autostart --priority 900',
        'pvc vm meta web1 --limit hv1 --limit hv2',
        'pvc vm meta web1 --restart-tries 2 --on-crashes fail',
      ],
    },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      description: z.string().max(4096).optional().describe('text for people'),
      accelerator: z.enum(['auto', 'kvm', 'tcg']).optional().describe('auto: KVM where it works'),
      expect,
      ...metaShape,
    }),
    output: vmAnswer,
    async plan(plan, { view }, input) {
      const doc = await needVm(view, input.vm);
      needVersion(doc, input.expect);
      const spec: VmSpec = {
        ...withMeta(doc.spec, input),
        description: input.description ?? doc.spec.description,
        accelerator: input.accelerator ?? doc.spec.accelerator,
      };
      const changed = (Object.keys(spec) as (keyof VmSpec)[]).filter(
        (field) => JSON.stringify(spec[field]) !== JSON.stringify(doc.spec[field]),
      );
      if (changed.length === 0) throw vmError('VM_UNCHANGED', { vm: doc.spec.name });
      if (spec.limit.length > 0 && !spec.limit.includes(doc.spec.node))
        plan.warn(`${doc.spec.name} is on ${doc.spec.node}, which is not among its nodes any more.`);
      change(plan, doc, spec);
      for (const field of changed)
        plan.act(
          `change ${doc.spec.name}: ${field}: ${JSON.stringify(doc.spec[field])} → ${JSON.stringify(spec[field])}`,
        );
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.rename',
    summary: 'Give a stopped guest another name',
    http: { method: 'POST', path: '/vms/{vm}/rename' },
    cli: { command: 'vm rename', arguments: [vmArgument, { field: 'name', value: 'NEWNAME' }] },
    role: 'operator',
    input: z.strictObject({ vm: vmRef, name: names.objectName }),
    output: vmAnswer,
    async plan(plan, { view }, input) {
      const doc = await needVm(view, input.vm);
      if (doc.spec.name === input.name) throw vmError('VM_UNCHANGED', { vm: input.name });
      needStopped(doc, 'renaming it');
      plan.needIdle({ kind: 'vm', id: doc.id, label: doc.spec.name });
      const other = await view.find(vm, 'name', input.name);
      if (other !== undefined)
        throw modelError('OBJECT_EXISTS', { kind: 'vm', field: 'name', value: input.name, owner: ` (${other.id})` });
      const spec: VmSpec = { ...doc.spec, name: input.name };
      change(plan, doc, spec);
      plan.act(`rename ${doc.spec.name} to ${input.name}`);
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.tag-add',
    summary: 'Tag a guest',
    http: { method: 'POST', path: '/vms/{vm}/tags' },
    cli: { command: 'vm tag add', arguments: [vmArgument, { field: 'tag' }], options: { protect: { short: 'p' } } },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      tag: names.tagName,
      protect: z.boolean().default(false).describe('a protected tag also protects the guest against removal'),
    }),
    output: vmAnswer,
    async plan(plan, { view }, input) {
      const doc = await needVm(view, input.vm);
      if (doc.spec.tags.some((tag) => tag.name === input.tag))
        throw vmError('VM_DEVICE_EXISTS', { vm: doc.spec.name, what: 'tag', device: input.tag });
      const spec: VmSpec = { ...doc.spec, tags: [...doc.spec.tags, { name: input.tag, protected: input.protect }] };
      change(plan, doc, spec);
      plan.act(`tag ${doc.spec.name} with ${input.tag}`);
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.tag-remove',
    summary: 'Take a tag off a guest',
    http: { method: 'DELETE', path: '/vms/{vm}/tags/{tag}' },
    cli: { command: 'vm tag remove', arguments: [vmArgument, { field: 'tag' }] },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      tag: names.tagName,
      force: z.boolean().default(false).describe('also a protected one'),
    }),
    output: vmAnswer,
    async plan(plan, { view }, input) {
      const doc = await needVm(view, input.vm);
      const known = doc.spec.tags.find((tag) => tag.name === input.tag);
      if (known === undefined)
        throw vmError('VM_DEVICE_NOT_FOUND', { vm: doc.spec.name, what: 'tag', device: input.tag });
      if (known.protected && !input.force)
        throw vmError('VM_STATE', {
          vm: doc.spec.name,
          state: `tagged ${input.tag} under protection`,
          what: 'taking it off without --force',
        });
      const spec: VmSpec = { ...doc.spec, tags: doc.spec.tags.filter((tag) => tag.name !== input.tag) };
      change(plan, doc, spec);
      plan.act(`take the tag ${input.tag} off ${doc.spec.name}`);
      return answerOf({ ...doc, spec });
    },
  }),
  defineMutation({
    name: 'vm.disk-add',
    summary: 'Add a disk, at once where the guest can take it',
    http: { method: 'POST', path: '/vms/{vm}/disks' },
    cli: {
      command: 'vm disk add',
      arguments: [vmArgument, { field: 'file', complete: 'file' }],
      options: { restart: { short: 'r' } },
      waits: true,
      examples: [
        'pvc vm disk add web1 /var/lib/images/data.qcow2 --disk-format qcow2',
        'pvc vm disk add web1 --block /dev/sdb --bus scsi',
      ],
    },
    role: 'operator',
    input: z.strictObject({
      vm: vmRef,
      file: names.absolutePath.optional().describe('image file of the node'),
      block: names.absolutePath.optional().describe('block device of the node'),
      volume: z
        .string()
        .regex(/^[A-Za-z0-9._-]+\/[A-Za-z0-9._-]+$/, 'POOL/VOLUME')
        .optional()
        .describe('volume of the cluster, POOL/VOLUME'),
      target: diskTarget.optional().describe('device in the guest (first free one)'),
      bus: z
        .enum(['virtio', 'scsi', 'sata', 'ide', 'usb'])
        .default('virtio')
        .describe('how it is connected; virtio, scsi and usb go in while the guest runs'),
      device: z.enum(['disk', 'cdrom']).default('disk').describe('a disk, or a CD-ROM drive'),
      diskFormat: word.default('raw').describe('raw or qcow2'),
      readonly: z.boolean().default(false).describe('the guest may not write to it'),
      expect,
      restart,
    }),
    output: vmAnswer.extend({ target: z.string() }),
    async plan(plan, { view }, input) {
      const doc = await needVm(view, input.vm);
      needVersion(doc, input.expect);
      const target = input.target ?? freeTarget(doc.spec, input.bus);
      if (doc.spec.disks.some((disk) => disk.target === target))
        throw vmError('VM_DEVICE_EXISTS', { vm: doc.spec.name, what: 'disk', device: target });
      const disk = {
        target,
        device: input.device,
        bus: input.bus,
        source: diskSourceOf(input),
        format: input.diskFormat,
        readonly: input.readonly || input.device === 'cdrom',
        extra: '',
      };
      const faults = busFaults(disk);
      if (faults.length > 0)
        throw modelError(
          'DOCUMENT_INVALID',
          { kind: 'vm', id: doc.spec.name, reason: faults.join('; ') },
          { details: faults },
        );
      const spec: VmSpec = {
        ...doc.spec,
        disks: [...doc.spec.disks, disk],
        definition: definitionWith(doc.spec, disk),
      };
      change(plan, doc, spec);
      plan.act(`add the disk ${target} to ${doc.spec.name}${whileRunning(doc)}`);
      restartTask(plan, doc, input.restart);
      return { ...answerOf({ ...doc, spec }), target };
    },
  }),
  defineMutation({
    name: 'vm.disk-remove',
    summary: 'Take a disk out, at once where the guest can give it; what is on it stays',
    http: { method: 'DELETE', path: '/vms/{vm}/disks/{target}' },
    cli: {
      command: 'vm disk remove',
      arguments: [vmArgument, { field: 'target' }],
      options: { restart: { short: 'r' } },
      waits: true,
    },
    role: 'operator',
    input: z.strictObject({ vm: vmRef, target: diskTarget, expect, restart }),
    output: vmAnswer,
    async plan(plan, { view }, input) {
      const doc = await needVm(view, input.vm);
      needVersion(doc, input.expect);
      if (!doc.spec.disks.some((disk) => disk.target === input.target))
        throw vmError('VM_DEVICE_NOT_FOUND', { vm: doc.spec.name, what: 'disk', device: input.target });
      const spec: VmSpec = { ...doc.spec, disks: doc.spec.disks.filter((disk) => disk.target !== input.target) };
      change(plan, doc, spec);
      plan.act(`take the disk ${input.target} out of ${doc.spec.name}${whileRunning(doc)}`);
      restartTask(plan, doc, input.restart);
      return answerOf({ ...doc, spec });
    },
  }),
];
