/**
 * Reads what the typed fields say about the machine itself out of a domain: identity, memory, vCPUs,
 * topology, accelerator. What they own is taken out of the tree, the rest stays where it stood.
 * @module
 */
import { names } from '../../../core/plugin/api.ts';
import type { Topology } from '../schema.ts';
import { type Accelerator, readMark } from './mark.ts';
import { numaMemoryMiB } from './numa.ts';
import { parseBytes, toMiB } from './quantity.ts';
import { child, childrenNamed, descend, el, isBare, removeChildren, textOf, type XmlElement } from './xml.ts';

/** What is wrong (all of it is shown at once) and what was changed on the way in. */
export interface Findings {
  readonly problems: string[];
  readonly warnings: string[];
  /** The domain was rendered by PVC: what only a node adds is taken out without a word. */
  readonly ours: boolean;
}

const singletons = [
  'name',
  'uuid',
  'description',
  'metadata',
  'memory',
  'currentMemory',
  'vcpu',
  'cpu',
  'os',
  'devices',
  'features',
  'clock',
  'on_poweroff',
  'on_reboot',
  'on_crash',
];

export function checkSingletons(root: XmlElement, { problems }: Findings): void {
  for (const name of singletons) {
    const count = childrenNamed(root, name).length;
    if (count > 1) problems.push(`/domain/${name}: stands there ${count} times; keep one`);
  }
}

export function takeName(root: XmlElement, { problems }: Findings): string {
  const text = textOf(child(root, 'name')).trim();
  removeChildren(root, ({ name }) => name === 'name');
  if (text === '') {
    problems.push('/domain/name: is missing; give the guest a name');
    return '';
  }
  const form = names.objectName.safeParse(text);
  if (!form.success) problems.push(`/domain/name: "${text}" cannot be used; ${form.error.issues[0]?.message ?? ''}`);
  return text;
}

/** As libvirt reads it: dashes may be missing, all digits alike is refused. */
function readUuid(path: string, element: XmlElement | undefined, { problems }: Findings): string | undefined {
  if (element === undefined) return undefined;
  const digits = textOf(element).trim().toLowerCase().replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/.test(digits) || new Set(digits).size === 1) {
    problems.push(
      `${path}: "${textOf(element).trim()}" is no UUID; write 8-4-4-4-12 hexadecimal digits, or leave it out and one is chosen`,
    );
    return undefined;
  }
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The UUID, which the system table of `<sysinfo>` may give as well; libvirt insists that both are the same. */
export function takeUuid(root: XmlElement, findings: Findings): string | undefined {
  const uuid = readUuid('/domain/uuid', child(root, 'uuid'), findings);
  removeChildren(root, ({ name }) => name === 'uuid');
  const entry = childrenNamed(descend(root, 'sysinfo', 'system'), 'entry').find(
    ({ attributes }) => attributes['name'] === 'uuid',
  );
  const table = readUuid('/domain/sysinfo/system/entry', entry, findings);
  if (uuid !== undefined && table !== undefined && uuid !== table) {
    findings.problems.push(
      `/domain/sysinfo/system/entry: the UUID ${table} differs from ${uuid} in <uuid>; make them equal or remove the entry`,
    );
  }
  return uuid ?? table;
}

export function takeDescription(root: XmlElement, { problems }: Findings): string {
  // Blanks around it are layout of the XML.
  const text = textOf(child(root, 'description')).trim();
  removeChildren(root, ({ name }) => name === 'description');
  if (text.length > 4096) problems.push(`/domain/description: has ${text.length} characters; 4096 are allowed`);
  if (/\r/.test(text)) problems.push('/domain/description: holds a carriage return; write plain line breaks');
  return text;
}

export function takeAccelerator(root: XmlElement, { problems }: Findings): Accelerator {
  const type = root.attributes['type'];
  delete root.attributes['type'];
  const mark = readMark(root);
  if (mark !== undefined && mark.type === type) return mark.accelerator;
  if (type === 'kvm') return 'auto';
  if (type === 'qemu') return 'tcg';
  problems.push(
    type === undefined
      ? "/domain/@type: is missing; write type='kvm' (KVM where the node has it) or type='qemu' (emulation)"
      : `/domain/@type: '${type}' is not run by PVC, whose guests are QEMU's; write 'kvm' (KVM where the node has it) or 'qemu' (emulation)`,
  );
  return 'auto';
}

function readMemory(element: XmlElement, findings: Findings): number | undefined {
  const path = `/domain/${element.name}`;
  const unit = element.attributes['unit'];
  const bytes = parseBytes(textOf(element), unit);
  if (bytes === 'unit')
    findings.problems.push(`${path}/@unit: "${unit ?? ''}" is no unit; write bytes, KiB, MiB, GiB or TiB`);
  else if (bytes === 'number') findings.problems.push(`${path}: "${textOf(element).trim()}" is no whole number`);
  else if (bytes > 2n ** 60n)
    findings.problems.push(
      `${path}: ${textOf(element).trim()} ${unit ?? 'KiB'} is more than any machine has; check the unit`,
    );
  else {
    const { miB, exact } = toMiB(bytes);
    if (!exact)
      findings.warnings.push(`${path}: ${textOf(element).trim()} ${unit ?? 'KiB'} is rounded up to ${miB} MiB`);
    return miB;
  }
  return undefined;
}

/** `<memory>` gives up its amount and keeps other attributes (`dumpCore`). A smaller `<currentMemory>`, where the balloon starts, stays in the definition. */
export function takeMemory(root: XmlElement, findings: Findings): number {
  const element = child(root, 'memory');
  const numaMiB = numaMemoryMiB(root);
  let miB = element === undefined ? undefined : readMemory(element, findings);
  if (element !== undefined) {
    delete element.attributes['unit'];
    element.children = element.children.filter((node) => 'comment' in node);
    if (isBare(element)) removeChildren(root, (other) => other === element);
  } else if (numaMiB === undefined)
    findings.problems.push("/domain/memory: is missing; write <memory unit='MiB'>1024</memory>");
  if (numaMiB !== undefined && numaMiB !== miB && (miB !== undefined || element === undefined)) {
    if (miB !== undefined)
      findings.warnings.push(
        `/domain/memory: ${miB} MiB gives way to the ${numaMiB} MiB of the NUMA cells, as libvirt has it`,
      );
    miB = numaMiB;
  }
  if (miB === 0) findings.problems.push('/domain/memory: is 0; give the guest some memory');
  else if (miB !== undefined && miB < 16)
    findings.problems.push(
      `/domain/memory: ${miB} MiB is less than the 16 MiB a guest needs; check the unit (KiB when none is written)`,
    );
  else if (miB !== undefined && miB > 16 * 1024 * 1024)
    findings.problems.push(`/domain/memory: ${miB} MiB is more than 16 TiB; check the unit`);
  takeCurrentMemory(root, miB, findings);
  return miB ?? 0;
}

function takeCurrentMemory(root: XmlElement, memoryMiB: number | undefined, findings: Findings): void {
  const element = child(root, 'currentMemory');
  if (element === undefined) return;
  const miB = readMemory(element, findings);
  if (miB !== undefined && memoryMiB !== undefined && miB >= memoryMiB)
    removeChildren(root, (other) => other === element);
  else if (miB === 0) findings.problems.push('/domain/currentMemory: is 0; leave it out or give the guest some memory');
  else if (miB !== undefined)
    root.children[root.children.indexOf(element)] = el('currentMemory', { unit: 'MiB' }, String(miB));
}

const readCount = (text: string): number | undefined => (/^\s*[0-9]{1,9}\s*$/.test(text) ? Number(text) : undefined);

/** `<vcpu>` gives up its number and keeps `cpuset`, `placement='auto'` and a smaller `current`. */
export function takeVcpus(root: XmlElement, { problems, warnings }: Findings): number {
  const element = child(root, 'vcpu');
  if (element === undefined) {
    warnings.push('/domain/vcpu: is missing; the guest has one vCPU');
    return 1;
  }
  const text = textOf(element).trim();
  const count = readCount(text);
  if (count === undefined) problems.push(`/domain/vcpu: "${text}" is no whole number`);
  else if (count === 0) problems.push('/domain/vcpu: is 0; a guest needs at least one');
  else if (count > 512) problems.push(`/domain/vcpu: ${count} is more than 512`);
  const { current } = element.attributes;
  if (current !== undefined) {
    const now = readCount(current);
    if (now === undefined || now === 0)
      problems.push(`/domain/vcpu/@current: "${current}" must be a whole number from 1`);
    else if (count !== undefined && now > count)
      problems.push(`/domain/vcpu/@current: ${now} is more than the ${count} vCPUs there are`);
    else if (now === count) delete element.attributes['current'];
  }
  if (element.attributes['placement'] === 'static') delete element.attributes['placement'];
  element.children = element.children.filter((node) => 'comment' in node);
  if (isBare(element)) removeChildren(root, (other) => other === element);
  return count ?? 1;
}

const levels = ['sockets', 'dies', 'clusters', 'cores', 'threads'] as const;

export function takeTopology(root: XmlElement, { problems }: Findings): Topology | undefined {
  const cpu = child(root, 'cpu');
  const element = descend(root, 'cpu', 'topology');
  if (cpu === undefined) return undefined;
  let topology: Topology | undefined;
  if (element !== undefined) {
    const counts: Partial<Record<(typeof levels)[number], number>> = {};
    for (const level of levels) {
      const text = element.attributes[level];
      const optional = level === 'dies' || level === 'clusters';
      const count = text === undefined ? undefined : readCount(text);
      if (text === undefined ? !optional : count === undefined || count === 0)
        problems.push(`/domain/cpu/topology/@${level}: must be a whole number from 1`);
      // One die or one cluster is what there is without saying so.
      else if (count !== undefined && !(optional && count === 1)) counts[level] = count;
    }
    const { sockets, cores, threads, ...between } = counts;
    if (sockets !== undefined && cores !== undefined && threads !== undefined)
      topology = { sockets, ...between, cores, threads };
    removeChildren(cpu, (other) => other === element);
  }
  if (isBare(cpu)) removeChildren(root, (other) => other === cpu);
  return topology;
}

export function checkOs(root: XmlElement, { problems }: Findings): void {
  const type = descend(root, 'os', 'type');
  const text = textOf(type).trim();
  if (type === undefined || text === '')
    problems.push("/domain/os/type: is missing; write <os><type arch='x86_64' machine='q35'>hvm</type></os>");
  else if (text !== 'hvm') problems.push(`/domain/os/type: '${text}' is not run by QEMU; write 'hvm'`);
}
