/**
 * Puts a guest's typed fields back into its definition: the whole domain XML. The common part of
 * what is shown to people (`document.ts`) and what is started (`render.ts`).
 * @module
 */
import type { Topology } from '../schema.ts';
import type { VmFields } from './define.ts';
import { diskElement } from './disk.ts';
import { type Mark, markElement } from './mark.ts';
import { nicElement } from './nic.ts';
import { child, el, parseXml, replaceOrAppend, type XmlElement } from './xml.ts';

export interface Composition {
  readonly uuid: string;
  readonly fields: VmFields;
  /** libvirt's domain type. */
  readonly type: 'kvm' | 'qemu' | 'test';
  /** Whether cards on networks and disks on volumes of other plugins get an element. */
  readonly foreign: boolean;
  readonly mark: Mark | undefined;
}

/** An element of the definition with the number that the typed field adds; the element is new where there was none. */
function completed(root: XmlElement, name: string, text: string, unit?: string): XmlElement {
  const partial = child(root, name);
  const element = el(name, unit === undefined ? {} : { unit }, text);
  if (partial === undefined) return element;
  return {
    name,
    attributes: { ...element.attributes, ...partial.attributes },
    children: [...element.children, ...partial.children],
  };
}

function putTopology(root: XmlElement, topology: Topology | undefined): void {
  if (topology === undefined) return;
  const { sockets, dies, clusters, cores, threads } = topology;
  const element = el('topology', { sockets, dies, clusters, cores, threads });
  const cpu = child(root, 'cpu');
  if (cpu === undefined) root.children.push(el('cpu', {}, element));
  else cpu.children.push(element);
}

function putMark(root: XmlElement, mark: Mark | undefined): void {
  if (mark === undefined) return;
  const metadata = child(root, 'metadata') ?? el('metadata');
  metadata.children.push(markElement(mark));
  replaceOrAppend(root, metadata);
}

function putDevices(root: XmlElement, { nics, disks }: VmFields, foreign: boolean): void {
  const devices = child(root, 'devices') ?? el('devices');
  devices.children.unshift(
    ...disks.filter(({ source }) => foreign || source.type !== 'volume').map((disk) => diskElement(disk)),
    ...nics.filter(({ source }) => foreign || source.type !== 'network').map((nic) => nicElement(nic)),
  );
  replaceOrAppend(root, devices);
}

/** The same input gives the same tree, and `fromElement` of the tree gives the same fields. */
export function compose({ uuid, fields, type, foreign, mark }: Composition): XmlElement {
  const root = parseXml(fields.definition);
  const { id: _none, ...attributes } = root.attributes;
  root.attributes = { type, ...attributes };
  const head = [
    el('name', {}, fields.name),
    el('uuid', {}, uuid),
    fields.description === '' ? undefined : el('description', {}, fields.description),
    completed(root, 'memory', String(fields.memoryMiB), 'MiB'),
    completed(root, 'vcpu', String(fields.vcpus)),
  ].filter((element) => element !== undefined);
  for (const element of head.toReversed()) {
    // What stands in the definition keeps its place there.
    if (child(root, element.name) === undefined) root.children.unshift(element);
    else replaceOrAppend(root, element);
  }
  putTopology(root, fields.topology);
  putMark(root, mark);
  putDevices(root, fields, foreign);
  return root;
}
