/** Shows and changes how the cluster treats nodes that die. @module */
import { z } from 'zod';
import { cluster, clusterId } from '../../model/cluster-kind.ts';
import { type FencingPolicy, fencingOf, fencingPolicy } from '../../model/fencing-policy.ts';
import type { RenderContext } from '../../operation/cli-spec.ts';
import { defineMutation, defineQuery } from '../../operation/operation.ts';
import { fields } from '../../render/format.ts';

const powerWords: Readonly<Record<FencingPolicy['power'], string>> = {
  cut: 'is cut through its BMC; what that reads is a proof',
  read: 'is read from its BMC, which is a proof when it is off; it is not cut',
  never: 'is left alone',
};

const renderPolicy = (policy: FencingPolicy, context: RenderContext): string =>
  fields(
    [
      ['Power of a dead node', powerWords[policy.power]],
      [
        'Switched on again',
        policy.powerOn ? `once its guests are recovered, ${policy.powerOnTimes} times an hour at most` : 'no',
      ],
      ['At the same time', `${policy.atMost} % of the nodes at most; one at least`],
      ['Back again it is', policy.returns === 'ready' ? 'ready for guests, if it was before' : 'flushed'],
    ],
    context,
  );

const { power, powerOn, powerOnTimes, atMost, returns } = fencingPolicy.shape;

export const fencingPolicyOperations = [
  defineQuery({
    name: 'cluster.fencing',
    summary: 'Show how nodes that die are treated',
    http: { method: 'GET', path: '/cluster/fencing' },
    cli: { command: 'cluster fencing show', render: renderPolicy },
    role: 'viewer',
    input: z.strictObject({}),
    output: fencingPolicy,
    run: async ({ view }) => fencingOf((await view.need(cluster, clusterId)).spec),
  }),
  defineMutation({
    name: 'cluster.fencing-set',
    summary: 'Choose how nodes that die are treated',
    description:
      'What is not named stays as it is. It holds from the next step of a fence on, also of one that is open.',
    http: { method: 'PATCH', path: '/cluster/fencing' },
    cli: {
      command: 'cluster fencing set',
      examples: ['pvc cluster fencing set --power read', 'pvc cluster fencing set --no-power-on --returns flushed'],
    },
    role: 'admin',
    input: z.strictObject({
      power: power
        .unwrap()
        .optional()
        .describe('what is done to the power of a dead node through its BMC: cut it, read it, or never touch it'),
      powerOn: powerOn
        .unwrap()
        .optional()
        .describe('switch a node that was cut on again once its guests are recovered'),
      powerOnTimes: powerOnTimes
        .unwrap()
        .optional()
        .describe('how often within an hour a node is switched on again; one that dies more often stays off'),
      atMost: atMost
        .unwrap()
        .optional()
        .describe('how many per cent of the nodes may be fenced by PVC itself at the same time; one always'),
      returns: returns
        .unwrap()
        .optional()
        .describe('what a node is for guests when it is back: ready, if it was before, or flushed'),
    }),
    output: fencingPolicy,
    async plan(plan, { view }, input) {
      const doc = await view.need(cluster, clusterId);
      const before = fencingOf(doc.spec);
      const chosen = Object.entries(input).filter(([, value]) => value !== undefined);
      const after = fencingPolicy.parse({ ...before, ...Object.fromEntries(chosen) });
      if (JSON.stringify(after) === JSON.stringify(before)) plan.warn('Nodes that die were treated so already.');
      else {
        plan.update(cluster, doc, { ...doc.spec, fencing: after });
        for (const [name, value] of chosen) plan.act(`fence with ${name}: ${String(value)}`);
      }
      return after;
    },
  }),
];
