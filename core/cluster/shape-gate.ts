/**
 * The gate of mixed versions: which shapes of documents all nodes have agreed on. The primary raises it once every node
 * of the cluster has told that it understands more; it never goes back. See docs/decisions/012-mixed-versions.md.
 * @module
 */

import { type ClusterSpec, cluster, clusterError, clusterId } from '../model/cluster-kind.ts';
import type { AnyKind } from '../model/kind.ts';
import { node } from '../model/node-kind.ts';
import { commonShapes, shapesOf, tooNew } from '../model/shapes.ts';
import type { Documents } from '../store/documents.ts';
import type { Op } from '../store/store.ts';

/** Learns what the nodes have agreed on. Cheap: one read. */
export async function followShapes(documents: Documents): Promise<void> {
  documents.shapes.agree((await documents.get(cluster, clusterId))?.spec.shapes);
}

/** @throws PvcError NODE_TOO_OLD: this process must touch nothing of the cluster */
export function refuseTooOld(kinds: readonly AnyKind[], spec: ClusterSpec, version: string): void {
  const unknown = tooNew(shapesOf(kinds), spec.shapes);
  if (unknown.length > 0) throw clusterError('NODE_TOO_OLD', { version, cluster: spec.name }, { details: unknown });
}

/**
 * Raises the levels to what every node understands, where that is more than is agreed on.
 * @param guard what makes the commit fail when this node is primary no more
 * @returns the kinds whose shapes were raised
 * @throws Error when nobody knows whether they were: it is to be tried again
 */
export async function raiseShapes(
  documents: Documents,
  kinds: readonly AnyKind[],
  guard: () => readonly Op[],
): Promise<string[]> {
  const before = await documents.need(cluster, clusterId);
  const nodes = await documents.list(node);
  const common = commonShapes(
    kinds,
    nodes.map(({ status }) => status?.shapes),
  );
  const raised = Object.entries(common).filter(([kind, level]) => level > (before.spec.shapes?.[kind] ?? 1));
  if (raised.length === 0) return [];
  const shapes = { ...before.spec.shapes, ...Object.fromEntries(raised) };
  const { ops, topics } = documents.commitOf([{ do: 'spec', kind: cluster, before, spec: { ...before.spec, shapes } }]);
  // A node that joins at this moment changes the cluster's document too: this fails then, and is tried with it in view.
  const result = await documents.store.commit([...guard(), ...ops], topics);
  if (result.outcome === 'unknown') throw result.cause;
  if (result.outcome !== 'ok') return [];
  documents.shapes.agree(shapes);
  return raised.map(([kind]) => kind);
}
