/**
 * The fence of a node that is dead: what proves that nothing of it can do harm any more, and what became of its guests.
 * There is one that is open for each dead node; those that have ended are the history.
 * @module
 */
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { defineKind } from './kind.ts';
import { nodeName } from './names.ts';
import { nodeSpec } from './node-kind.ts';

export const fenceSpec = z.strictObject({
  node: nodeName,
  openedMs: z.int(),
  /** `pvc`, or who asked for it. */
  by: z.string().max(64),
  /** Somebody has made sure that the machine is off, and answers for it. */
  word: z.strictObject({ by: z.string().max(64), atMs: z.int(), bootId: z.string() }).optional(),
});
export type FenceSpec = z.infer<typeof fenceSpec>;

/** Why things that the node had may be used elsewhere. */
export const evidence = z.strictObject({
  /** power: its BMC reads off. plugin: a plugin has shut it out. word: somebody answers for it. self-fence: its watchdog has reset it. */
  kind: z.enum(['power', 'plugin', 'word', 'self-fence']).optional(),
  /** Who says so: its BMC, a plugin, or the person who gave a word. */
  by: z.string(),
  text: z.string(),
  /** Resources that are sure by it; `machine`: all of them. */
  covers: z.array(z.string()),
  atMs: z.int(),
  /** The life of the machine that it is about: it says nothing of a later one. */
  bootId: z.string(),
});
export type Evidence = z.infer<typeof evidence>;

/** What is proven about that life of the machine. */
export const proven = (evidence: readonly Evidence[], bootId: string): ((resource: string) => boolean) => {
  const covered = new Set(evidence.filter((one) => one.bootId === bootId).flatMap(({ covers }) => covers));
  return (resource) => covered.has('machine') || covered.has(resource);
};

/** The same, of which nothing counts any more. */
export const voided = (evidence: readonly Evidence[]): Evidence[] => evidence.map((one) => ({ ...one, covers: [] }));

/** Something was voided of that life of the machine: that it is over proves nothing any more. */
export const hasVoid = (evidence: readonly Evidence[], bootId: string): boolean =>
  evidence.some((one) => one.bootId === bootId && one.covers.length === 0);

export const recovered = z.strictObject({ id: z.string(), object: z.string(), to: nodeName, atMs: z.int() });

const waiting = z.strictObject({ object: z.string(), reason: z.string() });

/** What came of the machine's power. */
export const fencePower = z.strictObject({
  /** How often its BMC was tried in vain since something was last proven or switched. */
  tries: z.int(),
  /** What was found last, in a sentence for people. */
  text: z.string(),
  atMs: z.int(),
  /** An order to cut the power was given in that life of the machine. */
  cut: z.strictObject({ bootId: z.string(), atMs: z.int() }).optional(),
  /** When its BMC was told to switch it on again; once for each cut, however often it had to be told. */
  onMs: z.array(z.int()),
  /** Its BMC has read on since the last cut. */
  readsOn: z.boolean().optional(),
  /** Why it is not. */
  staysOff: z.string().optional(),
});
export type FencePower = z.infer<typeof fencePower>;

export const fenceStatus = z.strictObject({
  /** open: nothing was done yet. force: something of the node may be shut out. ended: the node is back, or gone for good. */
  state: z.enum(['open', 'force', 'ended']),
  evidence: z.array(evidence),
  recovered: z.array(recovered),
  /** What is not recovered, and why. */
  waiting: z.array(waiting),
  power: fencePower.optional(),
  /** When nothing lacked a proof any more, and what had room was placed elsewhere. */
  settledMs: z.int().optional(),
  /** What the node was for before, and is again when it is back. */
  domainState: nodeSpec.shape.domainState.optional(),
  endedMs: z.int().optional(),
  /** How it ended. */
  end: z.string().optional(),
});
export type FenceStatus = z.infer<typeof fenceStatus>;

/** Nothing lacks a proof, and nothing waits: all goes on elsewhere. */
export const isSettled = ({ settledMs, waiting: waits }: FenceStatus): boolean =>
  settledMs !== undefined && waits.length === 0;

/** Its node is let in again, or gone for good. */
export const fenceEnded = (status: FenceStatus | undefined): boolean => status?.state === 'ended';

export const freshFence: FenceStatus = { state: 'open', evidence: [], recovered: [], waiting: [] };

const withoutSelfFence = (status: FenceStatus): FenceStatus => ({
  ...status,
  evidence: status.evidence.map(({ kind, ...one }) =>
    kind === undefined || kind === 'self-fence' ? one : { ...one, kind },
  ),
});

export const fence = defineKind<FenceSpec, FenceStatus>({
  name: 'fence',
  plural: 'fences',
  version: 2,
  migrateStatus: { 1: (old) => old },
  // Before, nothing was proven by a watchdog: what says so is kept, its kind is left out.
  revertStatus: { 1: (young) => withoutSelfFence(young as FenceStatus) },
  id: z.string().regex(/^[0-9a-z]{12,26}$/, 'the id of a fence is 12 to 26 of 0-9 and a-z'),
  spec: fenceSpec,
  status: fenceStatus,
  unique: (spec, status) => ({ node: fenceEnded(status) ? [] : [spec.node] }),
  label: (spec) => spec.node,
});

export const fenceError = defineErrors({
  FENCE_HELD: {
    message: 'The power of {node} is not cut: {reason}.',
    hint: 'See `pvc cluster fencing show` and `pvc cluster maintenance`.',
    http: 409,
    exit: 'refused',
  },
  FENCE_ANSWERS: {
    message: 'The node {node} is not dead: its daemon answers.',
    hint: 'Empty it with `pvc node flush {node}`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  FENCE_STORM: {
    message: '{node} is dead, and {open} of {nodes} nodes are being fenced already: it is not fenced as well.',
    hint: 'So many do not die by themselves: look at the network first. `pvc node fence {node}` does it by hand; `pvc cluster fencing set --at-most` is how many PVC dares.',
    http: 409,
    exit: 'refused',
  },
});
