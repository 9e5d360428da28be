/**
 * Lets nodes in again that the storage refuses though nothing asks for that. An order to the storage cannot be guarded by the
 * lease of who gives it: a primary that stands still in the moment in which it shuts a node out goes on seconds later, when its
 * successor has let that node in again, and may not even reach the store any more to see that.
 * @module
 */
import {
  aliveKey,
  cluster,
  clusterId,
  defineController,
  fence,
  fenceEnded,
  PvcError,
  type Runtime,
  type Step,
} from '../../../core/plugin/api.ts';
import { storageBlock } from './block-kind.ts';
import { forgetRefusal, letIn, type RefusingStorage } from './let-in.ts';

const lookMs = 15_000;
/** So long guests may take to end. */
const endingMs = 20_000;

interface LetIn extends Step {
  readonly node: string;
}

export function blocklistController(runtime: Runtime, storage: RefusingStorage) {
  const { documents, host } = runtime;
  const log = host.log.child('storage');

  /** Nodes that are refused though nobody has asked for it, of those that are alive: a dead one may just be about to be fenced. */
  const unasked = async (): Promise<string[]> => {
    // Before the documents: what asks for a refusal is written before it, and removed after its end.
    const refused = [...(await storage.refused()).keys()].sort();
    if (refused.length === 0) return [];
    const [blocks, fences] = await Promise.all([documents.list(storageBlock), documents.list(fence)]);
    const asked = new Set([
      ...blocks.map(({ id }) => id),
      ...fences.filter(({ status }) => !fenceEnded(status)).map(({ spec }) => spec.node),
    ]);
    const left = refused.filter((node) => !asked.has(node));
    const alive = await Promise.all(left.map((node) => documents.store.read(aliveKey(node))));
    return left.filter((_, at) => alive[at] !== undefined);
  };

  return defineController({
    name: 'storage-blocklist',
    summary: 'lets nodes in again that the storage refuses without being asked to',
    kind: cluster,
    scope: 'primary',
    async observe(id) {
      if (id !== clusterId) return [];
      try {
        return await unasked();
      } catch (error) {
        // That the storage does not answer is told by who looks after it as a whole.
        if (error instanceof PvcError && error.code === 'CEPH_AWAY') return [];
        throw error;
      }
    },
    plan: (doc, nodes): { steps: LetIn[]; againInMs?: number } => ({
      steps: nodes.map((node) => ({
        do: 'let in',
        text: `let ${node} in again, which the storage refuses though no fence asks for it`,
        timeoutMs: 60_000,
        node,
      })),
      ...(doc === undefined ? {} : { againInMs: lookMs }),
    }),
    async apply({ node }) {
      log.warn('a node is refused by the storage, and nothing asks for that: it is let in again', { node });
      const why = await letIn(runtime, storage, node, endingMs);
      if (why !== undefined) throw new Error(`${node} is not let in yet: ${why}`);
      // It may have died meanwhile, and been shut out by another primary, which counts on that.
      if ((await documents.get(storageBlock, node)) !== undefined) return storage.refuse(node);
      await forgetRefusal(runtime, storage, node, undefined);
    },
  });
}
