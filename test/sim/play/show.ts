/** What a player sees of the cluster: the truth of the world, and what the store says of it. @module */
import { fields, page, type RenderContext, section, table } from '../../../core/render/format.ts';
import { taskEnded } from '../../../core/task/task-kind.ts';
import { ScriptError } from '../actions.ts';
import { transferOf } from '../cluster-state.ts';
import type { SimNode } from '../node.ts';
import { formatLine } from '../trace.ts';
import { ownerOf, type World } from '../world.ts';

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Where a guest's CPUs truly run, whatever anybody believes. */
const runsOn = (world: World, name: string): string =>
  [...(world.guests.named(name)?.running.keys() ?? [])].join(' and ');

const machine = (node: SimNode): string => {
  if (!node.powered) return 'off';
  if (node.life === undefined) return 'no daemon';
  return node.life.paused ? 'daemon stands still' : 'on';
};

export function clusterPage(world: World, context: RenderContext): string {
  const { state, cluster, holders } = world;
  const tasks = [...state.tasks.values()].filter(({ status }) => !taskEnded(status));
  return page(
    fields(
      [
        ['Time', seconds(world.nowMs)],
        ['Primary', state.primary ?? 'nobody'],
        ['Floating address', [...holders].join(' and ') || 'nobody'],
        ['Store', world.storeDown ? 'does not answer' : 'answers'],
      ],
      context,
    ),
    section(
      'Nodes',
      (inner) =>
        table(
          ['NAME', { title: 'MACHINE', state: true }, 'SEEN ALIVE', 'STORE LINK', 'TAKES GUESTS'],
          [...world.nodes.values()].map((node) => [
            node.name,
            machine(node),
            cluster.tree.get(`/alive/${node.name}`) !== undefined,
            cluster.link(ownerOf(node.name)).up ? 'up' : 'cut',
            state.nodes.get(node.name),
          ]),
          inner,
        ),
      context,
    ),
    section(
      'Guests',
      (inner) =>
        table(
          ['NAME', 'SHALL BE', 'ON', 'TO', 'TRULY RUNS ON', { title: 'STATUS SAYS', state: true }],
          [...state.guests.values()].map(({ spec, status }) => [
            spec.name,
            spec.run,
            spec.node,
            transferOf(spec)?.to,
            runsOn(world, spec.name),
            status === undefined ? undefined : `${status.state} on ${status.node}`,
          ]),
          inner,
        ),
      context,
    ),
    tasks.length === 0
      ? undefined
      : section(
          'Tasks',
          (inner) =>
            table(
              ['ACTION', 'OF', { title: 'STATE', state: true }, 'AT', 'BY', 'SAYS'],
              tasks.map(({ spec, status }) => [
                spec.action,
                spec.target.label,
                status?.state,
                status?.phase,
                status?.owner,
                status?.message,
              ]),
              inner,
            ),
          context,
        ),
    state.faults.size === 0
      ? undefined
      : section('Faults', () => [...state.faults.values()].map(({ message }) => message).join('\n'), context),
  );
}

/** @throws ScriptError when nothing has that name */
export function whyPage(world: World, name: string, most: number, context: RenderContext): string {
  const guest = world.state.guestNamed(name);
  if (guest === undefined && !world.nodes.has(name))
    throw new ScriptError(
      `there is no node or guest ${name}; there are: ${[...world.nodes.keys(), ...[...world.state.guests.values()].map(({ spec }) => spec.name)].join(', ')}`,
    );
  const uuid = guest?.uuid;
  const named = new RegExp(`(?<![\\w-])(?:${[name, ...(uuid === undefined ? [] : [uuid])].join('|')})(?![\\w-])`);
  const about = world.trace.lines.filter((line) => line.who === name || named.test(line.text)).slice(-most);
  const conditions = guest?.status?.conditions ?? [];
  const faults = [...world.state.faults.values()].filter(({ message }) => named.test(message));
  return page(
    conditions.length === 0
      ? undefined
      : section('Conditions', () => conditions.map(({ type, message }) => `${type}: ${message}`).join('\n'), context),
    faults.length === 0
      ? undefined
      : section('Faults', () => faults.map(({ message, hint }) => `${message} ${hint ?? ''}`).join('\n'), context),
    section(`What was said of ${name} last`, () => about.map(formatLine).join('\n') || '(nothing)', context),
  );
}
