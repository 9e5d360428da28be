/**
 * What on a node was cut off from resources to which the node is to be let in again. That of it which runs on has lost them for
 * good, as a client of Ceph that was refused once: it is ended first. Asked for by who lets in, answered by the node.
 * @module
 */
import { z } from 'zod';
import { defineKind } from './kind.ts';
import { nodeName } from './names.ts';

export const cutOffSpec = z.strictObject({
  node: nodeName,
  /** The plugin that has cut it off. */
  by: z.string().max(64),
  /** As in fences: `pool:vms`. */
  resources: z.array(z.string()),
  /** Which cutting off it is: another mark is another one, and asks anew. */
  mark: z.string().max(64),
});
export type CutOffSpec = z.infer<typeof cutOffSpec>;

export const cutOffStatus = z.strictObject({
  /** The one that is answered. */
  mark: z.string().max(64),
  /** What was ended, by its name for people. */
  ended: z.array(z.string()),
  /** What could not be, each with its reason: it is tried again. */
  left: z.array(z.string()),
});
export type CutOffStatus = z.infer<typeof cutOffStatus>;

export const cutOffId = (node: string, by: string): string => `${node}.${by}`;

/** All is ended that was cut off then. */
export const isEnded = (status: CutOffStatus | undefined, mark: string): boolean =>
  status?.mark === mark && status.left.length === 0;

export const cutOff = defineKind<CutOffSpec, CutOffStatus>({
  name: 'cut-off',
  plural: 'cut-offs',
  version: 1,
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}\.[a-z][a-z0-9-]{0,62}$/, 'the id of a cut-off is NODE.PLUGIN'),
  spec: cutOffSpec,
  status: cutOffStatus,
  concerns: ({ node }) => [node],
  bookkeeping: true,
  label: ({ node }) => node,
});
