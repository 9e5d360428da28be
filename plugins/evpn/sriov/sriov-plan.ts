/** What has to be done about the cards of a node that give virtual functions. Pure, from what the kernel tells. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import type { PhysicalView, VirtualFunction } from './physical-functions.ts';
import type { SriovDevice } from './sriov-config.ts';

/** A card that the configuration names, and what is there under that name. */
export interface SeenDevice {
  readonly wanted: Pick<SriovDevice, 'device' | 'vfs'>;
  readonly seen: PhysicalView;
  /** Functions with the MAC address of a guest that is elsewhere now. */
  readonly leftBehind: readonly VirtualFunction[];
}

export type SriovStep = Step &
  (
    | { readonly do: 'make'; readonly device: string; readonly count: number }
    | { readonly do: 'take-back'; readonly device: string; readonly index: number }
  );

/** Links come and go without a word, and guests leave. */
const lookMs = 5_000;
/** A card makes its functions one by one, and each gets its driver: the largest take some ten seconds. */
const makeMs = 120_000;

/** Why the card cannot have the functions that are wanted; undefined: it can, or has them. */
function trouble({ wanted: { device, vfs }, seen }: SeenDevice): string | undefined {
  if (seen === 'no link') return `this node has no link ${device}, which plugins.evpn.sriov of its pvc.yaml names`;
  if (seen === 'no SR-IOV')
    return `the link ${device} cannot do SR-IOV: its card or driver cannot, or it is off in the firmware`;
  if (vfs > seen.most) return `${device} gives at most ${seen.most} virtual functions; plugins.evpn.sriov wants ${vfs}`;
  if (seen.functions.length === vfs) return undefined;
  const used = seen.functions.filter(({ usedBy }) => usedBy !== undefined);
  return used.length === 0
    ? undefined
    : `${device} has ${seen.functions.length} virtual functions and plugins.evpn.sriov wants ${vfs}: their number cannot change while some are in use (${used.map(({ index, usedBy }) => `${index} by ${usedBy === 'guest' ? 'a guest' : 'this node'}`).join(', ')})`;
}

function stepsOf({ wanted: { device, vfs }, seen, leftBehind }: SeenDevice): SriovStep[] {
  if (typeof seen === 'string') return [];
  if (seen.functions.length !== vfs) {
    const make = (count: number, text: string): SriovStep => ({
      ...{ do: 'make', text, timeoutMs: makeMs },
      ...{ device, count },
    });
    return [
      ...(seen.functions.length === 0 ? [] : [make(0, `take the virtual functions of ${device} away`)]),
      make(vfs, `make ${vfs} virtual functions of ${device}`),
    ];
  }
  return leftBehind.map(({ index, mac }) => ({
    ...{ do: 'take-back', timeoutMs: 10_000, device, index },
    text: `take the virtual function ${index} of ${device} back: its guest (${mac}) is elsewhere`,
  }));
}

/** One card that cannot does not keep the others back. @throws Error what keeps cards from having their functions */
export function planFunctions(devices: readonly SeenDevice[]): ReconcilePlan<SriovStep> {
  const troubles = devices.flatMap((one) => trouble(one) ?? []);
  const steps = devices.filter((one) => trouble(one) === undefined).flatMap(stepsOf);
  if (steps.length === 0 && troubles.length > 0) throw new Error(troubles.join('; '));
  return { steps, againInMs: lookMs };
}
