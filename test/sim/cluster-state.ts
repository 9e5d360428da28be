/**
 * What the store truly holds, as far as the rules of the simulator speak of it: read from each commit as it is done, so
 * that nothing has to be asked for and no fault hides anything.
 * @module
 */
import type { Op } from '../../core/store/store.ts';
import type { TaskSpec, TaskStatus } from '../../core/task/task-kind.ts';
import type { VmSpec } from '../../plugins/libvirt/schema.ts';

export interface GuestIntent {
  readonly uuid: string;
  readonly spec: VmSpec;
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

const same = (a: VmSpec, b: VmSpec): boolean =>
  a.run === b.run && a.node === b.node && JSON.stringify(transferOf(a)) === JSON.stringify(transferOf(b));

/** Set while a task moves the guest. */
export const transferOf = (spec: VmSpec): { readonly to: string; readonly task: string } | undefined =>
  (spec as { transfer?: { to: string; task: string } }).transfer;

export class ClusterState {
  readonly guests = new Map<string, GuestIntent>();
  readonly tasks = new Map<string, TaskState>();
  /** Domain state of each node. */
  readonly nodes = new Map<string, string>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  guestNamed(name: string): GuestIntent | undefined {
    return [...this.guests.values()].find((guest) => guest.spec.name === name);
  }

  /** Operations that were done. */
  done(ops: readonly Op[]): void {
    for (const op of ops) {
      if (op.op === 'check' || op.op === 'absent') continue;
      const [, kind, id = '', half] = op.key.split('/');
      if (kind !== 'vm' && kind !== 'task' && kind !== 'node') continue;
      const value = op.op === 'delete' ? undefined : op.value;
      if (kind === 'vm' && half === 'spec') this.#guest(id, value);
      else if (kind === 'task') this.#task(id, half, value);
      else if (kind === 'node' && half === 'spec') {
        if (value === undefined) this.nodes.delete(id);
        else this.nodes.set(id, parse<{ domainState: string }>(value).domainState);
      }
    }
  }

  #guest(uuid: string, value: string | undefined): void {
    if (value === undefined) {
      this.guests.delete(uuid);
      return;
    }
    const spec = parse<VmSpec>(value);
    const before = this.guests.get(uuid);
    const changedMs = before !== undefined && same(before.spec, spec) ? before.changedMs : this.#nowMs();
    this.guests.set(uuid, { uuid, spec, changedMs });
  }

  #task(id: string, half: string | undefined, value: string | undefined): void {
    const before = this.tasks.get(id);
    if (half === 'spec') {
      if (value === undefined) this.tasks.delete(id);
      else
        this.tasks.set(id, {
          id,
          spec: parse<TaskSpec>(value),
          status: before?.status,
          createdMs: before?.createdMs ?? this.#nowMs(),
        });
    } else if (before !== undefined && value !== undefined)
      this.tasks.set(id, { ...before, status: parse<TaskStatus>(value) });
  }
}
