/** Where the guests of a dead node go on: all of them in one plan. Pure. @module */
import type { Doc, NodeSpec, NodeStatus, Stranded, TaskSpec, TaskStatus, Waiting } from '../../core/plugin/api.ts';
import type { VmDoc } from './guest-control.ts';
import { moveObjections } from './move-plan.ts';
import { candidates, choose } from './placement.ts';

type NodeDoc = Doc<NodeSpec, NodeStatus>;
export type TaskDoc = Doc<TaskSpec, TaskStatus>;

export interface RecoveryScene {
  readonly node: string;
  readonly nodes: readonly NodeDoc[];
  readonly alive: ReadonlySet<string>;
  /** All guests of the cluster. */
  readonly guests: readonly VmDoc[];
  readonly proven: (resource: string) => boolean;
}

export interface Placed {
  readonly guest: VmDoc;
  readonly to: string;
}

/** Guests that are meant to run on the node, the most important first. */
export const strandedOn = (guests: readonly VmDoc[], node: string): VmDoc[] =>
  guests
    .filter(({ spec }) => spec.node === node && spec.run === 'running')
    .sort((a, b) => b.spec.priority - a.spec.priority || (a.spec.name < b.spec.name ? -1 : 1));

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

/** Each is placed with those before it in view, so that no memory is promised twice. */
export function planRecovery(scene: RecoveryScene): { placed: Placed[]; waiting: Waiting[] } {
  const { node, nodes, alive, proven } = scene;
  const source = nodes.find(({ id }) => id === node);
  let guests = scene.guests;
  const placed: Placed[] = [];
  const waiting: Waiting[] = [];
  for (const guest of strandedOn(guests, node)) {
    const { spec } = guest;
    const wait = (reason: string): void => void waiting.push({ object: spec.name, reason });
    const place = (to: string): void => {
      placed.push({ guest, to });
      guests = guests.map((one) => (one.id === guest.id ? { ...one, spec: { ...one.spec, node: to } } : one));
    };
    const tie = tied(guest, scene);
    const lacking = needsOf(guest).filter((need) => !proven(need));
    if (tie !== undefined) wait(tie);
    else if (lacking.length > 0) wait(`nothing proves ${lacking.map(needText).join(', nor ')}`);
    // It may run there already, and its memory is reserved there. If that node is dead as well, its own fence goes on.
    else if (spec.transfer !== undefined) place(spec.transfer.to);
    else {
      const request = { vm: guest.id, ...spec };
      const fitting = candidates(request, nodes, alive, guests)
        .filter((one) => one.node !== node)
        .map((one) => {
          const target = nodes.find(({ id }) => id === one.node);
          const against = target === undefined ? [] : moveObjections(guest, source, target).any;
          return { ...one, refusals: [...one.refusals, ...against] };
        });
      const best = choose(fitting, spec.selector);
      if (best !== undefined) place(best.node);
      else wait(fitting.map((one) => `${one.node}: ${one.refusals.join(', ')}`).join('; '));
    }
  }
  return { placed, waiting };
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
