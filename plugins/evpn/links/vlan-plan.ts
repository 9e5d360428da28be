/** The way of a bridged network to the site: a VLAN of a link of the node (IEEE 802.1Q) in its bridge. Pure. @module */
import type { Observed, WantedVlan } from './link-plan.ts';
import { bridgeName, vlanName } from './names.ts';
import { addStep, deafStep, deleteStep, isBridge, isUp, type LinkStep, mtuStep, setStep, upStep } from './steps.ts';

/** @throws Error what keeps this node from having the network */
export function needVlanLink(mtu: number, { link }: WantedVlan, { vlanLink }: Observed): void {
  if (link === undefined)
    throw new Error('this node has no link for VLANs: name it in plugins.evpn.vlanLink of pvc.yaml, and restart pvcd');
  if (vlanLink === undefined) throw new Error(`this node has no link ${link} (plugins.evpn.vlanLink)`);
  if (mtu > vlanLink.mtu) throw new Error(`an MTU of ${mtu} is more than the link ${link} has, ${vlanLink.mtu}`);
}

export function planVlan(mtu: number, { id, link = '' }: WantedVlan, observed: Observed): LinkStep[] {
  const { vni, vlan, vlanLink, bridge, deaf } = observed;
  const [name, master] = [vlanName(vni), bridgeName(vni)];
  const fits =
    vlan?.linkinfo?.info_kind === 'vlan' &&
    vlan.linkinfo.info_data?.id === id &&
    vlan.linkinfo.info_data.protocol === '802.1Q' &&
    vlan.link === link;
  const steps: LinkStep[] = [];
  if (vlan !== undefined && !fits) steps.push(deleteStep(name, ', which is not as it must be'));
  if (!fits)
    steps.push(
      addStep(
        `make ${name}, VLAN ${id} of ${link}`,
        name,
        ['link', link, 'mtu', String(mtu)],
        ['vlan', 'protocol', '802.1Q', 'id', String(id)],
      ),
    );
  else if (vlan.mtu !== mtu) steps.push(mtuStep(name, mtu));
  if (!fits || !deaf.has(name)) steps.push(deafStep(name));
  if (!fits || vlan.master !== master || !isBridge(bridge))
    steps.push(setStep(`plug ${name} into ${master}`, name, 'master', master));
  // Without it the VLAN is off as well, whatever it is told.
  if (vlanLink !== undefined && !isUp(vlanLink)) steps.push(upStep(link));
  if (!fits || !isUp(vlan)) steps.push(upStep(name));
  return steps;
}
