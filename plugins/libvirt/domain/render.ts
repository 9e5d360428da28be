/**
 * From a guest's document to the domain XML that a node starts: `renderDomain` makes a draft, the
 * hook `libvirt.domain` completes it, `finishDomain` checks and prints it. Pure and deterministic.
 * @module
 */
import type { VmSpec } from '../schema.ts';
import { compose } from './compose.ts';
import { logConsole } from './console.ts';
import { definedMacs, definedTargets } from './define-devices.ts';
import { DomainDraft, unresolved, unresolvedText } from './draft.ts';
import { domainError, summarize } from './errors.ts';
import { listenGraphics } from './graphics.ts';
import { renderLifecycle } from './lifecycle.ts';
import { fitForTcg } from './tcg.ts';
import { child, el, isElement, printXml, textOf, type XmlElement } from './xml.ts';

/** What the node adds to a guest. */
export interface RenderNode {
  readonly name: string;
  /** Whether KVM truly works there. */
  readonly kvm: boolean;
  /** libvirt's driver there; its test driver only pretends to run guests. QEMU's unless said. */
  readonly driver?: 'qemu' | 'test';
  /** Path of QEMU where the definition names none; libvirt's own choice otherwise. */
  readonly emulator?: string;
  /** Address that VNC and SPICE displays listen on. */
  readonly vncListen: string;
  /** File of the node that receives the guest's console output. */
  readonly consoleLogPath: string;
}

export interface RenderInput {
  readonly uuid: string;
  readonly spec: VmSpec;
  /** Version of the guest's document, kept in the running domain's metadata. */
  readonly version: number;
  readonly node: RenderNode;
}

export interface Rendering {
  readonly draft: DomainDraft;
  /** What differs from the definition on this node, one sentence each. */
  readonly notes: string[];
}

/** The balloon starts with all the memory unless the definition says less; neither memory nor vCPUs can be more than there are. */
function settleCurrent(root: XmlElement, spec: VmSpec, notes: string[]): void {
  const memory = child(root, 'currentMemory');
  if (memory === undefined) {
    const after = root.children.findIndex((node) => isElement(node) && node.name === 'memory') + 1;
    root.children.splice(after, 0, el('currentMemory', { unit: 'MiB' }, String(spec.memoryMiB)));
  } else if (Number(textOf(memory)) > spec.memoryMiB) {
    notes.push(`currentMemory ${textOf(memory)} MiB became ${spec.memoryMiB} MiB, all the memory there is`);
    memory.children = [{ text: String(spec.memoryMiB) }];
  }
  const vcpu = child(root, 'vcpu');
  if (vcpu !== undefined && Number(vcpu.attributes['current'] ?? 0) > spec.vcpus) {
    notes.push(`vcpu current='${vcpu.attributes['current'] ?? ''}' is left out: there are ${spec.vcpus} vCPUs`);
    delete vcpu.attributes['current'];
  }
}

/**
 * The draft of a guest's domain on one node. Cards on networks and disks on volumes have no element
 * yet; plugins add them with `draft.addNic` and `draft.addDisk`.
 * @throws PvcError VM_NO_KVM
 */
export function renderDomain({ uuid, spec, version, node }: RenderInput): Rendering {
  if (spec.accelerator === 'kvm' && !node.kvm) throw domainError('VM_NO_KVM', { name: spec.name, node: node.name });
  const emulated = spec.accelerator === 'tcg' || !node.kvm ? 'qemu' : 'kvm';
  const type = node.driver === 'test' ? 'test' : emulated;
  const notes: string[] = [];
  if (type === 'test') notes.push(`${node.name} uses libvirt's test driver: the guest only seems to run`);
  if (type === 'qemu' && spec.accelerator === 'auto')
    notes.push(`${node.name} has no working KVM: the guest is emulated and slow`);
  const root = compose({
    uuid,
    fields: spec,
    type,
    foreign: false,
    mark: { version, accelerator: spec.accelerator, type },
  });
  settleCurrent(root, spec, notes);
  if (type !== 'kvm') fitForTcg(root, notes);
  renderLifecycle(root, notes);
  const draft = new DomainDraft(root, { uuid, name: spec.name });
  const devices = draft.devices();
  if (node.emulator !== undefined && child(devices, 'emulator') === undefined)
    devices.children.unshift(el('emulator', {}, node.emulator));
  logConsole(devices, node.consoleLogPath);
  listenGraphics(devices, node.vncListen);
  return { draft, notes };
}

function twice(values: readonly string[]): string | undefined {
  return values.find((value, at) => values.indexOf(value) !== at);
}

/** What a plugin may not have touched, or has added once too often. */
function damage(draft: DomainDraft): string | undefined {
  const { root } = draft;
  if (root.name !== 'domain') return `the root element is <${root.name}>`;
  if (textOf(child(root, 'name')) !== draft.name) return `the name became "${textOf(child(root, 'name'))}"`;
  if (textOf(child(root, 'uuid')) !== draft.uuid) return `the UUID became "${textOf(child(root, 'uuid'))}"`;
  if (textOf(child(root, 'on_poweroff')) !== 'destroy') return 'on_poweroff was changed';
  const devices = child(root, 'devices');
  const mac = twice(definedMacs(devices));
  if (mac !== undefined) return `two network cards have the MAC address ${mac}`;
  const target = twice(definedTargets(devices));
  return target === undefined ? undefined : `two disks have the target ${target}`;
}

/**
 * Brings drives and cards into the order of the guest's document, whoever added them and when: the
 * guest numbers its cards in the order in which they stand.
 */
function arrange(draft: DomainDraft, { nics, disks }: Pick<VmSpec, 'nics' | 'disks'>): void {
  const devices = draft.devices();
  const typed = [...disks.map(({ target }) => draft.disk(target)), ...nics.map(({ mac }) => draft.nic(mac))].filter(
    (device) => device !== undefined,
  );
  const emulator = child(devices, 'emulator');
  const first = emulator === undefined ? typed : [emulator, ...typed];
  devices.children = [...first, ...devices.children.filter((node) => !(isElement(node) && first.includes(node)))];
}

/**
 * The domain XML to start, after every plugin has had its turn.
 * @throws PvcError VM_DEVICES_UNRESOLVED when a network or volume has no element, VM_DRAFT_BROKEN when a plugin damaged the draft
 */
export function finishDomain(draft: DomainDraft, spec: Pick<VmSpec, 'nics' | 'disks'>): string {
  const reason = damage(draft);
  if (reason !== undefined) throw domainError('VM_DRAFT_BROKEN', { name: draft.name, reason });
  const missing = unresolved(draft, spec).map(unresolvedText);
  if (missing.length > 0)
    throw domainError('VM_DEVICES_UNRESOLVED', { name: draft.name, summary: summarize(missing) }, { details: missing });
  arrange(draft, spec);
  let text: string;
  try {
    text = printXml(draft.root);
  } catch (error) {
    throw domainError(
      'VM_DRAFT_BROKEN',
      { name: draft.name, reason: error instanceof Error ? error.message : String(error) },
      { cause: error },
    );
  }
  return `${text}\n`;
}
