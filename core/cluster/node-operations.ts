/** Nodes: list and detail. @module */
import { z } from 'zod';
import { fault } from '../fault/fault-kind.ts';
import type { Doc } from '../model/kind.ts';
import { nodeName } from '../model/names.ts';
import type { NodeSpec, NodeStatus } from '../model/node-kind.ts';
import { node, nodeSpec, nodeStatus } from '../model/node-kind.ts';
import { defineQuery } from '../operation/operation.ts';
import { renderNode, renderNodes } from './cluster-render.ts';
import { isOpen } from './health-score.ts';

const nodeRow = z.object({
  name: z.string(),
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
  machine: nodeStatus.shape.machine.nullable(),
  facts: nodeStatus.shape.facts,
  services: nodeStatus.shape.services,
  startedMs: z.int().nullable(),
  updatedMs: z.int().nullable(),
  faults: z.array(z.object({ id: z.string(), severity: z.string(), message: z.string(), hint: z.string() })),
});
export type NodeDetail = z.infer<typeof nodeDetail>;

function rowOf(doc: Doc<NodeSpec, NodeStatus>, alive: boolean): NodeRow {
  const { status } = doc;
  return {
    name: doc.id,
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

export const nodeOperations = [
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
      const faults = (await view.list(fault)).filter(isOpen).filter((one) => one.status.node === name);
      return {
        ...rowOf(doc, alive),
        machine: doc.status?.machine ?? null,
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
