/**
 * Carries a fence through, as long as its node is dead: has proven that nothing of the node can do harm, and what it had
 * go on elsewhere; and once the node is back, lets it in again. Whatever it has come to is in the fence's status, so that
 * the next primary goes on from there.
 * @module
 */
import { type FaultReport, faultId } from '../../fault/fault-book.ts';
import { cluster, clusterId } from '../../model/cluster-kind.ts';
import type { Doc } from '../../model/kind.ts';
import { aliveKey, node as nodeKind } from '../../model/node-kind.ts';
import { isNotNow, type NotNow, type Stranded } from '../../plugin/fence-hooks.ts';
import type { Hooks } from '../../plugin/hooks.ts';
import type { Runtime } from '../../plugin/runtime.ts';
import { type Controller, defineController, type Step } from '../../reconcile/controller.ts';
import type { Write } from '../../store/documents.ts';
import { type Evidence, type FenceSpec, type FenceStatus, fence, freshFence } from './fence-kind.ts';
import { proven, unproven } from './fence-plan.ts';

type FenceDoc = Doc<FenceSpec, FenceStatus>;
type FenceHooks = Pick<Hooks, 'stranded' | 'fence' | 'recover' | 'returning' | 'unfence'>;

interface FenceObserved {
  /** gone: the node was removed from the cluster. */
  readonly node: 'dead' | 'alive' | 'gone';
  readonly maintenance: boolean;
  readonly stranded: readonly Stranded[];
}

/** What is asked of plugins is bounded by the hooks' own deadlines. */
const stepTimeoutMs = 180_000;
const lookMs = 5_000;
const backLookMs = 1_000;

export function fenceController(
  runtime: Runtime,
  hooks: FenceHooks,
): Controller<FenceSpec, FenceStatus, FenceObserved, Step> {
  const { documents, host } = runtime;

  const strandedOn = async (node: string): Promise<Stranded[]> => allOf(await hooks.stranded.call({ node }));

  /** Why there is no proof yet, by node. */
  const troubles = new Map<string, string>();
  /** Nodes that this node tells faults of. */
  const told = new Set<string>();
  const tell = (name: string, report: Omit<FaultReport, 'object'>): void => {
    told.add(name);
    runtime.faults.raise(faultId('node.dead', name), { ...report, object: `node ${name}` });
  };
  const clear = (name: string): void => {
    told.delete(name);
    runtime.faults.clear(faultId('node.dead', name));
  };

  const tellDead = (name: string, { recovered, waiting }: FenceStatus): void =>
    tell(name, {
      severity: waiting.length > 0 ? 'critical' : 'warning',
      message: [
        `The node ${name} is dead.`,
        ...(recovered.length === 0 ? [] : [`${recovered.length} of its guests went on elsewhere.`]),
        ...(waiting.length === 0 ? [] : [`${waiting.length} wait: ${waiting.map(waitingText).join('; ')}.`]),
        ...(waiting.length === 0 ? [] : [troubles.get(name) ?? ''].filter((text) => text !== '')),
      ].join(' '),
      hint:
        waiting.length === 0
          ? `See \`pvc node fences\`. This fault goes when ${name} is back, or removed.`
          : `If you have made sure that the machine is off, say so: \`pvc node fence ${name} --is-off\`. What has no room starts by itself when there is some.`,
    });

  const tellBack = (name: string, reasons: readonly string[]): void =>
    tell(name, {
      severity: 'warning',
      message: `The node ${name} is back, and not let in again yet: ${reasons.join('; ')}`,
      hint: 'It is tried again by itself, every second.',
    });

  /** Changes the status of the fence; as it is in the store now, since only the primary writes it. */
  const update = async (
    id: string,
    change: (status: FenceStatus) => FenceStatus,
    more: { readonly writes?: readonly Write[]; readonly whileDead?: string } = {},
  ): Promise<FenceStatus> => {
    const before = await documents.need(fence, id);
    const status = change(before.status ?? freshFence);
    await runtime.write([{ do: 'status', kind: fence, before, status }, ...(more.writes ?? [])], {
      asPrimary: true,
      ...(more.whileDead === undefined ? {} : { whileDead: more.whileDead }),
    });
    return status;
  };

  /** From here on something of the node may be shut out: it takes no guests until it is let in again. */
  const begin = async (id: string, name: string): Promise<void> => {
    if ((await documents.need(fence, id)).status?.state === 'force') return;
    const doc = await documents.need(nodeKind, name);
    const { domainState } = doc.spec;
    const leaves = domainState === 'ready' || domainState === 'unflush';
    await update(id, (status) => ({ ...status, state: 'force', domainState }), {
      whileDead: name,
      writes: leaves
        ? [{ do: 'spec', kind: nodeKind, before: doc, spec: { ...doc.spec, domainState: 'flushed' } }]
        : [],
    });
  };

  const prove = async (id: string, name: string, bootId: string): Promise<void> => {
    const doc = await documents.need(fence, id);
    const { word } = doc.spec;
    const found: Evidence[] = [];
    if (word?.bootId === bootId) {
      await begin(id, name);
      found.push({
        by: word.by,
        text: 'made sure that the machine is off',
        covers: ['machine'],
        atMs: word.atMs,
        bootId,
      });
    } else {
      const needs = unproven(await strandedOn(name), proven(doc.status?.evidence ?? [], bootId));
      const answers = await hooks.fence.call({ node: name, needs, begin: () => begin(id, name) });
      const atMs = host.clock.wallMs();
      troubles.delete(name);
      for (const { plugin, result } of answers) {
        if (result === undefined) continue;
        if (isNotNow(result)) troubles.set(name, `${plugin}: ${result.notNow}`);
        else found.push({ by: plugin, text: result.text, covers: [...result.covers], atMs, bootId });
      }
    }
    if (found.length > 0)
      await update(id, (status) => ({ ...status, evidence: [...status.evidence, ...found] }), { whileDead: name });
  };

  const recover = async (id: string, name: string, bootId: string): Promise<void> => {
    const { status = freshFence } = await documents.need(fence, id);
    const answers = await hooks.recover.call({
      node: name,
      proven: proven(status.evidence, bootId),
      async write(writes, recovered) {
        const atMs = host.clock.wallMs();
        await update(
          id,
          (now) => ({
            ...now,
            recovered: [
              ...now.recovered,
              ...recovered.map(({ id: one, object, to }) => ({ id: one, object, to, atMs })),
            ],
          }),
          { writes, whileDead: name },
        );
      },
    });
    const waiting = allOf(answers).map(({ object, reason }) => ({ object, reason }));
    const { status: now = freshFence } = await documents.need(fence, id);
    if (JSON.stringify(waiting) !== JSON.stringify(now.waiting)) await update(id, (one) => ({ ...one, waiting }));
    tellDead(name, { ...now, waiting });
  };

  const end = async (id: string, how: string, writes: readonly Write[] = []): Promise<void> => {
    await update(id, (status) => ({ ...status, state: 'ended', waiting: [], endedMs: host.clock.wallMs(), end: how }), {
      writes,
    });
    clear((await documents.need(fence, id)).spec.node);
  };

  /** The node is back. What it had is not taken from it any more, since that is written only while it is dead. */
  const takeBack = async (id: string, name: string): Promise<void> => {
    const { status = freshFence } = await documents.need(fence, id);
    if (status.state === 'open') return end(id, 'it came back before anything was done');
    const answers = await hooks.returning.call({ node: name, recovered: status.recovered.map((one) => one.id) });
    const reasons = answers.flatMap(({ result }) => (isNotNow(result) ? [result.notNow] : result));
    // One that cannot tell may have something that speaks against it.
    if (answers.length < hooks.returning.tappedBy().length) reasons.push('a plugin cannot tell yet');
    if (reasons.length > 0) return tellBack(name, reasons);
    // Should it die again now, what was proven before it was let in counts no more.
    if (status.evidence.some(({ covers }) => covers.length > 0))
      await update(id, (now) => ({ ...now, evidence: now.evidence.map((one) => ({ ...one, covers: [] })) }));
    const left = await hooks.unfence.call({ node: name });
    const not = left.flatMap(({ result }) => (isNotNow(result) ? [result.notNow] : result));
    if (left.length < hooks.unfence.tappedBy().length) not.push('a plugin could not undo its part yet');
    if (not.length > 0) return tellBack(name, not);
    const doc = await documents.need(nodeKind, name);
    const returns = status.domainState === 'ready' && doc.spec.domainState === 'flushed';
    await end(
      id,
      'it is back and was let in again',
      returns ? [{ do: 'spec', kind: nodeKind, before: doc, spec: { ...doc.spec, domainState: 'ready' } }] : [],
    );
  };

  return defineController<FenceSpec, FenceStatus, FenceObserved, Step>({
    name: 'fence',
    summary: 'proves that a dead node can do no harm, and has its guests go on elsewhere',
    kind: fence,
    scope: 'primary',
    async observe(_id, doc) {
      const over: FenceObserved = { node: 'gone', maintenance: false, stranded: [] };
      if (doc === undefined || doc.status?.state === 'ended') return over;
      const name = doc.spec.node;
      const [known, alive, made] = await Promise.all([
        documents.get(nodeKind, name),
        documents.store.read(aliveKey(name)),
        documents.get(cluster, clusterId),
      ]);
      if (known === undefined) return over;
      if (alive !== undefined) return { ...over, node: 'alive' };
      return { node: 'dead', maintenance: made?.spec.maintenance !== false, stranded: await strandedOn(name) };
    },
    plan: (doc, observed, { nowMs }) => planFence(doc, observed, nowMs),
    async apply(step, id) {
      const { spec } = await documents.need(fence, id);
      const name = spec.node;
      if (step.do === 'end') return end(id, 'the node was removed from the cluster');
      if (step.do === 'take back') return takeBack(id, name);
      const bootId = (await documents.need(nodeKind, name)).status?.bootId ?? '';
      if (step.do === 'prove') return prove(id, name, bootId);
      return recover(id, name, bootId);
    },
    async watch(_touch, signal) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      // The next primary tells what is to be told.
      for (const name of told) clear(name);
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

const waitingText = ({ object, reason }: FenceStatus['waiting'][number]): string => `${object} (${reason})`;

/** Looked at again after a second at first, and less and less often the longer it lasts. */
const pauseMs = (ageMs: number): number => Math.min(30_000, Math.max(1_000, Math.round(ageMs / 10)));

/** Pure. */
export function planFence(
  doc: FenceDoc | undefined,
  { node, maintenance, stranded }: FenceObserved,
  nowMs: number,
): { steps: Step[]; againInMs?: number } {
  if (doc === undefined || doc.status?.state === 'ended') return { steps: [] };
  const name = doc.spec.node;
  const step = (verb: string, text: string): Step => ({ do: verb, text, timeoutMs: stepTimeoutMs });
  if (node === 'gone') return { steps: [step('end', `end the fence of ${name}, which is removed`)] };
  if (node === 'alive') return { steps: [step('take back', `let ${name} in again`)], againInMs: backLookMs };
  if (maintenance) return { steps: [], againInMs: lookMs };
  return {
    steps: [
      ...(stranded.some(({ needs }) => needs.length > 0) ? [step('prove', `prove that ${name} can do no harm`)] : []),
      step('recover', `have the guests of ${name} go on elsewhere`),
    ],
    againInMs: stranded.length === 0 ? lookMs : pauseMs(nowMs - doc.spec.openedMs),
  };
}
