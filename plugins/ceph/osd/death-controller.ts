/**
 * Tells Ceph that disks of a dead node can answer nobody any more, once it is proven that the machine is off. A disk that is
 * merely down may still answer reads of others who have not heard of that: so what it has a copy of is served by nobody until
 * its leave to do so is over (Ceph: "stale reads", osd_pool_default_read_lease_ratio), and guests that start elsewhere wait.
 * @module
 */
import {
  aliveKey,
  type Doc,
  defineController,
  type FenceSpec,
  type FenceStatus,
  fence,
  fenceEnded,
  node as nodeKind,
  proven,
  type Runtime,
  type Step,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { osd } from './osd-kind.ts';

/** For so long after the proof it is worth it: longer than any leave to answer reads lasts. */
const worthMs = 10_000;
/** An order that is not taken in this time is given up: the machine could have been switched on again. */
const orderMs = 5_000;

/** What is proven, and when, of a node whose disks are to be told dead. */
export interface Death {
  readonly osds: readonly string[];
  readonly provenMs: number;
}

/** Pure. @param told fences for which it was done */
export function planDeath(
  doc: Doc<FenceSpec, FenceStatus> | undefined,
  death: Death | undefined,
  told: ReadonlySet<string>,
  nowMs: number,
): { steps: Step[] } {
  if (doc === undefined || death === undefined || told.has(doc.id)) return { steps: [] };
  if (death.osds.length === 0 || nowMs - death.provenMs > worthMs) return { steps: [] };
  const text = `tell Ceph that the disks of ${doc.spec.node} answer nobody any more`;
  return { steps: [{ do: 'tell', text, timeoutMs: orderMs }] };
}

export function osdDeathController(runtime: Runtime, ceph: CephCommand) {
  const { documents, host } = runtime;
  const told = new Set<string>();

  /** Nothing where the node is back, or where nothing says that its machine is off. */
  const deathOf = async (doc: Doc<FenceSpec, FenceStatus>): Promise<Death | undefined> => {
    const { node } = doc.spec;
    const [known, alive, osds] = await Promise.all([
      documents.get(nodeKind, node),
      documents.store.read(aliveKey(node)),
      documents.list(osd),
    ]);
    const bootId = known?.status?.bootId;
    const proof = doc.status?.evidence.find((one) => bootId !== undefined && proven([one], bootId)('machine'));
    if (proof === undefined || alive !== undefined) return undefined;
    return { osds: osds.filter(({ spec }) => spec.node === node).map(({ id }) => id), provenMs: proof.atMs };
  };

  return defineController({
    name: 'osd-death',
    summary: 'tells Ceph that disks of a machine that is off answer nobody any more',
    kind: fence,
    scope: 'leader',
    async observe(id, doc) {
      if (doc === undefined || fenceEnded(doc.status)) {
        told.delete(id);
        return undefined;
      }
      return deathOf(doc);
    },
    plan: (doc, death, { nowMs }) => planDeath(doc, death, told, nowMs),
    async apply(_step, id, signal) {
      const death = await deathOf(await documents.need(fence, id));
      if (death === undefined || host.clock.wallMs() - death.provenMs > worthMs) return;
      const words = ['osd', 'down', ...death.osds, '--definitely-dead'];
      await ceph.orderSoon('the death of disks', words, { timeoutMs: orderMs, signal });
      told.add(id);
    },
  });
}
