/**
 * What the store truly holds, as far as the simulator speaks of it: read from each commit as it is done, so that nothing
 * has to be asked for and no fault hides anything.
 * @module
 */

import type { FaultStatus } from '../../core/fault/fault-kind.ts';
import type { FenceStatus } from '../../core/model/fence-kind.ts';
import type { Op } from '../../core/store/store.ts';
import { type TaskSpec, type TaskStatus, taskEnded } from '../../core/task/task-kind.ts';
import type { Rule, RuleSpec } from '../../plugins/libvirt/rule/rule-kind.ts';
import type { VmSpec } from '../../plugins/libvirt/schema.ts';
import type { VmStatus } from '../../plugins/libvirt/vm-kind.ts';
import type { Trace } from './trace.ts';

export interface GuestIntent {
  readonly uuid: string;
  readonly spec: VmSpec;
  readonly status: VmStatus | undefined;
  /** When `run`, `node` or `transfer` was changed last. */
  readonly changedMs: number;
}

export interface TaskState {
  readonly id: string;
  readonly spec: TaskSpec;
  readonly status: TaskStatus | undefined;
  readonly createdMs: number;
}

const parse = <T>(text: string): T => (JSON.parse(text) as { d: T }).d;

/** Set while a task moves the guest. */
export const transferOf = (spec: VmSpec): { readonly to: string } | undefined =>
  (spec as { transfer?: { to: string } }).transfer;

const where = (spec: VmSpec): string => {
  const to = transferOf(spec)?.to;
  const run = spec.run === 'running' && spec.crashes?.failed !== undefined ? 'running, and has failed,' : spec.run;
  return `${run} on ${spec.node}${to === undefined ? '' : `, on its way to ${to}`}`;
};

export class ClusterState {
  readonly guests = new Map<string, GuestIntent>();
  readonly tasks = new Map<string, TaskState>();
  readonly guestRules = new Map<string, Rule>();
  /** Domain state of each node. */
  readonly nodes = new Map<string, string>();
  /** Open fences, by id. */
  readonly fences = new Map<string, { node: string; state: string; power: string }>();
  /** Those that are open. */
  readonly faults = new Map<string, FaultStatus>();
  primary: string | undefined;
  /** Nodes that are announced, and since when. */
  readonly aliveSinceMs = new Map<string, number>();
  readonly #nowMs: () => number;
  readonly #trace: Trace;

  constructor(nowMs: () => number, trace: Trace) {
    this.#nowMs = nowMs;
    this.#trace = trace;
  }

  guestNamed(name: string): GuestIntent | undefined {
    return [...this.guests.values()].find((guest) => guest.spec.name === name);
  }

  /** Operations that were done. */
  done(ops: readonly Op[]): void {
    for (const op of ops) {
      if (op.op === 'check' || op.op === 'absent') continue;
      const [, kind, id = '', half] = op.key.split('/');
      const value = op.op === 'delete' ? undefined : op.value;
      if (kind === 'vm') this.#guest(id, half, value);
      else if (kind === 'vm-rule') this.#guestRule(id, value);
      else if (kind === 'task') this.#task(id, half, value);
      else if (kind === 'node' && half === 'spec') this.#node(id, value);
      else if (kind === 'fault' && half === 'status') this.#fault(id, value);
      else if (kind === 'fence' && half === 'status') this.#fence(id, value);
      else if (kind === 'fence' && half === 'spec') this.#fenceNode(id, value);
      else if (op.key === '/primary/holder') this.#holder(value);
      else if (kind === 'alive') this.#alive(id, value);
    }
  }

  /** An entry vanished with its session. */
  vanished(key: string): void {
    const [, kind, id = ''] = key.split('/');
    if (key === '/primary/holder') this.#holder(undefined);
    else if (kind === 'alive') this.#alive(id, undefined);
  }

  #alive(node: string, value: string | undefined): void {
    if (value === undefined) this.aliveSinceMs.delete(node);
    else this.aliveSinceMs.set(node, this.#nowMs());
  }

  #holder(node: string | undefined): void {
    if (node !== undefined) this.#trace.world('store', `${node} is primary`);
    else if (this.primary !== undefined) this.#trace.world('store', `${this.primary} is primary no more`);
    this.primary = node;
  }

  #guest(uuid: string, half: string | undefined, value: string | undefined): void {
    const before = this.guests.get(uuid);
    if (half === 'status') {
      if (before !== undefined)
        this.guests.set(uuid, { ...before, status: value === undefined ? undefined : parse<VmStatus>(value) });
      return;
    }
    if (value === undefined) {
      this.guests.delete(uuid);
      if (before !== undefined) this.#trace.world(before.spec.name, 'is forgotten');
      return;
    }
    const spec = parse<VmSpec>(value);
    const changed = before === undefined || where(before.spec) !== where(spec);
    if (changed) this.#trace.world(spec.name, `shall be ${where(spec)}`);
    this.guests.set(uuid, {
      uuid,
      spec,
      status: before?.status,
      changedMs: changed ? this.#nowMs() : before.changedMs,
    });
  }

  #guestRule(name: string, value: string | undefined): void {
    const before = this.guestRules.get(name);
    if (value === undefined) {
      this.guestRules.delete(name);
      if (before !== undefined) this.#trace.world(name, 'is a rule no more');
      return;
    }
    const rule: Rule = { name, ...parse<RuleSpec>(value) };
    const words = `${rule.guests.join(', ')} ${rule.strict ? 'shall' : 'should'} be ${rule.kind}`;
    if (JSON.stringify(before) !== JSON.stringify(rule)) this.#trace.world(name, `is a rule: ${words}`);
    this.guestRules.set(name, rule);
  }

  #task(id: string, half: string | undefined, value: string | undefined): void {
    const before = this.tasks.get(id);
    if (value === undefined) {
      this.tasks.delete(id);
      return;
    }
    if (half === 'spec') {
      const spec = parse<TaskSpec>(value);
      if (before === undefined) this.#trace.world(spec.target.label, `task ${spec.action} is asked for`);
      else if (spec.cancel && !before.spec.cancel)
        this.#trace.world(spec.target.label, `task ${spec.action} is to be cancelled`);
      this.tasks.set(id, { id, spec, status: before?.status, createdMs: before?.createdMs ?? this.#nowMs() });
    } else if (before !== undefined) {
      const status = parse<TaskStatus>(value);
      this.tasks.set(id, { ...before, status });
      this.#tellTask(before, status);
    }
  }

  #tellTask({ spec, status: before }: TaskState, status: TaskStatus): void {
    const task = `task ${spec.action}`;
    const { label } = spec.target;
    if (taskEnded(status)) {
      if (!taskEnded(before))
        this.#trace.world(
          label,
          `${task} ${status.state}${status.error === undefined ? '' : ` (${status.error.code})`}`,
        );
    } else if (before !== undefined && status.attempts > before.attempts)
      this.#trace.world(label, `${task} is taken up by ${status.owner}${status.attempts > 1 ? ' again' : ''}`);
    else if (before?.phase !== status.phase && status.phase !== '')
      this.#trace.world(label, `${task} is at "${status.phase}"`);
  }

  #node(name: string, value: string | undefined): void {
    if (value === undefined) {
      this.nodes.delete(name);
      return;
    }
    const { domainState } = parse<{ domainState: string }>(value);
    const before = this.nodes.get(name);
    if (before !== undefined && before !== domainState) this.#trace.world(name, `is to be ${domainState}`);
    this.nodes.set(name, domainState);
  }

  #fenceNode(id: string, value: string | undefined): void {
    if (value === undefined || this.fences.has(id)) return;
    const { node } = parse<{ node: string }>(value);
    this.fences.set(id, { node, state: 'open', power: '' });
    this.#trace.world(node, 'is taken for dead: its fence is open');
  }

  #fence(id: string, value: string | undefined): void {
    const known = this.fences.get(id);
    if (known === undefined || value === undefined) return;
    const { state, end, power: told } = parse<FenceStatus>(value);
    const power = told?.staysOff === undefined ? (told?.text ?? '') : `it stays off: ${told.staysOff}`;
    if (state === 'ended') this.fences.delete(id);
    else this.fences.set(id, { ...known, state, power });
    if (power !== known.power) this.#trace.world(known.node, `its fence tells: ${power}`);
    if (state !== known.state)
      this.#trace.world(known.node, state === 'ended' ? `its fence ends: ${end}` : 'its fence is in force');
  }

  #fault(id: string, value: string | undefined): void {
    const before = this.faults.get(id);
    const status = value === undefined ? undefined : parse<FaultStatus>(value);
    if (status === undefined || status.clearedMs !== undefined) {
      if (before !== undefined) this.#trace.world('', `fault cleared: ${before.message}`);
      this.faults.delete(id);
      return;
    }
    if (before === undefined) this.#trace.world('', `fault: ${status.message}`);
    this.faults.set(id, status);
  }
}
