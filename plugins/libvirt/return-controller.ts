/** Takes a node back whose machine went down in order: once that has booted anew, it is what it was. @module */
import {
  type Controller,
  defineController,
  type NodeSpec,
  type NodeStatus,
  node as nodeKind,
  type Runtime,
  type Step,
} from '../../core/plugin/api.ts';

interface Observed {
  /** Of the boot in which this daemon runs. */
  readonly bootId: string;
}

export const returnController = (
  runtime: Pick<Runtime, 'node' | 'documents' | 'host' | 'perform' | 'write'>,
): Controller<NodeSpec, NodeStatus, Observed> =>
  defineController<NodeSpec, NodeStatus, Observed, Step>({
    name: 'node-return',
    summary: 'makes a node ready again whose machine went down in order and is back',
    kind: nodeKind,
    scope: 'node',
    mine: ({ id }, name) => id === name,
    observe: async () => ({ bootId: (await runtime.host.machine.facts()).bootId }),
    plan(doc, { bootId }) {
      const leaving = doc?.spec.leaving;
      if (doc === undefined || leaving === undefined || leaving.boot === bootId) return { steps: [] };
      return {
        steps: [{ do: leaving.then, text: `${doc.id} is back: make it ${leaving.then} again`, timeoutMs: 30_000 }],
      };
    },
    async apply(step, name) {
      if (step.do === 'ready') {
        await runtime.perform('node.ready', { node: name });
        return;
      }
      const before = await runtime.documents.need(nodeKind, name);
      const { leaving: _leaving, ...spec } = before.spec;
      await runtime.write([{ do: 'spec', kind: nodeKind, before, spec: { ...spec, domainState: 'flushed' } }]);
    },
  });
