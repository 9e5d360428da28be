/** For plugins that have cut a node off from their resources, and let it in again. @module */
import { cutOff, cutOffId, isEnded } from '../model/cut-off-kind.ts';
import { aliveKey, node as nodeKind } from '../model/node-kind.ts';
import type { Write } from '../store/documents.ts';
import type { Runtime } from './runtime.ts';

export interface CutOff {
  readonly node: string;
  /** The plugin. */
  readonly by: string;
  readonly resources: readonly string[];
  /** Which cutting off: what was ended after one says nothing of the next. */
  readonly mark: string;
}

/**
 * Before a node is let in again to what it was cut off from: has the node end what of it runs on, which has lost these
 * resources for good. Only on the primary; does not wait, to be asked again.
 * @returns why the node is not to be let in yet; undefined: it may be
 * @throws PvcError NOT_PRIMARY, OBJECT_CHANGED, STORE_UNKNOWN
 */
export async function endCutOff(
  { documents, write }: Pick<Runtime, 'documents' | 'write'>,
  { node, by, resources, mark }: CutOff,
): Promise<string | undefined> {
  const [known, alive] = await Promise.all([documents.get(nodeKind, node), documents.store.read(aliveKey(node))]);
  // Between two lives of its daemon guests run on, and nobody could end them.
  if (alive === undefined) return 'its daemon does not run';
  // One that runs an older PVC knows nothing of this.
  if (known?.status?.shapes?.[cutOff.name] === undefined) return undefined;
  const id = cutOffId(node, by);
  const before = await documents.get(cutOff, id);
  const spec = { node, by, resources: [...resources], mark };
  if (before === undefined) await write([{ do: 'create', kind: cutOff, id, spec }], { asPrimary: true });
  else if (before.spec.mark !== mark) await write([{ do: 'spec', kind: cutOff, before, spec }], { asPrimary: true });
  if (isEnded(before?.status, mark)) return undefined;
  const left = before?.status?.mark === mark ? before.status.left : [];
  const what = left.length > 0 ? left.join(', ') : 'it has not said so yet';
  return `what was cut off there from its disks is not ended: ${what}`;
}

/** For the commit by which it is let in, or after that. */
export async function forgetCutOff(
  { documents }: Pick<Runtime, 'documents'>,
  node: string,
  by: string,
): Promise<Write[]> {
  const before = await documents.get(cutOff, cutOffId(node, by));
  return before === undefined ? [] : [{ do: 'remove', kind: cutOff, before }];
}
