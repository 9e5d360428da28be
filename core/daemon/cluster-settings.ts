/** What the cluster's document says that a node must know without the store; on the primary, what all nodes understand by now. @module */
import { raiseShapes } from '../cluster/shape-gate.ts';
import type { Logger } from '../host/log.ts';
import { type ClusterSpec, cluster, clusterId } from '../model/cluster-kind.ts';
import type { Doc } from '../model/kind.ts';
import { stampOf } from '../store/documents.ts';
import type { Assembly } from './assembly.ts';

type Parts = Pick<Assembly, 'documents' | 'liveness' | 'primary' | 'program'>;

export class ClusterSettings {
  readonly #parts: Parts;
  readonly #log: Pick<Logger, 'info'>;
  /** Of the document as it was read last. */
  #followed: string;
  /** A node told something, or the settings are others, since it was looked at last what all nodes understand. */
  #mayRise = true;

  constructor(parts: Parts, made: Doc<ClusterSpec, null>, log: Pick<Logger, 'info'>) {
    this.#parts = parts;
    this.#log = log;
    this.#followed = stampOf(made);
  }

  /** @param stamp of the document as it is now: it is read when it is another one */
  async followIfChanged(stamp: string | undefined): Promise<void> {
    if (stamp !== this.#followed) await this.follow();
  }

  async follow(): Promise<void> {
    const { documents, liveness } = this.#parts;
    const doc = await documents.need(cluster, clusterId);
    documents.shapes.agree(doc.spec.shapes);
    liveness.learn(doc.spec);
    this.#followed = stampOf(doc);
  }

  shapesMayRise(): void {
    this.#mayRise = true;
  }

  /** On the primary: has newer documents written as soon as every node understands them (docs/decisions/012). */
  async raiseShapes(): Promise<void> {
    const { documents, primary, program } = this.#parts;
    if (!primary.isPrimary() || !this.#mayRise) return;
    this.#mayRise = false;
    try {
      const raised = await raiseShapes(documents, program.kinds, () => primary.guard('the shapes of documents'));
      if (raised.length > 0)
        this.#log.info('every node understands newer documents; they are written from now on', { kinds: raised });
    } catch (error) {
      this.#mayRise = true;
      throw error;
    }
  }
}
