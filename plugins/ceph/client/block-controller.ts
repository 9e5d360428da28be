/** Lets a node in again that was blocked and has booted since: nothing of its life before runs any more. @module */
import { defineController, node as nodeKind, type Runtime, type Step } from '../../../core/plugin/api.ts';
import { type BlockSpec, storageBlock } from './block-kind.ts';
import { forgetRefusal, type RefusingStorage } from './let-in.ts';

const lookMs = 5_000;

/** Pure. @param bootId of the node's life now, as it tells itself; undefined: it does not run */
export const hasBooted = ({ bootId: blocked }: Pick<BlockSpec, 'bootId'>, bootId: string | undefined): boolean =>
  bootId !== undefined && blocked !== undefined && bootId !== blocked;

export function blockController(runtime: Runtime, storage: RefusingStorage) {
  const { documents } = runtime;
  return defineController({
    name: 'storage-block',
    summary: 'lets a blocked node in again once it has booted',
    kind: storageBlock,
    scope: 'primary',
    async observe(id) {
      const node = await documents.get(nodeKind, id);
      return { bootId: node?.status?.bootId };
    },
    plan(doc, { bootId }): { steps: Step[]; againInMs?: number } {
      if (doc === undefined) return { steps: [] };
      if (!hasBooted(doc.spec, bootId)) return { steps: [], againInMs: lookMs };
      return { steps: [{ do: 'unblock', text: `let ${doc.id} in again, which has booted`, timeoutMs: 60_000 }] };
    },
    async apply(_step, id) {
      const doc = await documents.get(storageBlock, id);
      if (doc === undefined) return;
      await storage.letIn(id);
      await forgetRefusal(runtime, storage, id, doc);
    },
  });
}
