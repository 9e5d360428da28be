/**
 * What must agree with each other in a guest: vCPUs with the topology, memory with the NUMA cells.
 * libvirt refuses or silently overrules the rest.
 * @module
 */
import type { Topology, VmSpec } from '../schema.ts';
import { parseBytes, toMiB } from './quantity.ts';
import { childrenNamed, descend, parseXml, textOf, type XmlElement } from './xml.ts';

export const topologyProduct = (topology: Topology): number =>
  topology.sockets * (topology.dies ?? 1) * (topology.clusters ?? 1) * topology.cores * topology.threads;

/** `2 sockets × 2 cores × 1 thread`, for people. */
export const topologyText = (topology: Topology): string =>
  [
    [topology.sockets, 'socket'],
    [topology.dies, 'die'],
    [topology.clusters, 'cluster'],
    [topology.cores, 'core'],
    [topology.threads, 'thread'],
  ]
    .filter((part): part is [number, string] => part[0] !== undefined)
    .map(([count, noun]) => `${count} ${noun}${count === 1 ? '' : 's'}`)
    .join(' × ');

/** Memory of the NUMA cells and of the memory devices, in MiB; undefined when there are no cells. */
export function numaMemoryMiB(root: XmlElement): number | undefined {
  const cells = childrenNamed(descend(root, 'cpu', 'numa'), 'cell');
  if (cells.length === 0) return undefined;
  const modules = childrenNamed(descend(root, 'devices'), 'memory').map((device) => descend(device, 'target', 'size'));
  let bytes = 0n;
  for (const cell of cells) {
    const size = parseBytes(cell.attributes['memory'] ?? '', cell.attributes['unit']);
    if (typeof size === 'bigint') bytes += size;
  }
  for (const module of modules) {
    const size = parseBytes(textOf(module), module?.attributes['unit']);
    if (typeof size === 'bigint') bytes += size;
  }
  return toMiB(bytes).miB;
}

/** The highest vCPU number that a cell names (`0-3,^2,6`). */
function highestCpu(root: XmlElement): number {
  const lists = childrenNamed(descend(root, 'cpu', 'numa'), 'cell').map((cell) => cell.attributes['cpus'] ?? '');
  const numbers = lists.join(',').match(/\d+/g) ?? [];
  return numbers.reduce((highest, text) => Math.max(highest, Number(text)), -1);
}

/** Problems between typed fields and definition; to be asked whenever one of them changes. */
export function agreementProblems(
  fields: Pick<VmSpec, 'memoryMiB' | 'vcpus' | 'topology'>,
  root: XmlElement,
): string[] {
  const problems: string[] = [];
  const { topology, vcpus, memoryMiB } = fields;
  if (topology !== undefined && topologyProduct(topology) !== vcpus) {
    problems.push(
      `/domain/cpu/topology: ${topologyText(topology)} make ${topologyProduct(topology)} vCPUs, but <vcpu> says ${vcpus}; make them equal or leave the topology out`,
    );
  }
  const highest = highestCpu(root);
  if (highest >= vcpus)
    problems.push(
      `/domain/cpu/numa: a cell names vCPU ${highest}, but <vcpu> says ${vcpus} (the last is ${vcpus - 1})`,
    );
  const numaMiB = numaMemoryMiB(root);
  if (numaMiB !== undefined && numaMiB !== memoryMiB) {
    problems.push(
      `/domain/cpu/numa: the cells and memory devices hold ${numaMiB} MiB, but the memory is ${memoryMiB} MiB; change the cells in the XML as well`,
    );
  }
  return problems;
}

/** The same for a stored guest, for operations that set the memory or the vCPUs. */
export const specProblems = (spec: Pick<VmSpec, 'memoryMiB' | 'vcpus' | 'topology' | 'definition'>): string[] =>
  agreementProblems(spec, parseXml(spec.definition));
