/** Follows machines that were accepted until their nodes run. @module */
import {
  type AnyController,
  defineController,
  formatDuration,
  node,
  type Runtime,
  type Step,
  View,
} from '../../../core/plugin/api.ts';
import type { MachineBook } from './machine-book.ts';
import { machine } from './machine-kind.ts';
import type { MachineDoc } from './machine-rules.ts';
import { bootTimeoutMs, lateAtMs, type MachineEvent, type NodeFacts, next } from './machine-state.ts';

/** While it is under way: whether its daemon is announced wakes nobody. */
const lookMs = 3_000;

interface NoteStep extends Step {
  readonly event: MachineEvent;
}

const late: MachineEvent = {
  type: 'failed',
  reason: `it was no node after ${formatDuration(bootTimeoutMs)}`,
};

/** What there is to note. Pure. */
export function planMachine(
  doc: MachineDoc | undefined,
  facts: NodeFacts | null,
  nowMs: number,
): { readonly steps: readonly NoteStep[]; readonly againInMs?: number } {
  if (doc === undefined || doc.spec.attempt === 0 || doc.status === undefined) return { steps: [] };
  const step = (event: MachineEvent, text: string): NoteStep => ({ do: 'note', text, timeoutMs: 10_000, event });
  const now: MachineEvent = { type: 'node', node: facts };
  const follows = next(doc, now, nowMs);
  if (follows !== doc.status && (follows.state !== doc.status.state || follows.reason !== doc.status.reason))
    return { steps: [step(now, `note that the machine ${doc.id} is ${follows.state}`)], againInMs: lookMs };
  const lateMs = lateAtMs(doc);
  if (lateMs !== undefined && nowMs >= lateMs) return { steps: [step(late, `give the boot of ${doc.id} up`)] };
  return { steps: [], ...(lateMs === undefined ? {} : { againInMs: lookMs }) };
}

export function machineController(
  { documents }: Pick<Runtime, 'documents'>,
  book: Pick<MachineBook, 'note'>,
): AnyController {
  return defineController({
    name: 'machines',
    summary: 'follows servers that boot from the network until they are nodes',
    kind: machine,
    scope: 'primary',
    async observe(_id, doc): Promise<NodeFacts | null> {
      const name = doc?.spec.name ?? null;
      const found = name === null ? undefined : await documents.get(node, name);
      if (found === undefined || name === null) return null;
      const { status } = found;
      return {
        alive: (await new View(documents).alive()).has(name),
        runs: status?.daemon === 'run',
        bootId: status?.bootId,
        health: status?.health ?? 0,
      };
    },
    plan: (doc, facts, { nowMs }) => planMachine(doc, facts, nowMs),
    async apply(step: NoteStep, id) {
      await book.note(id, step.event);
    },
  });
}
