/**
 * What is written of a fence. Several work on it at the same time on the primary: their writes go one after the other.
 * @module
 */

import { type Evidence, type FenceStatus, fence, fenceEnded, freshFence } from '../../model/fence-kind.ts';
import { node as nodeKind } from '../../model/node-kind.ts';
import type { Runtime } from '../../plugin/runtime.ts';
import type { Write } from '../../store/documents.ts';

export interface FenceWrite {
  /** What is written in the same commit. */
  readonly writes?: readonly Write[];
  /** It is refused when the daemon of this node is back. */
  readonly whileDead?: string;
}

export class FenceBook {
  readonly #runtime: Pick<Runtime, 'documents' | 'write' | 'touch'>;
  /** The write that was asked for last, by fence. */
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(runtime: Pick<Runtime, 'documents' | 'write' | 'touch'>) {
    this.#runtime = runtime;
  }

  /** Changes the status as it is in the store now. @throws PvcError NOT_PRIMARY, NODE_BACK, OBJECT_CHANGED, STORE_UNKNOWN */
  update(id: string, change: (status: FenceStatus) => FenceStatus, more: FenceWrite = {}): Promise<FenceStatus> {
    return this.#alone(id, () => this.#update(id, change, more));
  }

  /**
   * To be awaited before anything of the node is shut out or switched: from here on it takes no guests until it is let in
   * again. @throws PvcError as `update`
   */
  begin(id: string, name: string): Promise<void> {
    return this.#alone(id, async () => {
      const { documents } = this.#runtime;
      if ((await documents.need(fence, id)).status?.state === 'force') return;
      const doc = await documents.need(nodeKind, name);
      const { domainState } = doc.spec;
      const leaves = domainState === 'ready' || domainState === 'unflush';
      await this.#update(id, (status) => ({ ...status, state: 'force', domainState }), {
        whileDead: name,
        writes: leaves
          ? [{ do: 'spec', kind: nodeKind, before: doc, spec: { ...doc.spec, domainState: 'flushed' } }]
          : [],
      });
    });
  }

  /** Writes proofs down, and has what waits for one go on. @throws PvcError as `update` */
  async prove(
    id: string,
    name: string,
    found: readonly Evidence[],
    also: (status: FenceStatus) => FenceStatus = (status) => status,
  ): Promise<void> {
    await this.begin(id, name);
    await this.update(id, (status) => also({ ...status, evidence: [...status.evidence, ...found] }), {
      whileDead: name,
    });
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    // Plugins have controllers of fences as well.
    this.#runtime.touch(fence.name, id);
    for (const resolve of waiting ?? []) resolve();
  }

  /** Writes what holds only as long as the fence is open; nothing once it has ended. @throws PvcError as `update` */
  whileOpen(id: string, writes: () => Promise<readonly Write[]>): Promise<void> {
    return this.#alone(id, async () => {
      const before = await this.#runtime.documents.need(fence, id);
      if (fenceEnded(before.status)) return;
      const more = await writes();
      if (more.length > 0)
        await this.#runtime.write([{ do: 'unchanged', kind: fence, before }, ...more], { asPrimary: true });
    });
  }

  /** Resolves with the next proof, from wherever it comes; or when the signal aborts. */
  nextProof(id: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting.add(resolve));
      signal.addEventListener(
        'abort',
        () => {
          waiting.delete(resolve);
          resolve();
        },
        { once: true },
      );
    });
  }

  async #alone<T>(id: string, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id);
    const mine = (before ?? Promise.resolve()).then(run, run);
    this.#last.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(id) === mine) this.#last.delete(id);
    }
  }

  async #update(
    id: string,
    change: (status: FenceStatus) => FenceStatus,
    { writes = [], whileDead }: FenceWrite,
  ): Promise<FenceStatus> {
    const before = await this.#runtime.documents.need(fence, id);
    const status = change(before.status ?? freshFence);
    await this.#runtime.write([{ do: 'status', kind: fence, before, status }, ...writes], {
      asPrimary: true,
      ...(whileDead === undefined ? {} : { whileDead }),
    });
    return status;
  }
}
