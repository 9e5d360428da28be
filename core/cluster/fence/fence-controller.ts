/**
 * Carries a fence through, as long as its node is dead: has plugins prove that nothing of the node can do harm, and what it
 * had go on elsewhere; and once the node is back, lets it in again. Whatever it has come to is in the fence's status, so
 * that the next primary goes on from there.
 * @module
 */
import { errorText } from '../../error/error.ts';
import type { FaultReport } from '../../fault/fault-book.ts';
import { cluster, clusterId } from '../../model/cluster-kind.ts';
import {
  type Evidence,
  type FenceSpec,
  type FenceStatus,
  fence,
  fenceEnded,
  freshFence,
  isSettled,
  proven,
  voided,
} from '../../model/fence-kind.ts';
import { fencingOf } from '../../model/fencing-policy.ts';
import type { Doc } from '../../model/kind.ts';
import { aliveKey, node as nodeKind } from '../../model/node-kind.ts';
import { isNotNow, type NotNow, type Stranded } from '../../plugin/fence-hooks.ts';
import type { Hooks } from '../../plugin/hooks.ts';
import type { Runtime } from '../../plugin/runtime.ts';
import { type Controller, defineController, type Step } from '../../reconcile/controller.ts';
import type { Write } from '../../store/documents.ts';
import type { Attempts } from './attempts.ts';
import type { FenceBook } from './fence-book.ts';
import { backReport, deadReport, nodeFault } from './fence-fault.ts';
import { unproven } from './fence-plan.ts';
import { isBeingCut } from './power-plan.ts';
import type { Silence } from './silence.ts';

type FenceDoc = Doc<FenceSpec, FenceStatus>;
const hookNames = ['stranded', 'fence', 'recover', 'returning', 'unfence'] as const;
type FenceHooks = Pick<Hooks, (typeof hookNames)[number]>;

/** What those who work on fences share. */
export interface FenceParts {
  readonly runtime: Runtime;
  readonly book: FenceBook;
  readonly attempts: Attempts;
  readonly silence: Pick<Silence, 'readsOff'>;
}

interface FenceObserved {
  /** gone: the node was removed from the cluster. */
  readonly node: 'dead' | 'alive' | 'gone';
  readonly maintenance: boolean;
  readonly stranded: readonly Stranded[];
  /** All that the node had goes on elsewhere, and the fault says so. */
  readonly rests: boolean;
}

/** What is asked of plugins is bounded by the hooks' own deadlines. */
const stepTimeoutMs = 180_000;
const lookMs = 5_000;
const backLookMs = 1_000;

export function fenceController(
  { runtime, book, attempts }: FenceParts,
  hooks: FenceHooks,
): Controller<FenceSpec, FenceStatus, FenceObserved, Step> {
  const { documents, host } = runtime;
  const log = host.log.child('fence');

  /** Plugins are asked no more by this node, maybe for long: what they could not answer would stay a fault all that time. */
  const hooksOver = (): void => {
    for (const name of hookNames) hooks[name].over();
  };

  const strandedOn = async (node: string): Promise<Stranded[]> => allOf(await hooks.stranded.call({ node }));

  /** Why plugins gave no proof, by node. */
  const troubles = new Map<string, string>();
  const tell = (id: string, name: string, report: Omit<FaultReport, 'object'>): Promise<void> =>
    book.whileOpen(id, () => nodeFault(runtime, name, report));
  const reportOf = (name: string, status: FenceStatus): Omit<FaultReport, 'object'> => {
    const { power } = status;
    const bmc = power !== undefined && power.tries > 0 ? [power.text] : [];
    return deadReport(name, status, [troubles.get(name) ?? [], bmc].flat());
  };
  /** What the fault of a dead node said last, by fence. */
  const told = new Map<string, string>();
  const tellDead = async (id: string, name: string, status: FenceStatus): Promise<void> => {
    const report = reportOf(name, status);
    await tell(id, name, report);
    told.set(id, JSON.stringify(report));
  };
  const rests = (id: string, name: string, status: FenceStatus, stranded: readonly Stranded[]): boolean =>
    stranded.length === 0 && isSettled(status) && told.get(id) === JSON.stringify(reportOf(name, status));

  const prove = async (id: string, name: string, bootId: string, signal: AbortSignal): Promise<void> => {
    const over = new AbortController();
    // From before the look at what is proven: one that comes in between would be missed, and plugins be waited for.
    const other = book.nextProof(id, AbortSignal.any([signal, over.signal]));
    try {
      const { spec, status = freshFence } = await documents.need(fence, id);
      const { evidence } = status;
      const stranded = await strandedOn(name);
      const lacks = (found: readonly Evidence[]): boolean => unproven(stranded, proven(found, bootId)).length > 0;
      const { word } = spec;
      if (word?.bootId === bootId && lacks(evidence)) {
        const { by, atMs } = word;
        const text = 'made sure that the machine is off';
        await book.prove(id, name, [{ kind: 'word', by, text, covers: ['machine'], atMs, bootId }]);
        return;
      }
      // Plugins are asked whatever else proves: who is shut out also lets go of what he held, as of volumes that stay open
      // for half a minute otherwise.
      if (!lacks(evidence.filter(({ kind }) => kind === 'plugin'))) return;
      const asked = attempts.run(id, 'plugins', () => askPlugins(id, name, bootId));
      asked.catch((error: unknown) => log.warn('plugins gave no proof', { node: name, reason: errorText(error) }));
      // Guests do not wait for a storage that is slow once the machine is known to be off.
      if (lacks(evidence)) await Promise.race([asked, other]);
    } finally {
      over.abort();
    }
  };

  const askPlugins = async (id: string, name: string, bootId: string): Promise<void> => {
    const { status = freshFence } = await documents.need(fence, id);
    const byPlugins = status.evidence.filter(({ kind }) => kind === 'plugin');
    const needs = unproven(await strandedOn(name), proven(byPlugins, bootId));
    const answers = await hooks.fence.call({ node: name, needs, begin: () => book.begin(id, name) });
    const atMs = host.clock.wallMs();
    const found: Evidence[] = [];
    troubles.delete(name);
    for (const { plugin, result } of answers) {
      if (result === undefined) continue;
      if (isNotNow(result)) troubles.set(name, `${plugin}: ${result.notNow}`);
      else found.push({ kind: 'plugin', by: plugin, text: result.text, covers: [...result.covers], atMs, bootId });
    }
    if (found.length > 0) await book.prove(id, name, found);
  };

  const recover = async (id: string, name: string, bootId: string): Promise<void> => {
    const { status = freshFence } = await documents.need(fence, id);
    const isProven = proven(status.evidence, bootId);
    const answers = await hooks.recover.call({
      node: name,
      proven: isProven,
      async write(writes, recovered) {
        const atMs = host.clock.wallMs();
        const news = recovered.map(({ id: one, object, to }) => ({ id: one, object, to, atMs }));
        await book.update(id, (now) => ({ ...now, recovered: [...now.recovered, ...news] }), {
          writes,
          whileDead: name,
        });
      },
    });
    const waiting = allOf(answers).map(({ object, reason }) => ({ object, reason }));
    const { status: now = freshFence } = await documents.need(fence, id);
    const settled = unproven(await strandedOn(name), isProven).length === 0;
    // A node that dies again before it was let in needs proofs anew.
    const turns = settled !== (now.settledMs !== undefined);
    const changed = turns || JSON.stringify(waiting) !== JSON.stringify(now.waiting);
    const next = changed
      ? await book.update(id, ({ settledMs = host.clock.wallMs(), ...one }) => ({
          ...one,
          waiting,
          ...(settled ? { settledMs } : {}),
        }))
      : now;
    // Whoever may switch the node on again has waited for that.
    if (turns) runtime.touch(fence.name, id);
    await tellDead(id, name, next);
  };

  const end = async (id: string, how: string, writes: readonly Write[] = []): Promise<void> => {
    const { spec } = await documents.need(fence, id);
    const endedMs = host.clock.wallMs();
    await book.update(id, (status) => ({ ...status, state: 'ended', waiting: [], endedMs, end: how }), {
      writes: [...writes, ...(await nodeFault(runtime, spec.node))],
    });
    if ((await documents.list(fence)).every(({ status }) => fenceEnded(status))) hooksOver();
  };

  const mayBeCutYet = async (status: FenceStatus, name: string): Promise<boolean> =>
    status.power?.cut !== undefined &&
    isBeingCut(status, (await documents.need(nodeKind, name)).status?.bootId ?? '', host.clock.wallMs());

  /** The node is back. What it had is not taken from it any more, since that is written only while it is dead. */
  const takeBack = async (id: string, name: string, signal: AbortSignal): Promise<void> => {
    await attempts.end(id);
    const { status = freshFence } = await documents.need(fence, id);
    if (status.state === 'open') return end(id, 'it came back before anything was done');
    if (await mayBeCutYet(status, name))
      return tell(id, name, backReport(name, ['its BMC was told to cut its power, which may come yet']));
    const answers = await hooks.returning.call({ node: name, recovered: status.recovered.map((one) => one.id) });
    // A question to the node takes its time: the role may have been lost, and taken again, and the node be dead once more.
    signal.throwIfAborted();
    const reasons = answers.flatMap(({ result }) => (isNotNow(result) ? [result.notNow] : result));
    // One that cannot tell may have something that speaks against it.
    if (answers.length < hooks.returning.tappedBy().length) reasons.push('a plugin cannot tell yet');
    if (reasons.length > 0) return tell(id, name, backReport(name, reasons));
    // Should it die again now, what was proven before it was let in counts no more.
    if (status.evidence.some(({ covers }) => covers.length > 0))
      await book.update(id, (now) => ({ ...now, evidence: voided(now.evidence) }));
    const left = await hooks.unfence.call({ node: name });
    const not = left.flatMap(({ result }) => (isNotNow(result) ? [result.notNow] : result));
    if (left.length < hooks.unfence.tappedBy().length) not.push('a plugin could not undo its part yet');
    if (not.length > 0) return tell(id, name, backReport(name, not));
    const [doc, made] = await Promise.all([documents.need(nodeKind, name), documents.get(cluster, clusterId)]);
    const wasReady = status.domainState === 'ready' && doc.spec.domainState === 'flushed';
    if (wasReady && fencingOf(made?.spec).returns === 'flushed')
      return end(id, 'it is back and was let in again, for guests once somebody says `node ready`');
    await end(
      id,
      'it is back and was let in again',
      wasReady ? [{ do: 'spec', kind: nodeKind, before: doc, spec: { ...doc.spec, domainState: 'ready' } }] : [],
    );
  };

  return defineController<FenceSpec, FenceStatus, FenceObserved, Step>({
    name: 'fence',
    summary: 'proves that a dead node can do no harm, and has its guests go on elsewhere',
    kind: fence,
    scope: 'leader',
    async observe(id, doc) {
      const over: FenceObserved = { node: 'gone', maintenance: false, stranded: [], rests: false };
      if (doc === undefined || fenceEnded(doc.status)) {
        told.delete(id);
        return over;
      }
      const name = doc.spec.node;
      const [known, alive, made] = await Promise.all([
        documents.get(nodeKind, name),
        documents.store.read(aliveKey(name)),
        documents.get(cluster, clusterId),
      ]);
      if (known === undefined) return over;
      if (alive !== undefined) return { ...over, node: 'alive' };
      const stranded = await strandedOn(name);
      return {
        node: 'dead',
        maintenance: made?.spec.maintenance !== false,
        stranded,
        rests: rests(id, name, doc.status ?? freshFence, stranded),
      };
    },
    plan: (doc, observed, { nowMs }) => planFence(doc, observed, nowMs),
    async apply(step, id, signal) {
      const { spec } = await documents.need(fence, id);
      const name = spec.node;
      if (step.do === 'end') return end(id, 'the node was removed from the cluster');
      if (step.do === 'take back') return takeBack(id, name, signal);
      const bootId = (await documents.need(nodeKind, name)).status?.bootId ?? '';
      if (step.do === 'prove') return prove(id, name, bootId, signal);
      return recover(id, name, bootId);
    },
    async watch(_touch, signal) {
      signal.addEventListener('abort', hooksOver, { once: true });
    },
  });
}

/** @throws Error when one cannot tell now: then it is asked again */
function allOf<T>(answers: readonly { readonly plugin: string; readonly result: readonly T[] | NotNow }[]): T[] {
  return answers.flatMap(({ plugin, result }) => {
    if (isNotNow(result)) throw new Error(`${plugin}: ${result.notNow}`);
    return result;
  });
}

/** Looked at again after a second at first, and less and less often the longer it lasts. */
const pauseMs = (ageMs: number): number => Math.min(30_000, Math.max(1_000, Math.round(ageMs / 10)));

/** Pure. */
export function planFence(
  doc: FenceDoc | undefined,
  { node, maintenance, stranded, rests }: FenceObserved,
  nowMs: number,
): { steps: Step[]; againInMs?: number } {
  if (doc === undefined || fenceEnded(doc.status)) return { steps: [] };
  const name = doc.spec.node;
  const step = (verb: string, text: string): Step => ({ do: verb, text, timeoutMs: stepTimeoutMs });
  if (node === 'gone') return { steps: [step('end', `end the fence of ${name}, which is removed`)] };
  if (node === 'alive') return { steps: [step('take back', `let ${name} in again`)], againInMs: backLookMs };
  if (maintenance) return { steps: [], againInMs: lookMs };
  return {
    steps: [
      ...(stranded.some(({ needs }) => needs.length > 0) ? [step('prove', `prove that ${name} can do no harm`)] : []),
      ...(rests ? [] : [step('recover', `have the guests of ${name} go on elsewhere`)]),
    ],
    againInMs: stranded.length === 0 ? lookMs : pauseMs(nowMs - doc.spec.openedMs),
  };
}
