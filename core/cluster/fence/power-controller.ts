/**
 * The power of a node that is dead: has its BMC cut it, takes what that reads for a proof, and switches the node on again
 * once its guests are recovered. It works beside the proofs of plugins and holds none of them up.
 * @module
 */
import { PvcError } from '../../error/error.ts';
import { cluster, clusterId } from '../../model/cluster-kind.ts';
import {
  type FencePower,
  type FenceSpec,
  type FenceStatus,
  fence,
  fenceEnded,
  fenceError,
} from '../../model/fence-kind.ts';
import { fencingOf } from '../../model/fencing-policy.ts';
import { aliveKey, node as nodeKind } from '../../model/node-kind.ts';
import { type Controller, defineController, type Step } from '../../reconcile/controller.ts';
import { task } from '../../task/task-kind.ts';
import { mayPass } from '../power/bmc-power.ts';
import type { FenceParts } from './fence-controller.ts';
import { type DeadPower, freshPower, isSwitchedByHand, isToldOn, planPower, restMs, staysOff } from './power-plan.ts';

/** What a BMC did not do; anything else that goes wrong is not its fault. */
const isOfBmc = (error: unknown): error is PvcError => error instanceof PvcError && /^(?:BMC|POWER)_/.test(error.code);
/** Why an attempt was given up. */
const isOver = (error: unknown): boolean =>
  error instanceof PvcError && ['NODE_BACK', 'FENCE_HELD'].includes(error.code);

export function fencePowerController({
  runtime,
  book,
  attempts,
  silence,
}: FenceParts): Controller<FenceSpec, FenceStatus, DeadPower | undefined, Step> {
  const { documents, host, power } = runtime;
  /** Until when a BMC is left alone, on the monotonic clock, by fence. The next primary does not know, and begins anew. */
  const restsUntil = new Map<string, number>();

  const note = async (id: string, change: (now: FencePower) => FencePower, whileDead?: string): Promise<void> => {
    const fresh = freshPower('', 0);
    await book.update(
      id,
      (status) => ({ ...status, power: change(status.power ?? fresh) }),
      whileDead === undefined ? {} : { whileDead },
    );
  };

  /** Right before an order: the node may be back, or somebody has decided otherwise. */
  const allowCut = async (id: string, name: string, bootId: string): Promise<void> => {
    const made = await documents.need(cluster, clusterId);
    if (made.spec.maintenance) throw fenceError('FENCE_HELD', { node: name, reason: 'maintenance mode is on' });
    if (fencingOf(made.spec).power !== 'cut')
      throw fenceError('FENCE_HELD', { node: name, reason: 'PVC is told not to' });
    if (isSwitchedByHand(await documents.list(task), name, host.clock.wallMs()))
      throw fenceError('FENCE_HELD', { node: name, reason: 'somebody switches it by hand' });
    await book.begin(id, name);
    const atMs = host.clock.wallMs();
    const text = 'its BMC is told to cut the power';
    await note(id, ({ readsOn: _on, ...now }) => ({ ...now, cut: { bootId, atMs }, text, atMs }), name);
  };

  /** How it came to read off; undefined: it reads on. */
  const readOff = async (
    step: Step,
    id: string,
    name: string,
    bootId: string,
    signal: AbortSignal,
  ): Promise<'was' | 'told' | undefined> => {
    // Read while it was silent, before its fence was open: it is about the same life of the machine.
    if (silence.readsOff(name)) return 'was';
    if (step.do === 'read') return (await power.status(name, signal)) === 'on' ? undefined : 'was';
    let how: 'was' | 'told' = 'was';
    await power.off(name, signal, async () => {
      await allowCut(id, name, bootId);
      how = 'told';
    });
    return how;
  };

  const proveOff = async (step: Step, id: string, name: string, bootId: string, signal: AbortSignal): Promise<void> => {
    const how = await readOff(step, id, name, bootId, signal);
    if (how === undefined) return failed(id, 'its BMC reads on', true);
    const ordered = how === 'told';
    const atMs = host.clock.wallMs();
    const text = ordered ? 'its BMC was told to cut the power, and reads off' : 'its BMC reads off';
    await book.prove(
      id,
      name,
      [{ kind: 'power', by: 'its BMC', text, covers: ['machine'], atMs, bootId }],
      ({ power: now = freshPower(text, atMs), ...status }) => ({ ...status, power: { ...now, tries: 0, text, atMs } }),
    );
  };

  const switchOn = async (id: string, name: string, signal: AbortSignal): Promise<void> => {
    await power.on(name, signal, () => {
      const atMs = host.clock.wallMs();
      // Before the order: what boots fast is back, and its fence may have ended, before its BMC is read.
      return note(
        id,
        ({ staysOff: _stays, ...now }) => ({
          ...now,
          ...{ text: 'its BMC is told to switch it on again', atMs },
          onMs: isToldOn(now) ? now.onMs : [...now.onMs, atMs],
        }),
        name,
      );
    });
    const atMs = host.clock.wallMs();
    await note(id, (now) => ({ ...now, tries: 0, text: 'it was switched on again', atMs, readsOn: true }), name);
  };

  const failed = async (id: string, text: string, passes: boolean): Promise<void> => {
    let tries = 1;
    const atMs = host.clock.wallMs();
    await note(id, (now) => {
      tries = now.tries + 1;
      return { ...now, tries, text, atMs };
    });
    restsUntil.set(id, host.clock.monotonicMs() + restMs(tries, passes));
  };

  const attempt = async (step: Step, id: string, name: string, signal: AbortSignal): Promise<void> => {
    const bootId = (await documents.need(nodeKind, name)).status?.bootId ?? '';
    try {
      if (step.do === 'on') await switchOn(id, name, signal);
      else await proveOff(step, id, name, bootId, signal);
    } catch (error) {
      if (signal.aborted || isOver(error)) return;
      if (!isOfBmc(error)) throw error;
      await failed(id, error.message, mayPass(error));
    }
  };

  return defineController<FenceSpec, FenceStatus, DeadPower | undefined, Step>({
    name: 'fence-power',
    summary: 'has the power of a dead node cut, and given again once its guests are recovered',
    kind: fence,
    scope: 'leader',
    async observe(id, doc) {
      if (doc === undefined || fenceEnded(doc.status)) {
        restsUntil.delete(id);
        return undefined;
      }
      const name = doc.spec.node;
      const [known, alive, made] = await Promise.all([
        documents.get(nodeKind, name),
        documents.store.read(aliveKey(name)),
        documents.get(cluster, clusterId),
      ]);
      if (known?.spec.bmc === undefined || alive !== undefined || made?.spec.maintenance !== false) return undefined;
      const cut = doc.status?.power?.cut !== undefined;
      const fences = cut ? (await documents.list(fence)).filter(({ spec }) => spec.node === name) : [];
      const dead: DeadPower = {
        policy: fencingOf(made.spec),
        bootId: known.status?.bootId ?? '',
        switchedOnMs: fences.flatMap(({ status }) => status?.power?.onMs ?? []),
        restsMs: Math.max(0, Math.ceil((restsUntil.get(id) ?? 0) - host.clock.monotonicMs())),
      };
      const nowMs = host.clock.wallMs();
      // Tasks of days are many: they are read only where something would be done about its power.
      const acts = planPower(doc, dead, nowMs).steps.length > 0;
      return acts && isSwitchedByHand(await documents.list(task), name, nowMs) ? undefined : dead;
    },
    plan: (doc, dead, { nowMs }) => planPower(doc, dead, nowMs),
    async apply(step, id, signal) {
      const { spec } = await documents.need(fence, id);
      if (step.do === 'leave off') {
        const made = await documents.need(cluster, clusterId);
        const all = (await documents.list(fence)).filter((one) => one.spec.node === spec.node);
        const switchedOnMs = all.flatMap(({ status }) => status?.power?.onMs ?? []);
        const why = staysOff(fencingOf(made.spec), switchedOnMs, host.clock.wallMs());
        return why === undefined ? undefined : note(id, (now) => ({ ...now, staysOff: why }));
      }
      await attempts.run(id, 'power', (ended) => attempt(step, id, spec.node, AbortSignal.any([signal, ended])));
    },
  });
}
