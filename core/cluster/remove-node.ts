/** How a node leaves the cluster: its ZooKeeper server first, then what the store knows of it. @module */
import { z } from 'zod';
import { defineErrors, PvcError } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import { bmcSecret } from '../model/bmc-kind.ts';
import { nodeName } from '../model/names.ts';
import { node } from '../model/node-kind.ts';
import { defineMutation } from '../operation/operation.ts';
import type { Documents } from '../store/documents.ts';
import { type Op, storeError } from '../store/store.ts';
import { defineTask, type TaskDefinition } from '../task/task-definition.ts';
import { removeServer } from './ensemble/change.ts';
import type { EnsembleServer } from './membership.ts';

const removeError = defineErrors({
  NODE_NOT_REMOVED: {
    message: 'The node {node} cannot be removed.',
    hint: 'Every reason is listed above; nothing was changed. For a machine that is destroyed there is --force.',
    http: 409,
    exit: 'refused',
  },
});

const removeTimeoutMs = 180_000;

export const removeNodeOperations = [
  defineMutation({
    name: 'node.remove',
    summary: 'Remove a node from the cluster',
    description:
      'Its ZooKeeper server leaves the ensemble, its documents are deleted, its certificate is not accepted any more. Flush it and stop its daemon first. With --force also a node that has guests: they stay defined on no node until they are moved by hand, so use it only for a machine that is destroyed.',
    http: { method: 'DELETE', path: '/nodes/{node}' },
    cli: {
      command: 'node remove',
      aliases: ['rm'],
      arguments: [{ field: 'node', complete: 'node' }],
      confirm: 'Remove the node {node} from the cluster?',
      waits: true,
      examples: ['pvc node remove hv4', 'pvc node remove hv2 --force'],
    },
    role: 'admin',
    input: z.strictObject({
      node: nodeName.describe('name of the node'),
      force: z.boolean().default(false).describe('even if objects still belong to it'),
    }),
    output: z.object({ node: z.string() }),
    async plan(plan, { view }, input) {
      const doc = await view.need(node, input.node);
      const details: string[] = [];
      const alive = await view.alive();
      if (alive.has(doc.id)) details.push('its daemon runs: stop it first, on that machine (`systemctl stop pvcd`)');
      const coordinators = (await view.list(node)).filter((one) => one.spec.role === 'coordinator');
      if (doc.spec.role === 'coordinator' && coordinators.length === 1) details.push('it is the last coordinator');
      for (const [kind, count] of await view.belongings(doc.id)) {
        if (input.force) plan.warn(`${count} objects of the kind ${kind} still belong to ${doc.id}.`);
        else details.push(`${count} objects of the kind ${kind} belong to it`);
      }
      if (details.length > 0) throw removeError('NODE_NOT_REMOVED', { node: doc.id }, { details });
      plan.task({
        action: 'node.remove',
        target: { kind: 'node', id: doc.id, label: doc.id },
        node: undefined,
        input: { server: doc.spec.server ?? null },
        timeoutMs: removeTimeoutMs,
      });
      if (doc.spec.server !== undefined) plan.act(`take ZooKeeper server ${doc.spec.server} out of the ensemble`);
      plan.act(`remove ${doc.id} from the cluster`);
      return { node: doc.id };
    },
  }),
];

export interface RemoveParts {
  readonly host: Pick<Host, 'clock' | 'log' | 'net'>;
  readonly documents: Documents;
  readonly guard: (what: string) => Op[];
  readonly ensemble: () => Promise<{ servers: readonly EnsembleServer[]; secret: string } | undefined>;
}

/** The task of the primary; each of its steps may be done again. */
export function removeNodeTask({ host, documents, guard, ensemble }: RemoveParts): TaskDefinition {
  return defineTask({
    action: 'node.remove',
    summary: 'removes a node from the cluster',
    async run(run) {
      const name = run.spec.target.id;
      const { server } = z.object({ server: z.int().nullable() }).parse(run.spec.input);
      const access = await ensemble();
      if (server !== null && access !== undefined) await removeServer(host, access, server);
      await run.advance('documents', { message: 'its server has left the ensemble', progress: 0.5 });
      for (let tries = 1; ; tries += 1) {
        const doc = await documents.get(node, name);
        if (doc === undefined) return { node: name };
        const secret = await documents.get(bmcSecret, name);
        const { ops, topics } = documents.commitOf([
          { do: 'remove', kind: node, before: doc },
          ...(secret === undefined ? [] : [{ do: 'remove', kind: bmcSecret, before: secret } as const]),
        ]);
        const done = await documents.store.commit([...guard(`the end of ${name}`), ...ops], topics);
        if (done.outcome === 'ok') return { node: name };
        if (tries >= 10) {
          if (done.outcome === 'unknown')
            throw storeError('STORE_UNKNOWN', { what: `removing ${name}` }, { cause: done.cause });
          throw new PvcError('OBJECT_CHANGED', `${name} changes again and again (${done.key}).`, {
            hint: 'Is its daemon running? Stop it, and try again.',
            http: 409,
            exit: 'conflict',
          });
        }
        await host.clock.sleep(200);
      }
    },
  });
}
