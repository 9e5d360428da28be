/** Guests are put where rules want them, and the memory that nodes have promised is evened out. @module */
import {
  clusterId,
  defineMutation,
  fields,
  formatMiB,
  formatShare,
  page,
  type RenderContext,
  section,
  table,
  z,
} from '../../../core/plugin/api.ts';
import { planBalance } from '../balance.ts';
import type { BalanceInput } from '../balance-task.ts';
import { worldOf } from './world.ts';

const balanceTimeoutMs = 6 * 3_600_000;

const balanceAnswer = z.object({
  moves: z.array(z.object({ vm: z.string(), from: z.string(), to: z.string(), why: z.string() })),
  nodes: z.array(
    z.object({
      node: z.string(),
      roomMiB: z.int().describe('memory for guests in all'),
      beforeMiB: z.int().describe('promised to guests now'),
      afterMiB: z.int().describe('promised once the moves are done'),
    }),
  ),
});
type BalanceAnswer = z.output<typeof balanceAnswer>;

export const renderBalance = ({ moves, nodes }: BalanceAnswer, context: RenderContext): string =>
  page(
    fields([['Moves', moves.length]], context),
    section(
      'Guests',
      (inner) =>
        moves.length === 0
          ? ''
          : table(
              [{ title: 'GUEST', keep: true }, 'FROM', 'TO', 'WHY'],
              moves.map((one) => [one.vm, one.from, one.to, one.why]),
              inner,
            ),
      context,
    ),
    section(
      'Memory promised to guests',
      (inner) =>
        table(
          [{ title: 'NODE', keep: true }, 'FOR GUESTS', 'BEFORE', 'AFTER'],
          nodes.map((one) => [
            one.node,
            formatMiB(one.roomMiB),
            formatShare(one.beforeMiB / one.roomMiB),
            formatShare(one.afterMiB / one.roomMiB),
          ]),
          inner,
        ),
      context,
    ),
  );

export const balanceOperations = [
  defineMutation({
    name: 'cluster.balance',
    summary: 'Move few guests so that rules are kept and no node is much fuller than another',
    description:
      'First what breaks a strict rule is put right, then what a preferred one asks, then guests move from nodes whose memory is promised to a larger share, until no two differ by more than 15 % or no move helps. A guest that is away from its home keeps it. Done once, it finds nothing more to do.',
    http: { method: 'POST', path: '/cluster/balance' },
    cli: {
      command: 'cluster balance',
      render: renderBalance,
      waits: true,
      examples: ['pvc cluster balance --plan', 'pvc cluster balance'],
    },
    role: 'operator',
    input: z.strictObject({}),
    output: balanceAnswer,
    async plan(plan, { view }) {
      const { moves, before, after } = planBalance(await worldOf(view));
      const input: BalanceInput = {
        moves: moves.map(({ guest, to }) => ({ vm: guest.id, from: guest.spec.node, to })),
      };
      if (moves.length === 0) plan.warn('Nothing is to be moved.');
      else
        plan.task({
          action: 'cluster.balance',
          target: { kind: 'cluster', id: clusterId, label: 'cluster' },
          node: undefined,
          input,
          timeoutMs: balanceTimeoutMs,
        });
      for (const { guest, to, why } of moves)
        plan.act(`move ${guest.spec.name} from ${guest.spec.node} to ${to}: ${why}`);
      return {
        moves: moves.map(({ guest, to, why }) => ({ vm: guest.spec.name, from: guest.spec.node, to, why })),
        nodes: before.map(({ node, roomMiB, promisedMiB }) => ({
          node,
          roomMiB,
          beforeMiB: promisedMiB,
          afterMiB: after.find((one) => one.node === node)?.promisedMiB ?? promisedMiB,
        })),
      };
    },
  }),
];
