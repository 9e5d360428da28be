/** The bridge of a network, into which guests are plugged. Pure. @module */
import type { Observed } from './link-plan.ts';
import { addStep, deafStep, deleteStep, isBridge, isUp, type LinkStep, mtuStep, setStep, upStep } from './steps.ts';

/** @param mac that which the node has on it */
export function planBridge(name: string, mtu: number, mac: string, { bridge, deaf }: Observed): LinkStep[] {
  const steps: LinkStep[] = [];
  const fits = bridge !== undefined && isBridge(bridge);
  if (bridge !== undefined && !fits) steps.push(deleteStep(name, ', which is no bridge'));
  if (!fits)
    // Nobody asks for multicast groups here, so none may be held back.
    steps.push(
      addStep(
        `make the bridge ${name}`,
        name,
        ['mtu', String(mtu), 'address', mac],
        ['bridge', 'stp_state', '0', 'mcast_snooping', '0'],
      ),
    );
  else {
    if (bridge.mtu !== mtu) steps.push(mtuStep(name, mtu));
    if (bridge.address !== mac) steps.push(setStep(`give ${name} the address ${mac}`, name, 'address', mac));
  }
  // Before it is up: else guests could reach the node for a moment.
  if (!fits || !deaf.has(name)) steps.push(deafStep(name));
  if (!fits || !isUp(bridge)) steps.push(upStep(name));
  return steps;
}
