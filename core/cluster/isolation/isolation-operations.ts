/** What a node has found out about its way to the store, answered without it; and what it does when it is cut off. @module */
import { z } from 'zod';
import { defineErrors } from '../../error/error.ts';
import { cluster, clusterId } from '../../model/cluster-kind.ts';
import { nodeName } from '../../model/names.ts';
import type { RenderContext } from '../../operation/cli-spec.ts';
import { defineMutation, defineQuery } from '../../operation/operation.ts';
import { fields, formatDuration, formatInstant, page, section, table } from '../../render/format.ts';
import { reach } from './finding.ts';
import type { Liveness } from './liveness.ts';

const isolationError = defineErrors({
  LIVENESS_NO_DAEMON: {
    message: 'Only a daemon knows whether its node reaches the state of the cluster.',
    hint: 'Ask the daemon of a node, or see `pvc store status`.',
    http: 503,
    exit: 'unreachable',
  },
});

const loss = z.object({
  finding: z
    .enum(['isolated', 'outage'])
    .nullable()
    .describe('isolated: others may reach it. outage: nobody does. null: not known yet'),
  sinceMs: z.int(),
  coordinators: z.array(
    z.object({
      node: z.string(),
      word: z.enum(['reaches', 'does not', 'silent']).describe('what it says of its own way to the state'),
      reason: z.string(),
    }),
  ),
  ended: z.array(z.string()).describe('guests that were ended here'),
  left: z.array(z.string()).describe('guests that could not be ended, with the reason'),
});

const livenessView = reach.extend({
  policy: z
    .enum(['stop', 'keep', 'maintenance'])
    .describe('what is done with guests that may go on elsewhere, when the node is cut off'),
  lost: loss.nullable().describe('while the state is not reached'),
  last: loss.extend({ untilMs: z.int() }).nullable().describe('the last time that it was not reached'),
});
type LivenessView = z.output<typeof livenessView>;

const findingText = { isolated: 'this node is cut off', outage: 'nobody reaches it', unknown: 'not known yet' };

const renderLoss = (title: string, one: z.output<typeof loss>, context: RenderContext): string =>
  section(
    title,
    (inner) =>
      page(
        fields(
          [
            ['Finding', findingText[one.finding ?? 'unknown']],
            ['Since', formatInstant(one.sinceMs)],
            one.ended.length === 0 ? undefined : ['Ended here', one.ended.join(', ')],
            one.left.length === 0 ? undefined : ['Could not be ended', one.left.join('; ')],
          ],
          inner,
        ),
        table(
          ['COORDINATOR', 'REACHES IT', 'WHY'],
          one.coordinators.map(({ node, word, reason }) => [node, word, reason]),
          inner,
        ),
      ),
    context,
  );

const renderLiveness = (view: LivenessView, context: RenderContext): string =>
  page(
    fields(
      [
        ['Node', view.node],
        ['Session', view.session],
        ['Lease', view.leaseLeftMs > 0 ? formatDuration(view.leaseLeftMs) : 'over'],
        ['When cut off', view.policy],
      ],
      context,
    ),
    view.lost === null ? undefined : renderLoss('The state of the cluster is not reached', view.lost, context),
    view.last === null
      ? undefined
      : renderLoss(`It was not reached until ${formatInstant(view.last.untilMs)}`, view.last, context),
  );

const lossView = ({ words, ...rest }: NonNullable<Liveness['loss']>): z.input<typeof loss> => ({
  finding: rest.finding ?? null,
  sinceMs: Math.round(rest.sinceMs),
  coordinators: words.map((one) => ({ ...one })),
  ended: [...rest.ended],
  left: [...rest.left],
});

export const isolationOperations = (liveness: () => Liveness | undefined) => [
  defineQuery({
    name: 'node.liveness',
    summary: 'Show whether a node reaches the state of the cluster, and what it has found out when it does not',
    description:
      'A node that has lost the state asks the coordinators whether they reach it: so it knows whether it is cut off, or nobody reaches it. On the node itself this is answered while nothing else is.',
    http: { method: 'GET', path: '/liveness' },
    cli: {
      command: 'node liveness',
      arguments: [{ field: 'node', complete: 'node' }],
      render: renderLiveness,
      examples: ['pvc node liveness', 'pvc node liveness hv3'],
    },
    role: 'viewer',
    input: z.strictObject({ node: nodeName.optional().describe('name of the node; this one unless given') }),
    output: livenessView,
    on: async (_context, { node }) => node,
    async run(): Promise<z.input<typeof livenessView>> {
      const known = liveness();
      if (known === undefined) throw isolationError('LIVENESS_NO_DAEMON', {});
      const { loss: lost, lastLoss } = known;
      return {
        ...known.reach,
        leaseLeftMs: Math.round(Math.min(known.reach.leaseLeftMs, 3_600_000)),
        policy: known.policy,
        lost: lost === undefined ? null : lossView(lost),
        last: lastLoss === undefined ? null : { ...lossView(lastLoss), untilMs: Math.round(lastLoss.untilMs) },
      };
    },
  }),
  defineMutation({
    name: 'cluster.isolation',
    summary: 'Say what a node that is cut off does with guests that may go on elsewhere',
    description:
      'stop: it ends them, before others start them, so that no old copy answers for their addresses. keep: they run on; the storage refuses what an old copy writes. Guests that can run nowhere else run on in any case, and so do all while nobody reaches the state.',
    http: { method: 'POST', path: '/cluster/isolation' },
    cli: {
      command: 'cluster isolation',
      arguments: [{ field: 'policy', complete: ['stop', 'keep'] }],
      examples: ['pvc cluster isolation keep'],
    },
    role: 'admin',
    input: z.strictObject({ policy: z.enum(['stop', 'keep']).describe('stop (as without a word of yours) or keep') }),
    output: z.object({ isolation: z.enum(['stop', 'keep']) }),
    async plan(plan, { view }, { policy }) {
      const doc = await view.need(cluster, clusterId);
      if ((doc.spec.isolation ?? 'stop') === policy) plan.warn(`It was ${policy} already.`);
      else {
        plan.update(cluster, doc, { ...doc.spec, isolation: policy });
        plan.act(
          policy === 'stop' ? 'end guests on nodes that are cut off' : 'let guests run on where a node is cut off',
        );
      }
      return { isolation: policy };
    },
  }),
];
