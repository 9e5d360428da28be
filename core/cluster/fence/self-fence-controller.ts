/**
 * Takes it for proven that the machine of a dead node was reset by its watchdog, once nothing can have fed that for long
 * enough. It counts on this primary's own clock; the next one begins anew.
 * @module
 */

import { cluster, clusterId } from '../../model/cluster-kind.ts';
import { type FenceSpec, type FenceStatus, fence, fenceEnded, hasVoid, proven } from '../../model/fence-kind.ts';
import { aliveKey, type NodeStatus, node as nodeKind, watchdogOf } from '../../model/node-kind.ts';
import { type Controller, defineController, type Step } from '../../reconcile/controller.ts';
import type { FenceParts } from './fence-controller.ts';
import { boundMs, type Standing, standing } from './self-fence-plan.ts';

interface Counting {
  readonly bootId: string;
  /** Undefined: it does not count now. */
  readonly leftMs: number | undefined;
}

const lookMs = 1_000;

export function selfFenceController({
  runtime,
  book,
}: FenceParts): Controller<FenceSpec, FenceStatus, Counting | undefined, Step> {
  const { documents, host } = runtime;
  /** By fence. */
  const standings = new Map<string, Standing>();

  /** The watchdog that the dead life of the machine had, if its reset proves anything. */
  const proving = (status: NodeStatus | undefined): NodeStatus['watchdog'] => {
    const watchdog = watchdogOf(status);
    return watchdog?.proves === true ? watchdog : undefined;
  };

  const count = async (id: string, name: string): Promise<Counting | undefined> => {
    const [known, alive, made] = await Promise.all([
      documents.get(nodeKind, name),
      documents.store.read(aliveKey(name)),
      documents.get(cluster, clusterId),
    ]);
    const watchdog = proving(known?.status);
    if (watchdog === undefined || alive !== undefined || made?.spec.maintenance !== false) return undefined;
    const nodes = await documents.list(nodeKind);
    const coordinators = nodes.filter(({ spec }) => spec.role === 'coordinator').map((one) => one.id);
    const others = coordinators.filter((one) => one !== name);
    const entries = await documents.store.readMany(others.map(aliveKey));
    const sessions = new Map(
      others.flatMap((one, at) => {
        const birth = entries[at]?.birth;
        return birth === undefined ? [] : [[one, birth] as const];
      }),
    );
    const nowMs = host.clock.monotonicMs();
    const stands = standing(standings.get(id), { coordinators, sessions, statusVersion: known?.statusVersion }, nowMs);
    if (stands === undefined) return { bootId: watchdog.bootId, leftMs: undefined };
    standings.set(id, stands);
    return { bootId: watchdog.bootId, leftMs: stands.sinceMs + boundMs(watchdog.timeoutS) - nowMs };
  };

  return defineController<FenceSpec, FenceStatus, Counting | undefined, Step>({
    name: 'fence-self',
    summary: 'takes it for proven that the watchdog of a dead node has reset it, when nothing can have fed it',
    kind: fence,
    scope: 'leader',
    async observe(id, doc) {
      const counting = doc === undefined || fenceEnded(doc.status) ? undefined : await count(id, doc.spec.node);
      if (counting?.leftMs === undefined) standings.delete(id);
      return counting;
    },
    plan(doc, counting) {
      if (doc === undefined || counting === undefined) return { steps: [] };
      const evidence = doc.status?.evidence ?? [];
      if (proven(evidence, counting.bootId)('machine') || hasVoid(evidence, counting.bootId)) return { steps: [] };
      const { leftMs } = counting;
      if (leftMs === undefined || leftMs > 0)
        return { steps: [], againInMs: Math.ceil(Math.min(lookMs, leftMs ?? lookMs)) };
      const text = `take it for proven that the watchdog of ${doc.spec.node} has reset it`;
      return { steps: [{ do: 'prove', text, timeoutMs: 10_000 }] };
    },
    async apply(_step, id) {
      const { spec } = await documents.need(fence, id);
      const watchdog = proving((await documents.need(nodeKind, spec.node)).status);
      if (watchdog === undefined) return;
      const { bootId, timeoutS, identity } = watchdog;
      const text = `nothing has fed its watchdog (${identity}, ${timeoutS} s) for ${boundMs(timeoutS) / 1000} s`;
      const atMs = host.clock.wallMs();
      await book.prove(id, spec.node, [
        { kind: 'self-fence', by: 'its watchdog', text, covers: ['machine'], atMs, bootId },
      ]);
    },
  });
}
