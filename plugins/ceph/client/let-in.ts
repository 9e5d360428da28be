/** How a node that the storage refuses is let in again. @module */
import { endCutOff, forgetCutOff, type Runtime, type Write } from '../../../core/plugin/api.ts';

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

type Part = Pick<Runtime, 'documents' | 'host' | 'write' | 'signal'>;

/**
 * Has guests on the node that have lost their volumes ended: a client of Ceph that was refused once gets no answer any more, let
 * in or not, and its guest would hang and look as if it ran.
 * @returns why it is not to be let in yet; undefined: it may be
 */
export async function mayBeLetIn(part: Part, storage: RefusingStorage, node: string): Promise<string | undefined> {
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

/** What is not needed any more once a node is let in. */
export const writesOnceIn = (part: Part, storage: RefusingStorage, node: string): Promise<Write[]> =>
  forgetCutOff(part, node, storage.name);
