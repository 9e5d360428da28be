/** What must hold at every moment, whatever happens; each is looked at when something that it speaks of changes. @module */

import { termKey } from '../../core/cluster/primary.ts';
import type { FenceStatus } from '../../core/model/fence-kind.ts';
import type { CommitResult, Entry, Key, Op } from '../../core/store/store.ts';
import { taskEnded } from '../../core/task/task-kind.ts';
import { type ClusterState, transferOf } from './cluster-state.ts';
import type { GuestTruth } from './guests.ts';
import { newlyPlaced, unkept } from './placed.ts';

export interface RulesParts {
  readonly state: ClusterState;
  readonly read: (key: Key) => Entry | undefined;
  readonly nowMs: () => number;
  readonly memoryOf: (node: string) => number;
  /** The life of a machine that is on. */
  readonly runningBoot: (node: string) => string | undefined;
  /** When the daemon of a node last stood still or had no libvirt to talk to; -Infinity: never. */
  readonly stoodStillMs: (node: string) => number;
  readonly violated: (rule: string, text: string) => void;
}

/** From reading what is wanted to asking libvirt for it; the delays of the store are in it. */
const staleMs = 5_000;

export class Rules {
  readonly #parts: RulesParts;
  /** What the daemon asked for, where a planted bug made something else of it. */
  readonly asked = new WeakMap<readonly Op[], readonly Op[]>();

  constructor(parts: RulesParts) {
    this.#parts = parts;
  }

  /** Stands around a commit as it is done. */
  commit(node: string, ops: readonly Op[], commit: () => CommitResult): CommitResult {
    const { read, state, violated } = this.#parts;
    const asked = this.asked.get(ops) ?? ops;
    const guard = asked.find((op) => op.op === 'check' && op.key === termKey);
    const term = read(termKey);
    const result = commit();
    if (result.outcome !== 'ok') return result;
    const placed = newlyPlaced(state, ops);
    state.done(ops);
    for (const op of ops) if (op.op !== 'check' && op.op !== 'absent' && 'value' in op) this.#proofs(node, op);
    for (const text of unkept(state, placed)) violated('rule-broken', `${node} placed guests so that ${text}`);
    if (guard?.op === 'check' && guard.version !== term?.version)
      violated('stale-term', `${node} wrote ${keysOf(ops)} as primary of a term that had ended`);
    if (ops.some((op) => /^\/vm\/[^/]+\/spec$/.test(op.key))) this.#memory(node);
    return result;
  }

  /** That a machine is off is written down only while that life of it has ended. */
  #proofs(by: string, { key, value }: { readonly key: Key; readonly value?: string }): void {
    const [, kind, id = '', half] = key.split('/');
    const { state, runningBoot, violated } = this.#parts;
    const fenced = state.fences.get(id)?.node;
    if (kind !== 'fence' || half !== 'status' || value === undefined || fenced === undefined) return;
    for (const one of (JSON.parse(value) as { d: FenceStatus }).d.evidence)
      if (
        (one.kind === 'power' || one.kind === 'self-fence') &&
        one.covers.length > 0 &&
        one.bootId === runningBoot(fenced)
      )
        violated('false-proof', `${by} wrote that the machine of ${fenced} is off, and it is on`);
  }

  /** A daemon has the power of a node cut. Between its look and its order the node may have come back. */
  cutsPower(node: string, by: string): void {
    const { state, nowMs, stoodStillMs, violated } = this.#parts;
    const sinceMs = state.aliveSinceMs.get(node);
    if (sinceMs === undefined || nowMs() - sinceMs < staleMs || stoodStillMs(by) >= sinceMs) return;
    const byHand = [...state.tasks.values()].some(
      ({ spec, status }) => spec.action === 'node.power' && spec.target.id === node && !taskEnded(status),
    );
    if (!byHand) violated('cuts-living', `${by} has the power of ${node} cut, whose daemon lives`);
  }

  /** A daemon asks libvirt to start a guest. */
  starts(guest: GuestTruth, node: string): void {
    const { state, nowMs, violated, stoodStillMs } = this.#parts;
    guest.asked.push({ node, atMs: nowMs() });
    const intent = state.guests.get(guest.uuid);
    if (intent?.spec.run === 'running' && intent.spec.node === node) return;
    const changedMs = intent?.changedMs ?? nowMs();
    if (nowMs() - changedMs < staleMs || stoodStillMs(node) >= changedMs) return;
    if (intent !== undefined && intent.spec.run !== 'running')
      violated('stopped-starts', `${guest.name} is started on ${node} although it is meant to be ${intent.spec.run}`);
    else
      violated('wrong-node', `${guest.name} is started on ${node}, and belongs on ${intent?.spec.node ?? 'no node'}`);
  }

  /** A node takes up the duties of the primary. A daemon that stands still cannot drop anything. */
  takesDuty(node: string, onDuty: ReadonlySet<string>, standsStill: (node: string) => boolean): void {
    // It was stopped in the very act and has only just gone on: the next thing that it does is to drop them again.
    if (standsStill(node)) return;
    const others = [...onDuty].filter((other) => other !== node && !standsStill(other));
    if (others.length > 0)
      this.#parts.violated('two-primaries', `${node} acts as primary while ${others.join(', ')} still does`);
  }

  /** Nobody's memory is promised twice: what runs there, shall run there, or is on its way there. */
  #memory(by: string): void {
    const { state, memoryOf, violated } = this.#parts;
    const promised = new Map<string, number>();
    const add = (node: string, memoryMiB: number): void =>
      void promised.set(node, (promised.get(node) ?? 0) + memoryMiB);
    for (const { spec } of state.guests.values()) {
      if (spec.run === 'disabled') continue;
      add(spec.node, spec.memoryMiB);
      const to = transferOf(spec)?.to;
      if (to !== undefined && to !== spec.node) add(to, spec.memoryMiB);
    }
    for (const [node, memoryMiB] of promised)
      if (memoryMiB > memoryOf(node))
        violated('overbooked', `${by} promised ${memoryMiB} MiB of ${node}, which has ${memoryOf(node)}`);
  }
}

const keysOf = (ops: readonly Op[]): string =>
  ops
    .filter((op) => op.op !== 'check')
    .map((op) => op.key)
    .join(', ');
