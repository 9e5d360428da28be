/** Reads and switches the power of a node by hand, through its BMC. @module */
import { z } from 'zod';
import { defineErrors } from '../../error/error.ts';
import type { Doc } from '../../model/kind.ts';
import { nodeName } from '../../model/names.ts';
import { type NodeSpec, type NodeStatus, node as nodeKind } from '../../model/node-kind.ts';
import type { CliRun } from '../../operation/cli-spec.ts';
import { defineMutation, defineQuery, type QueryContext } from '../../operation/operation.ts';
import type { View } from '../../operation/view.ts';
import { bmcError, type NodePower } from '../../plugin/power.ts';
import { switchTimeoutMs } from './power-task.ts';

const powerOpError = defineErrors({
  POWER_REFUSED: {
    message: 'The power of {node} is not switched.',
    hint: 'Every reason is listed above; nothing was changed. With --force it is done all the same.',
    http: 409,
    exit: 'refused',
  },
  POWER_OF_PRIMARY: {
    message: 'The node {node} is primary: nobody else would be there to read whether it is off.',
    hint: 'Hand the role over first: `pvc node secondary {node}`. A node that is alone is switched at its own console.',
    http: 409,
    exit: 'refused',
  },
  POWER_UNREAD: {
    message: 'There is no daemon here that could ask the BMC of {node}.',
    hint: 'Start the daemon (`systemctl start pvcd`), or ask another node.',
    http: 503,
    exit: 'unreachable',
  },
});

const actions = ['on', 'off', 'cycle', 'reset', 'netboot'] as const;
const argument = { field: 'node', complete: 'node' } as const;

type NodeDoc = Doc<NodeSpec, NodeStatus>;

/** `status` is a question and not an action: it is answered at once and not recorded. */
const statusOrAction = (context: CliRun): Promise<number> => {
  const { action, force: _, ...input } = context.input;
  return action === 'status' ? context.perform(input, 'node.power-status') : context.perform(context.input);
};

/** What speaks against a power cut there. */
async function objections(view: View, doc: NodeDoc, alive: ReadonlySet<string>): Promise<string[]> {
  if (!alive.has(doc.id)) return [];
  const reasons: string[] = [];
  const guests = guestsOn(doc);
  if (guests > 0)
    reasons.push(
      `${guests} guests run on ${doc.id} and would lose power with it: move them away (\`pvc node flush ${doc.id}\`)`,
    );
  if (doc.spec.role === 'coordinator') {
    const coordinators = (await view.list(nodeKind)).filter((one) => one.spec.role === 'coordinator');
    const running = coordinators.filter((one) => alive.has(one.id)).length;
    if ((running - 1) * 2 <= coordinators.length)
      reasons.push(
        `of ${coordinators.length} coordinators only ${running - 1} would be left: the cluster could write nothing`,
      );
  }
  return reasons;
}

/** How many guests a node says that it runs; whichever plugins run them tell it as their fact `guests`. */
const guestsOn = ({ status }: NodeDoc): number =>
  Object.values(status?.facts ?? {}).reduce((sum, facts) => sum + Number(facts['guests'] ?? 0), 0);

/** The primary asks BMCs, for other nodes may have no way there. Without one, whoever is asked tries. */
const atPrimary = async ({ view }: QueryContext): Promise<string | undefined> => view.primary();

export const powerOperations = (power: () => NodePower | undefined) => [
  defineQuery({
    name: 'node.power-status',
    summary: 'Read from its BMC whether a node is on',
    http: { method: 'GET', path: '/nodes/{node}/power' },
    role: 'viewer',
    input: z.strictObject({ node: nodeName.describe('name of the node') }),
    output: z.object({ node: z.string(), power: z.enum(['on', 'off']) }),
    on: atPrimary,
    async run({ signal }, { node }) {
      const reader = power();
      if (reader === undefined) throw powerOpError('POWER_UNREAD', { node });
      return { node, power: await reader.status(node, signal) };
    },
  }),
  defineMutation({
    name: 'node.power',
    summary: 'Read or switch the power of a node through its BMC',
    description:
      'status reads it. off cuts the power at once, without a word to the system; cycle does so and switches it on again; reset presses its button. netboot has its next boot, and that alone, be one from the network, and switches it on or resets it. The primary does it and reads the BMC before and after: only what it reads then counts. off and on are fine with a node that is so already. Without --force a node that runs guests, or that the cluster cannot do without, is left on.',
    http: { method: 'POST', path: '/nodes/{node}/power' },
    cli: {
      command: 'node power',
      arguments: [argument, { field: 'action', words: ['status'], complete: ['status', ...actions] }],
      waits: true,
      run: statusOrAction,
      examples: ['pvc node power hv3 status', 'pvc node power hv3 cycle'],
    },
    role: 'admin',
    input: z.strictObject({
      node: nodeName.describe('name of the node'),
      action: z.enum(actions).describe('what to do'),
      force: z.boolean().default(false).describe('even if guests run there; they are killed'),
    }),
    output: z.object({ node: z.string(), action: z.enum(actions) }),
    async plan(plan, { view }, { node, action, force }) {
      const doc = await view.need(nodeKind, node);
      if (doc.spec.bmc === undefined) throw bmcError('BMC_NONE', { node });
      if (action !== 'on') {
        if ((await view.primary()) === node) throw powerOpError('POWER_OF_PRIMARY', { node });
        const alive = await view.alive();
        const details = await objections(view, doc, alive);
        if (details.length > 0 && !force) throw powerOpError('POWER_REFUSED', { node }, { details });
        for (const reason of details) plan.warn(`Forced: ${reason}.`);
        const guests = guestsOn(doc);
        if (guests > 0 && !alive.has(node))
          plan.warn(
            `${node} does not answer; it ran ${guests} guests when it last told. If they run on, they end now.`,
          );
      }
      plan.task({
        action: 'node.power',
        target: { kind: 'node', id: node, label: node },
        node: undefined,
        input: { action },
        timeoutMs: switchTimeoutMs,
      });
      const words = {
        on: `switch ${node} on`,
        off: `cut the power of ${node}`,
        cycle: `cut the power of ${node} and switch it on again`,
        reset: `reset ${node}`,
        netboot: `have ${node} boot from the network once`,
      };
      plan.act(`${words[action]} through its BMC at ${doc.spec.bmc.address}, and read that back`);
      return { node, action };
    },
  }),
];
