/** Fences a node by hand, and shows what was fenced and on what proof. @module */
import { z } from 'zod';
import {
  evidence,
  type FenceStatus,
  fence,
  fenceError,
  fencePower,
  fenceStatus,
  freshFence,
  recovered,
} from '../../model/fence-kind.ts';
import { sortableId } from '../../model/ids.ts';
import { nodeName } from '../../model/names.ts';
import { node as nodeKind } from '../../model/node-kind.ts';
import type { RenderContext } from '../../operation/cli-spec.ts';
import { defineMutation, defineQuery } from '../../operation/operation.ts';
import { fields, formatInstant, page, section, table } from '../../render/format.ts';

const fenceRow = z.object({
  id: z.string(),
  node: nodeName,
  openedMs: z.int(),
  by: z.string().describe('pvc, or who asked for it'),
  state: fenceStatus.shape.state.describe('force: something of the node is shut out; ended: it is over'),
  evidence: z.array(evidence.omit({ bootId: true })),
  power: fencePower
    .omit({ cut: true })
    .extend({ cutMs: z.int().nullable().describe('when its BMC was told to cut the power') })
    .nullable()
    .describe('what its BMC read or did last; null: nothing was asked of it'),
  recovered: z.array(recovered),
  waiting: fenceStatus.shape.waiting,
  settledMs: z.int().nullable().describe('when nothing lacked a proof, and what had room was placed elsewhere'),
  endedMs: z.int().nullable(),
  end: z.string().nullable(),
});
type FenceRow = z.output<typeof fenceRow>;

/** How long after the fence was opened. */
const after = ({ openedMs }: FenceRow, atMs: number): string => `${((atMs - openedMs) / 1000).toFixed(1)} s`;

const powerText = ({ text, atMs, tries, staysOff }: NonNullable<FenceRow['power']>): string =>
  [
    `${formatInstant(atMs)}: ${text}`,
    ...(tries > 1 ? [`tried ${tries} times in vain`] : []),
    ...(staysOff === undefined ? [] : [`it stays off: ${staysOff}`]),
  ].join('; ');

const renderFence = (row: FenceRow, context: RenderContext): string => {
  const listed = (title: string, columns: readonly string[], rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? undefined : section(title, (inner) => table(columns, rows, inner), context);
  return page(
    fields(
      [
        ['Node', row.node],
        ['State', row.state],
        ['Opened', `${formatInstant(row.openedMs)} by ${row.by}`],
        row.power === null ? undefined : ['Power', powerText(row.power)],
        row.settledMs === null ? undefined : ['Settled', formatInstant(row.settledMs)],
        row.endedMs === null ? undefined : ['Ended', `${formatInstant(row.endedMs)}: ${row.end}`],
      ],
      context,
    ),
    listed(
      'Evidence',
      ['AT', 'AFTER', 'BY', 'WHAT'],
      row.evidence.map((one) => [formatInstant(one.atMs), after(row, one.atMs), one.by, one.text]),
    ),
    listed(
      'Went on elsewhere',
      ['AT', 'AFTER', 'GUEST', 'NODE'],
      row.recovered.map((one) => [formatInstant(one.atMs), after(row, one.atMs), one.object, one.to]),
    ),
    listed(
      'Waits',
      ['GUEST', 'WHY'],
      row.waiting.map((one) => [one.object, one.reason]),
    ),
  );
};

const renderFences = (rows: readonly FenceRow[], context: RenderContext): string =>
  rows.length === 0 ? 'No node was ever fenced.\n' : rows.map((row) => renderFence(row, context)).join('\n');

function powerOf({ power }: FenceStatus): FenceRow['power'] {
  if (power === undefined) return null;
  const { cut, ...rest } = power;
  return { ...rest, cutMs: cut?.atMs ?? null };
}

export const fenceOperations = [
  defineMutation({
    name: 'node.fence',
    summary: 'Fence a node that is dead, so that its guests go on elsewhere',
    description:
      'PVC does this by itself when a daemon dies without a word; by hand it is for a node whose daemon was stopped before, and for one more than PVC dares by itself. What a guest needs is proven first: for one whose disks are volumes, that the storage lets the node in no more, or that the machine is off; for any other, that the machine is off. The power is cut through the BMC, and read back, unless `pvc cluster fencing show` says otherwise. With --is-off you answer for it, and a machine that runs all the same destroys what its guests write to.',
    http: { method: 'POST', path: '/nodes/{node}/fence' },
    cli: {
      command: 'node fence',
      arguments: [{ field: 'node', complete: 'node' }],
      confirm: 'Fence {node}? What still runs there loses its disks and its power, and is started elsewhere.',
      nameField: 'node',
      examples: ['pvc node fence hv3', 'pvc node fence hv3 --is-off'],
    },
    role: 'admin',
    input: z.strictObject({
      node: nodeName.describe('name of the node'),
      isOff: z.boolean().default(false).describe('you have made sure that the machine is off, and stays off'),
    }),
    output: z.object({ node: z.string(), fence: z.string() }),
    async plan(plan, { view, actor, nowMs, ...random }, { node, isOff }) {
      const doc = await view.need(nodeKind, node);
      if ((await view.alive()).has(node)) throw fenceError('FENCE_ANSWERS', { node });
      const openedMs = Math.round(nowMs);
      const word = isOff ? { word: { by: actor.name, atMs: openedMs, bootId: doc.status?.bootId ?? '' } } : {};
      const open = await view.find(fence, 'node', node);
      if (open === undefined) {
        const id = sortableId(openedMs, random.bytes(7));
        plan.create(fence, id, { node, openedMs, by: actor.name, ...word }, freshFence);
        plan.act(`fence ${node}: prove that it can do no harm, and start its guests elsewhere`);
        return { node, fence: id };
      }
      if (isOff) {
        plan.update(fence, open, { ...open.spec, ...word });
        plan.act(`take ${actor.name}'s word that ${node} is off, and start its guests elsewhere`);
      } else plan.warn(`${node} is being fenced already: see \`pvc node fences\`.`);
      return { node, fence: open.id };
    },
  }),
  defineQuery({
    name: 'node.fences',
    summary: 'List the fences of nodes, newest first, with their evidence and times',
    http: { method: 'GET', path: '/fences' },
    cli: { command: 'node fences', options: { node: { complete: 'node' } }, render: renderFences, nameField: 'node' },
    role: 'viewer',
    input: z.strictObject({
      node: nodeName.optional().describe('only of this node'),
      limit: z.int().min(1).max(200).default(20).describe('how many at most'),
    }),
    output: z.array(fenceRow),
    async run({ view }, { node, limit }): Promise<FenceRow[]> {
      return (await view.list(fence))
        .filter(({ spec }) => node === undefined || spec.node === node)
        .sort((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, limit)
        .map(({ id, spec, status = freshFence }) => ({
          id,
          node: spec.node,
          openedMs: spec.openedMs,
          by: spec.by,
          state: status.state,
          evidence: status.evidence.map(({ bootId: _boot, ...one }) => one),
          power: powerOf(status),
          recovered: [...status.recovered],
          waiting: [...status.waiting],
          settledMs: status.settledMs ?? null,
          endedMs: status.endedMs ?? null,
          end: status.end ?? null,
        }));
    },
  }),
];
