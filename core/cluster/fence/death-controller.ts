/**
 * Finds out that a node is dead, and opens its fence. Dead is a node whose session with the store has ended without its
 * daemon having said that it stops: by then the lease by which it may act as primary is over as well. And one whose machine
 * is silent and off, as its BMC reads: the commit that opens its fence takes away the mark by which others see its daemon.
 * @module
 */

import { cluster, clusterId } from '../../model/cluster-kind.ts';
import { fence, fenceEnded, fenceError, freshFence, isSettled } from '../../model/fence-kind.ts';
import { fencingOf } from '../../model/fencing-policy.ts';
import { sortableId } from '../../model/ids.ts';
import { aliveKey, type NodeSpec, type NodeStatus, node as nodeKind } from '../../model/node-kind.ts';
import type { Runtime } from '../../plugin/runtime.ts';
import { type Controller, defineController, type Step } from '../../reconcile/controller.ts';
import type { Write } from '../../store/documents.ts';
import type { Session, SessionState } from '../../store/store.ts';
import { judge, mostAtOnce } from './fence-plan.ts';
import type { Silence } from './silence.ts';

/**
 * Since when, on the monotonic clock, the store has been reached without an outage. A break that the lease outlasts is none:
 * the leader of the ensemble has died, or the server that was spoken with, and the sessions of all others have lasted as well.
 */
export class Steadiness {
  #sinceMs: number;

  constructor(session: Pick<Session, 'onChange'>, nowMs: () => number, signal: AbortSignal) {
    this.#sinceMs = nowMs();
    let before: SessionState = 'live';
    const stop = session.onChange((state) => {
      if (state === 'lost' || before === 'lost') this.#sinceMs = nowMs();
      before = state;
    });
    signal.addEventListener('abort', stop, { once: true });
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }
}

export function deathController(
  runtime: Runtime,
  steadiness: Steadiness,
  silence: Pick<Silence, 'forMs' | 'readsOff'>,
): Controller<NodeSpec, NodeStatus, ReturnType<typeof judge>> {
  const { documents, host } = runtime;
  const { clock } = host;
  /** Since when each node is missed, on the monotonic clock. */
  const missedSince = new Map<string, number>();
  /** What those who work on its fence have been told of a dead node. */
  const told = new Map<string, string>();

  /**
   * Has its fence looked at: each time while something is left to do about what the node had, and then when there is news of
   * the node. A dead node is looked at more than once a second, for as long as it is away.
   */
  const tellFence = async (id: string, name: string, news: string): Promise<void> => {
    const { status = freshFence } = (await documents.get(fence, id)) ?? {};
    if (isSettled(status) && told.get(name) === news) return;
    told.set(name, news);
    runtime.touch(fence.name, id);
  };

  return defineController<NodeSpec, NodeStatus, ReturnType<typeof judge>, Step>({
    name: 'node-death',
    summary: 'finds out that a node is dead',
    kind: nodeKind,
    scope: 'leader',
    async observe(name, doc) {
      const [alive, open] = await Promise.all([
        documents.store.read(aliveKey(name)),
        documents.find(fence, 'node', name),
      ]);
      const readsOff = silence.readsOff(name);
      // Of a node that lives nothing more has to be known.
      const made = alive === undefined || readsOff ? await documents.get(cluster, clusterId) : undefined;
      if (open === undefined) told.delete(name);
      else await tellFence(open, name, `${open} ${alive?.birth ?? 'gone'} ${readsOff ? 'off' : ''}`);
      const nowMs = clock.monotonicMs();
      if (alive !== undefined) missedSince.delete(name);
      else if (!missedSince.has(name)) missedSince.set(name, nowMs);
      return judge({
        quiet: doc?.status === undefined || doc.status.daemon === 'stop',
        alive: alive !== undefined,
        maintenance: made?.spec.maintenance !== false,
        fenced: open !== undefined,
        missedForMs: nowMs - (missedSince.get(name) ?? nowMs),
        silentForMs: silence.forMs(name),
        readsOff,
        steadyForMs: nowMs - steadiness.sinceMs,
      });
    },
    plan(doc, verdict) {
      if (verdict === 'no' || doc === undefined) return { steps: [] };
      if (typeof verdict === 'number') return { steps: [], againInMs: verdict };
      const step = (why: string): Step => ({
        do: verdict,
        text: `open the fence of ${doc.id}, which ${why}`,
        timeoutMs: 10_000,
      });
      return { steps: [verdict === 'off' ? step('is off') : step('is dead')] };
    },
    async apply(step, name) {
      const [nodes, fences, made] = await Promise.all([
        documents.list(nodeKind),
        documents.list(fence),
        documents.get(cluster, clusterId),
      ]);
      const open = fences.filter(({ status }) => !fenceEnded(status)).length;
      const { atMost } = fencingOf(made?.spec);
      if (open >= mostAtOnce(nodes.length, atMost))
        throw fenceError('FENCE_STORM', { node: name, open, nodes: nodes.length });
      const openedMs = clock.wallMs();
      const id = sortableId(openedMs, host.random.bytes(7));
      const write: Write = {
        do: 'create',
        kind: fence,
        id,
        spec: { node: name, openedMs, by: 'pvc' },
        status: freshFence,
      };
      if (step.do !== 'off') return runtime.write([write], { asPrimary: true, whileDead: name });
      const before = nodes.find((one) => one.id === name);
      if (before?.status === undefined || !silence.readsOff(name)) return;
      // The status is written as it was: a later life of the machine says in it who it is, and this commit fails.
      const same: Write = { do: 'status', kind: nodeKind, before, status: before.status };
      await runtime.write([write, same], { asPrimary: true, asDead: name });
    },
  });
}
