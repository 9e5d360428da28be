/** Where the guests of a dead node go on: all of them in one plan. Pure. @module */
import type { Doc, Stranded, TaskSpec, TaskStatus, Waiting } from '../../core/plugin/api.ts';
import type { VmDoc } from './guest-control.ts';
import { Ledger, type World } from './ledger.ts';
import { moveObjections } from './move-plan.ts';
import { byImportance, judged, reasonsOf } from './place-all.ts';
import { choose } from './placement.ts';
import type { VmSpec } from './schema.ts';

export type TaskDoc = Doc<TaskSpec, TaskStatus>;

export interface RecoveryScene extends World {
  /** The dead one. */
  readonly node: string;
  readonly proven: (resource: string) => boolean;
}

export interface Placed {
  readonly guest: VmDoc;
  readonly to: string;
}

export interface RecoveryPlan {
  /** Guests that strict rules keep together go together: each of these is placed in one commit. */
  readonly placed: readonly (readonly Placed[])[];
  readonly waiting: readonly Waiting[];
}

/** Guests that are meant to run on the node, the most important first. */
const strandedOn = (guests: readonly VmDoc[], node: string): VmDoc[] =>
  guests.filter(({ spec }) => spec.node === node && spec.run === 'running').sort(byImportance);

/**
 * What must be proven before a guest may run elsewhere: that nobody else writes to its disks. Volumes can be shut off
 * from a node one by one; for all else, and for a guest that writes to nothing, the machine itself must be off.
 */
export function needsOf({ spec }: Pick<VmDoc, 'spec'>): string[] {
  const written = spec.disks.filter(({ readonly, source }) => !readonly && source.type !== 'empty');
  if (written.length === 0) return ['machine'];
  return [
    ...new Set(written.map(({ source }) => (source.type === 'volume' ? `pool:${source.pool}` : 'machine'))),
  ].sort();
}

/** Why a guest can run nowhere but on its node; undefined: it can. */
function tied(guest: VmDoc, { node, nodes }: Pick<RecoveryScene, 'node' | 'nodes'>): string | undefined {
  const source = nodes.find(({ id }) => id === node);
  const others = nodes.filter(({ id }) => id !== node);
  if (others.length === 0) return 'there is no other node';
  const objections = others.map((other) => moveObjections(guest, source, other).any);
  return objections.some((against) => against.length === 0) ? undefined : (objections[0] ?? []).join('; ');
}

/** What is to be proven for the guests that can go on elsewhere; those that cannot need nothing, and wait. */
export const strandedGuests = (scene: Pick<RecoveryScene, 'node' | 'nodes' | 'guests'>): Stranded[] =>
  strandedOn(scene.guests, scene.node).map((guest) => ({
    object: guest.spec.name,
    needs: tied(guest, scene) === undefined ? needsOf(guest) : [],
  }));

const needText = (need: string): string =>
  need === 'machine' ? 'that the machine is off' : `that it writes nothing more to the ${need.replace(':', ' ')}`;

/** Each is placed with those before it in view, so that no memory is promised twice and no strict rule is broken. */
export function planRecovery(scene: RecoveryScene): RecoveryPlan {
  const { node, proven } = scene;
  const ledger = new Ledger(scene);
  const placed: Placed[][] = [];
  const waiting: Waiting[] = [];
  const done = new Set<string>();
  for (const guest of strandedOn(scene.guests, node)) {
    if (done.has(guest.id)) continue;
    const { transfer } = guest.spec;
    // One that is on its way goes on alone: what is kept with it is on its way by itself.
    const group = transfer === undefined ? ledger.groupOf(guest).filter(({ spec }) => spec.node === node) : [guest];
    for (const one of group) done.add(one.id);
    const wait = (reason: string): void => {
      for (const { spec } of group) if (spec.run === 'running') waiting.push({ object: spec.name, reason });
    };
    const place = (to: string): void => {
      placed.push(group.map((one) => ({ guest: one, to })));
      for (const one of group) ledger.place(one, to);
    };
    const against = group.flatMap((one) => {
      const tie = tied(one, scene);
      const lacking = needsOf(one).filter((need) => !proven(need));
      const reason = tie ?? (lacking.length > 0 ? `nothing proves ${lacking.map(needText).join(', nor ')}` : undefined);
      if (reason === undefined) return [];
      return [one === guest ? reason : `${one.spec.name}, which is kept with it: ${reason}`];
    });
    if (against.length > 0) wait(against.join('; '));
    // It may run there already, and its memory is reserved there. If that node is dead as well, its own fence goes on.
    else if (transfer !== undefined) place(transfer.to);
    else {
      const fitting = judged(group, ledger, 'shutdown').filter((one) => one.node !== node);
      const best = choose(fitting, guest.spec.selector);
      if (best !== undefined) place(best.node);
      else wait(reasonsOf(fitting).join('; '));
    }
  }
  return { placed, waiting };
}

/** The guest as it goes on elsewhere; home remains where it came from, so that `node ready` brings it back. */
export function goesOn({ transfer: _transfer, home, ...spec }: VmSpec, node: string, to: string): VmSpec {
  const back = home ?? node;
  return { ...spec, node: to, ...(back === to ? {} : { home: back }) };
}

/** The end of a task that the dead node worked on: it would hold the guest for as long as the node is away. */
export const endedByFence = ({ status }: TaskDoc, node: string, nowMs: number): TaskStatus => ({
  state: 'failed',
  phase: status?.phase ?? '',
  progress: status?.progress ?? 0,
  message: status?.message ?? '',
  data: status?.data ?? null,
  attempts: status?.attempts ?? 0,
  ...(status?.owner === undefined ? {} : { owner: status.owner }),
  ...(status?.startedMs === undefined ? {} : { startedMs: status.startedMs }),
  endedMs: nowMs,
  error: {
    code: 'NODE_FENCED',
    message: `The node ${node}, which worked on it, is dead.`,
    hint: `The guest goes on elsewhere: see \`pvc node fences\`.`,
  },
});
