/** What plugins and core tell each other about a dead node. @module */
import { PvcError } from '../error/error.ts';
import type { Write } from '../store/documents.ts';

/** A node whose daemon has no session with the store any more. */
export interface DeadNode {
  readonly node: string;
}

/** Something that the dead node had and that shall go on elsewhere. */
export interface Stranded {
  /** Its name for people. */
  readonly object: string;
  /** Resources of which must be proven that nothing on the node uses them: `pool:vms`; `machine`: that it is off. */
  readonly needs: readonly string[];
}

export interface FenceAbout extends DeadNode {
  /** What is to be proven. */
  readonly needs: readonly string[];
  /**
   * To be awaited before anything is changed: writes down that the node is being shut out. @throws PvcError when it is back
   */
  readonly begin: () => Promise<void>;
}

/** A proof that nothing on the node uses these resources, whatever still runs there. It was read back. */
export interface FenceProof {
  readonly covers: readonly string[];
  /** How it is known, in a sentence for people. */
  readonly text: string;
}

export interface RecoverAbout extends DeadNode {
  /** Whether it is proven that nothing on the node uses the resource. */
  readonly proven: (resource: string) => boolean;
  /**
   * Has these go on elsewhere: all or nothing, and only while the node is dead.
   * @throws PvcError OBJECT_CHANGED, NODE_BACK, NOT_PRIMARY (nothing was written), STORE_UNKNOWN
   */
  write(
    writes: readonly Write[],
    recovered: readonly { readonly id: string; readonly object: string; readonly to: string }[],
  ): Promise<void>;
}

/** What stays where it is, and why. */
export interface Waiting {
  readonly object: string;
  readonly reason: string;
}

export interface ReturningNode {
  readonly node: string;
  /** Ids of what was recovered elsewhere. */
  readonly recovered: readonly string[];
}

/** What became of what a node had to end because it is, or was, cut off. */
export interface IsolationEnd {
  /** What was ended by this call, by its name for people. */
  readonly ended: readonly string[];
  /** What could not be ended, each with its reason. */
  readonly left: readonly string[];
}

/** What several plugins ended and left, together. */
export const endsOf = (answers: readonly { readonly result: IsolationEnd }[]): IsolationEnd => ({
  ended: answers.flatMap(({ result }) => result.ended),
  left: answers.flatMap(({ result }) => result.left),
});

/** What cannot be told or done now, for a reason that passes: the store or the storage is away, the node is back. */
export interface NotNow {
  readonly notNow: string;
}

/** The answer of a tap of these hooks: what PVC's own errors say is why there is none yet, and no fault of the plugin. */
export async function orNotNow<T>(answer: () => Promise<T>): Promise<T | NotNow> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof PvcError) return { notNow: error.message };
    throw error;
  }
}

export const isNotNow = (answer: unknown): answer is NotNow =>
  typeof answer === 'object' && answer !== null && 'notNow' in answer;
