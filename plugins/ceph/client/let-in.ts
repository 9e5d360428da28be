/** How a node that the storage refuses is let in again. @module */
import { type Doc, endCutOff, forgetCutOff, type Runtime } from '../../../core/plugin/api.ts';
import { type BlockSpec, storageBlock } from './block-kind.ts';

/** A storage, as far as it can refuse nodes. */
export interface RefusingStorage {
  /** The plugin. */
  readonly name: string;
  /** What a refused node has lost, as in fences: `pool:vms`. */
  resources(): Promise<readonly string[]>;
  /** The nodes whose clients it refuses now, each with a mark: another one when it was refused anew. @throws PvcError CEPH_AWAY */
  refused(): Promise<ReadonlyMap<string, string>>;
  /** Good to be done twice. */
  letIn(node: string): Promise<void>;
  /** Refuses all clients of the node, and reads it back. */
  refuse(node: string): Promise<void>;
}

type BlockDoc = Doc<BlockSpec, null>;
type Part = Pick<Runtime, 'documents' | 'host' | 'write' | 'signal'>;

/**
 * Has guests on the node that have lost their volumes ended: a client of Ceph that was refused once gets no answer any more, let
 * in or not, and its guest would hang and look as if it ran.
 * @returns why it is not to be let in yet; undefined: it may be
 */
async function mayBeLetIn(part: Part, storage: RefusingStorage, node: string): Promise<string | undefined> {
  const mark = (await storage.refused()).get(node);
  if (mark === undefined) return undefined;
  return endCutOff(part, { node, by: storage.name, resources: await storage.resources(), mark });
}

const lookMs = 250;

/** Lets the node in as soon as it may be. @returns why it is not in after that time; undefined: it is */
export async function letIn(
  part: Part,
  storage: RefusingStorage,
  node: string,
  patienceMs: number,
): Promise<string | undefined> {
  const { clock } = part.host;
  const untilMs = clock.monotonicMs() + patienceMs;
  for (;;) {
    const why = await mayBeLetIn(part, storage, node);
    if (why === undefined) {
      await storage.letIn(node);
      return undefined;
    }
    if (clock.monotonicMs() >= untilMs) return why;
    await clock.sleep(lookMs, part.signal);
  }
}

/**
 * Once it is in: nothing asks for the refusal any more.
 * @param block as it was before the node was let in; one that is another by now belongs to a refusal that came meanwhile
 * @throws PvcError NOT_PRIMARY, OBJECT_CHANGED, STORE_UNKNOWN
 */
export async function forgetRefusal(
  part: Part,
  storage: RefusingStorage,
  node: string,
  block: BlockDoc | undefined,
): Promise<void> {
  const writes = await forgetCutOff(part, node, storage.name);
  if (block !== undefined) writes.push({ do: 'remove', kind: storageBlock, before: block });
  if (writes.length > 0) await part.write(writes, { asPrimary: true });
}

/**
 * Answers the hook `returning` for the storage. It is not waited for here: whoever judges that together with other things wants
 * them all from the same moment.
 * @throws PvcError CEPH_AWAY
 */
export async function whyNotYet(part: Part, storage: RefusingStorage, node: string): Promise<string[]> {
  if ((await part.documents.get(storageBlock, node)) === undefined) return [];
  const why = await mayBeLetIn(part, storage, node);
  return why === undefined ? [] : [why];
}

/** Answers the hook `unfence` for the storage. @throws PvcError CEPH_AWAY, CEPH_REFUSED, and as `forgetRefusal` */
export async function letInAgain(part: Part, storage: RefusingStorage, node: string): Promise<string[]> {
  const block = await part.documents.get(storageBlock, node);
  if (block === undefined) return [];
  await storage.letIn(node);
  await forgetRefusal(part, storage, node, block);
  return [];
}
