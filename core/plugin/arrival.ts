/** What comes to a node that is taken for dead. @module */
import { fence, fenceEnded, voided } from '../model/fence-kind.ts';
import { node as nodeKind } from '../model/node-kind.ts';
import type { Documents, Write } from '../store/documents.ts';

/**
 * For the commit by which something comes to a node that has not asked for it, as a guest that was moved there: what was
 * proven of that node before says nothing of it. Its machine may have been switched on since, and have taken it, without being
 * able to tell. Nothing when no fence of the node is open.
 * @param what comes, for whoever reads the evidence
 * @param atMs wall clock
 */
export async function arrivalWrites(documents: Documents, node: string, what: string, atMs: number): Promise<Write[]> {
  const id = await documents.find(fence, 'node', node);
  const before = id === undefined ? undefined : await documents.get(fence, id);
  if (before?.status === undefined || fenceEnded(before.status)) return [];
  const bootId = (await documents.get(nodeKind, node))?.status?.bootId ?? '';
  const { word, ...spec } = before.spec;
  const text = 'came to it: what was proven before says nothing of that';
  const evidence = [...voided(before.status.evidence), { by: what, text, covers: [], atMs, bootId }];
  return [
    { do: 'status', kind: fence, before, status: { ...before.status, evidence } },
    ...(word === undefined ? [] : [{ do: 'spec' as const, kind: fence, before, spec }]),
  ];
}
