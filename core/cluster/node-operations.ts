/** Nodes: list and detail. @module */
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { fault } from '../fault/fault-kind.ts';
import type { Clock } from '../host/clock.ts';
import { bmcSpec } from '../model/bmc-kind.ts';
import { cluster, clusterId } from '../model/cluster-kind.ts';
import type { Doc } from '../model/kind.ts';
import { nodeName } from '../model/names.ts';
import type { NodeSpec, NodeStatus } from '../model/node-kind.ts';
import { node, nodeSpec, nodeStatus, watchdogOf } from '../model/node-kind.ts';
import type { CliRun } from '../operation/cli-spec.ts';
import { defineMutation, defineQuery } from '../operation/operation.ts';
import { renderNode, renderNodes } from './cluster-render.ts';
import { isOpen } from './health-score.ts';

const nodeRow = z.object({
  name: z.string(),
  address: z.string().nullable(),
  role: nodeSpec.shape.role,
  daemon: z.enum(['run', 'init', 'stop', 'dead', 'unknown']).describe('dead: it ended without saying so'),
  coordinator: nodeStatus.shape.coordinator.nullable(),
  domainState: nodeSpec.shape.domainState,
  health: z.int().nullable(),
  version: z.string().nullable(),
  cpus: z.int().nullable(),
  load1: z.number().nullable(),
  memoryMiB: z.object({ total: z.int(), available: z.int() }).nullable(),
});
export type NodeRow = z.infer<typeof nodeRow>;

const nodeDetail = nodeRow.extend({
  bmc: bmcSpec.nullable().describe('by which its power is switched; null: it has none, or nobody has described it'),
  machine: nodeStatus.shape.machine.nullable(),
  watchdog: nodeStatus.shape.watchdog
    .unwrap()
    .omit({ bootId: true })
    .nullable()
    .describe('hardware watchdog that resets the node when it is cut off; null: none is armed'),
  facts: nodeStatus.shape.facts,
  services: nodeStatus.shape.services,
  startedMs: z.int().nullable(),
  updatedMs: z.int().nullable(),
  faults: z.array(z.object({ id: z.string(), severity: z.string(), message: z.string(), hint: z.string() })),
});
export type NodeDetail = z.infer<typeof nodeDetail>;

function watchdogIn(status: NodeStatus | undefined): NodeDetail['watchdog'] {
  const watchdog = watchdogOf(status);
  if (watchdog === undefined) return null;
  const { bootId: _boot, ...told } = watchdog;
  return told;
}

function rowOf(doc: Doc<NodeSpec, NodeStatus>, alive: boolean): NodeRow {
  const { status } = doc;
  return {
    name: doc.id,
    address: doc.spec.address ?? null,
    role: doc.spec.role,
    daemon: status === undefined ? 'unknown' : alive ? status.daemon : status.daemon === 'stop' ? 'stop' : 'dead',
    coordinator: alive ? (status?.coordinator ?? null) : null,
    domainState: doc.spec.domainState,
    health: status?.health ?? null,
    version: status?.version ?? null,
    cpus: status?.machine.cpus ?? null,
    load1: alive ? (status?.load.load1 ?? null) : null,
    memoryMiB:
      status === undefined
        ? null
        : { total: status.machine.memoryMiB, available: alive ? status.load.memoryAvailableMiB : 0 },
  };
}

const nodeArgument = { field: 'node', complete: 'node' } as const;
const wished = z.object({
  node: z.string(),
  primary: z.string().nullable().describe('who was primary when it was asked'),
});

/** Waits on the command line until the role is where it was asked to be. */
const awaitPrimary =
  (wanted: 'is' | 'not') =>
  async (context: CliRun): Promise<number> => {
    const code = await context.perform(context.input);
    if (code !== 0 || context.plan) return code;
    const asked = String(context.input['node']);
    const { primary, reached } = (await context.client.call('cluster.primary', { [wanted]: asked })) as {
      primary: string | null;
      reached: boolean;
    };
    if (!reached) throw nodeError('HAND_OVER_SLOW', { node: asked });
    if (context.format === 'pretty') context.terminal.write(`${String(primary)} is primary.\n`);
    return 0;
  };

/** How long a hand-over may take before the one who asked is told that it is late. */
const handOverMs = 10_000;

export const nodeError = defineErrors({
  HAND_OVER_REFUSED: {
    message: '{node} cannot be primary: {reason}.',
    hint: 'The primary is a coordinator whose daemon runs: see `pvc node list`.',
    http: 409,
    exit: 'refused',
  },
  HAND_OVER_SLOW: {
    message: 'The primary has not changed within ten seconds ({node} was asked for).',
    hint: 'See `pvc cluster status` and the log of the primary.',
    http: 504,
    exit: 'failed',
  },
});

export const nodeOperations = (clock: Clock) => [
  defineQuery({
    name: 'cluster.primary',
    summary: 'Tell which node is primary; waits until it is, or is not, a certain one',
    http: { method: 'GET', path: '/cluster/primary' },
    role: 'viewer',
    input: z.strictObject({
      is: nodeName.optional().describe('wait until it is this one'),
      not: nodeName.optional().describe('wait until it is another than this one'),
    }),
    output: z.object({
      primary: z.string().nullable(),
      reached: z.boolean().describe('false: it did not come so within ten seconds'),
    }),
    async run({ view, signal }, { is, not }) {
      const late = new AbortController();
      const cancel = clock.after(handOverMs, () => late.abort());
      const fits = (primary: string | undefined): boolean =>
        (is === undefined || primary === is) && (not === undefined || (primary !== undefined && primary !== not));
      try {
        let primary = await view.primary();
        if (!fits(primary))
          for await (const changed of view.changes('/primary', AbortSignal.any([signal, late.signal]))) {
            primary = await changed.primary();
            if (fits(primary)) break;
          }
        return { primary: primary ?? null, reached: fits(primary) };
      } finally {
        cancel();
      }
    },
  }),
  defineMutation({
    name: 'node.primary',
    summary: 'Make a node the primary, in a planned hand-over',
    description:
      'The primary drops its duties in their order, the last one being the floating address, and gives the role up; the wanted node takes it. If it does not within three seconds, any coordinator may.',
    http: { method: 'POST', path: '/nodes/{node}/primary' },
    cli: { command: 'node primary', arguments: [nodeArgument], run: awaitPrimary('is') },
    role: 'admin',
    input: z.strictObject({ node: nodeName.describe('name of the node') }),
    output: wished,
    async plan(plan, { view, nowMs }, input) {
      const doc = await view.need(node, input.node);
      const primary = (await view.primary()) ?? null;
      if (doc.spec.role !== 'coordinator')
        throw nodeError('HAND_OVER_REFUSED', { node: input.node, reason: 'it is no coordinator' });
      if (!(await view.alive()).has(input.node))
        throw nodeError('HAND_OVER_REFUSED', { node: input.node, reason: 'its daemon does not run' });
      if (primary === input.node) plan.warn(`${input.node} is primary already.`);
      else {
        const made = await view.need(cluster, clusterId);
        plan.update(cluster, made, { ...made.spec, primaryWish: { node: input.node, askedMs: Math.round(nowMs) } });
        plan.act(`hand the primary role over${primary === null ? '' : ` from ${primary}`} to ${input.node}`);
      }
      return { node: input.node, primary };
    },
  }),
  defineMutation({
    name: 'node.secondary',
    summary: 'Have a node give the primary role away',
    http: { method: 'POST', path: '/nodes/{node}/secondary' },
    cli: { command: 'node secondary', arguments: [nodeArgument], run: awaitPrimary('not') },
    role: 'admin',
    input: z.strictObject({ node: nodeName.describe('name of the node') }),
    output: wished,
    async plan(plan, { view, nowMs }, input) {
      await view.need(node, input.node);
      const primary = (await view.primary()) ?? null;
      if (primary !== input.node) {
        plan.warn(`${input.node} is not primary.`);
        return { node: input.node, primary };
      }
      const alive = await view.alive();
      const others = (await view.list(node)).filter(
        (one) => one.id !== input.node && one.spec.role === 'coordinator' && alive.has(one.id),
      );
      if (others.length === 0)
        throw nodeError('HAND_OVER_REFUSED', { node: 'No other node', reason: 'no other coordinator runs' });
      const made = await view.need(cluster, clusterId);
      plan.update(cluster, made, { ...made.spec, primaryWish: { not: input.node, askedMs: Math.round(nowMs) } });
      plan.act(`hand the primary role over from ${input.node} to ${others.map((one) => one.id).join(' or ')}`);
      return { node: input.node, primary };
    },
  }),
  defineQuery({
    name: 'node.list',
    summary: 'List the nodes of the cluster',
    http: { method: 'GET', path: '/nodes' },
    cli: { command: 'node list', render: renderNodes },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(nodeRow),
    async run({ view }) {
      const alive = await view.alive();
      return (await view.list(node)).map((doc) => rowOf(doc, alive.has(doc.id)));
    },
  }),
  defineQuery({
    name: 'node.info',
    summary: 'Show everything about one node',
    http: { method: 'GET', path: '/nodes/{node}' },
    cli: {
      command: 'node info',
      arguments: [{ field: 'node', complete: 'node' }],
      render: renderNode,
      run: (context) => context.perform({ node: '-', ...context.input }),
    },
    role: 'viewer',
    input: z.strictObject({
      node: z
        .union([nodeName, z.literal('-')])
        .default('-')
        .describe('name of the node; - is the one that answers'),
    }),
    output: nodeDetail,
    async run({ view, localNode }, input) {
      const name = input.node === '-' ? (localNode ?? '-') : input.node;
      const doc = await view.need(node, name);
      const alive = (await view.alive()).has(name);
      const faults = (await view.list(fault))
        .filter(isOpen)
        .filter(({ status }) => status.node === name || (status.node === '' && status.object === `node ${name}`));
      return {
        ...rowOf(doc, alive),
        bmc: doc.spec.bmc ?? null,
        machine: doc.status?.machine ?? null,
        watchdog: watchdogIn(doc.status),
        facts: doc.status?.facts ?? {},
        services: doc.status?.services ?? [],
        startedMs: doc.status?.startedMs ?? null,
        updatedMs: doc.status?.updatedMs ?? null,
        faults: faults.map((one) => ({
          id: one.id,
          severity: one.status.severity,
          message: one.status.message,
          hint: one.status.hint,
        })),
      };
    },
  }),
];
