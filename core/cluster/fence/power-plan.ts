/** What is done with the power of a dead node, without doing it. Pure. @module */

import { type FencePower, type FenceSpec, type FenceStatus, fenceEnded, proven } from '../../model/fence-kind.ts';
import type { FencingPolicy } from '../../model/fencing-policy.ts';
import type { Doc } from '../../model/kind.ts';
import type { Step } from '../../reconcile/controller.ts';
import { type TaskSpec, type TaskStatus, taskEnded } from '../../task/task-kind.ts';

/** What is known of a dead node that has a BMC. */
export interface DeadPower {
  readonly policy: FencingPolicy;
  /** The life of the machine that ended, or should. */
  readonly bootId: string;
  /** When fences of this node, this one too, have switched it on. */
  readonly switchedOnMs: readonly number[];
  /** How long its BMC is to be left alone still. */
  readonly restsMs: number;
}

const hourMs = 3_600_000;
const lookMs = 5_000;
/** A cut, with all that is tried again in it, or one switching on; `core/cluster/power/bmc-power.ts` bounds its parts. */
const stepTimeoutMs = 180_000;

/** How long a BMC is left alone after so many attempts in vain. A wrong password locks the account when it is tried often. */
export const restMs = (tries: number, mayPass: boolean): number =>
  mayPass ? Math.min(60_000, 5_000 * tries) : 300_000;

export const freshPower = (text: string, atMs: number): FencePower => ({ tries: 0, text, atMs, onMs: [] });

/** So long a machine that somebody has switched on by hand may take until its daemon is announced. */
export const byHandMs = 300_000;

/** Somebody switches the power of the node by hand, or has just switched it on: that is not to be crossed. */
export const isSwitchedByHand = (
  tasks: readonly Pick<Doc<TaskSpec, TaskStatus>, 'spec' | 'status'>[],
  node: string,
  nowMs: number,
): boolean =>
  tasks.some(({ spec: { action, target, input }, status }) => {
    if (action !== 'node.power' || target.id !== node) return false;
    if (!taskEnded(status)) return true;
    const on = (input as { readonly action?: unknown }).action !== 'off';
    return on && status?.state === 'succeeded' && nowMs - (status.endedMs ?? 0) < byHandMs;
  });

/** So long an order that nobody waits for any more may still come to a BMC, or be carried out by it (`bmc-power.ts`: 9 s for each). */
const orderMs = 10_000;

/**
 * The order to cut the power that has hit this life of the machine: it was given in it; or in the one before, and it was not
 * read that this had ended by it. A BMC that comes back together with its machine carries it out on whatever runs by then.
 */
function cutOf({ power, evidence }: FenceStatus, bootId: string): FencePower['cut'] {
  const cut = power?.cut;
  if (cut === undefined || cut.bootId === bootId) return cut;
  const isRead = evidence.some((one) => one.kind === 'power' && one.bootId === cut.bootId && one.atMs >= cut.atMs);
  return isRead ? undefined : cut;
}

/** An order to cut the power may be on its way to a machine that is back. @param bootId its life now */
export function isBeingCut(status: FenceStatus, bootId: string, nowMs: number): boolean {
  const cut = cutOf(status, bootId);
  return cut !== undefined && nowMs >= cut.atMs && nowMs < cut.atMs + orderMs;
}

/** It was told to switch it on since it was cut. */
export const isToldOn = (power: FencePower | undefined): boolean =>
  power?.onMs.some((atMs) => atMs >= (power.cut?.atMs ?? 0)) === true;

/** Why a node that PVC has switched off is not switched on again; undefined: it is. */
export function staysOff({ powerOn, powerOnTimes }: FencingPolicy, switchedOnMs: readonly number[], nowMs: number) {
  if (!powerOn) return 'PVC is told not to switch nodes on again';
  const lately = switchedOnMs.filter((atMs) => nowMs - atMs < hourMs).length;
  return lately < powerOnTimes ? undefined : `it was switched on ${lately} times within the last hour, and died again`;
}

/** What comes next. Undefined for `dead`: the node is not dead, has no BMC, or is not to be touched now. */
export function planPower(
  doc: Doc<FenceSpec, FenceStatus> | undefined,
  dead: DeadPower | undefined,
  nowMs: number,
): { steps: Step[]; againInMs?: number } {
  const status = doc?.status;
  if (doc === undefined || fenceEnded(status)) return { steps: [] };
  if (dead === undefined || dead.policy.power === 'never') return { steps: [], againInMs: lookMs };
  const { policy, bootId, switchedOnMs, restsMs } = dead;
  const name = doc.spec.node;
  const step = (verb: string, text: string): Step => ({ do: verb, text, timeoutMs: stepTimeoutMs });
  const later = { steps: [], againInMs: Math.min(lookMs, restsMs) };
  if (!proven(status?.evidence ?? [], bootId)('machine')) {
    if (restsMs > 0) return later;
    return policy.power === 'cut'
      ? { steps: [step('cut', `cut the power of ${name}, and read that back`)], againInMs: lookMs }
      : { steps: [step('read', `read whether ${name} is off`)], againInMs: lookMs };
  }
  const power = status?.power;
  if (status?.settledMs === undefined || policy.power !== 'cut') return { steps: [] };
  // Whatever PVC has not switched off itself, somebody may want to be off.
  if (cutOf(status, bootId) === undefined) return { steps: [] };
  if (power?.readsOn === true) return { steps: [] };
  const why = isToldOn(power) ? undefined : staysOff(policy, switchedOnMs, nowMs);
  if (why === undefined)
    return restsMs > 0 ? later : { steps: [step('on', `switch ${name} on again`)], againInMs: lookMs };
  return why === power?.staysOff
    ? { steps: [], againInMs: 60_000 }
    : { steps: [step('leave off', `leave ${name} off`)], againInMs: 60_000 };
}
