/**
 * The devices of one network on one node: what is missing of them, or in the way. Pure: from what `ip` tells to the words
 * for `ip` and `bridge`.
 * @module
 */
import type { ReconcilePlan } from '../../../core/plugin/api.ts';
import { type AnycastGateway, leaveAnycast, takeAnycast } from './anycast-plan.ts';
import { planBridge } from './bridge-plan.ts';
import { bridgeName, linkGroup } from './names.ts';
import type { Link } from './reading.ts';
import { anycastMac, type Router, routerMac } from './router.ts';
import { deleteStep, inFewSteps, type LinkStep, needOurs, setStep } from './steps.ts';
import { needVlanLink, planVlan } from './vlan-plan.ts';
import { needUnderlay, planVxlan } from './vxlan-plan.ts';

export interface WantedVlan {
  readonly id: number;
  /** The link of this node that carries VLANs; undefined: its configuration names none. */
  readonly link: string | undefined;
}

/** What a network is to be here. */
export interface Wanted {
  readonly mtu: number;
  /** Of a bridged network; undefined: it goes by VXLAN. */
  readonly vlan?: WantedVlan | undefined;
  /** Undefined: this node is its gateway only as primary, if at all. */
  readonly anycast?: AnycastGateway | undefined;
  /** Nodes that can be its gateway, without this one; none where it has none, or every node is. */
  readonly routers: readonly Router[];
}

export interface Observed {
  /** The network's number. */
  readonly vni: string;
  readonly bridge: Link | undefined;
  readonly vxlan: Link | undefined;
  readonly vlan: Link | undefined;
  /** The link of the node that carries VLANs. */
  readonly vlanLink: Link | undefined;
  /** Those of them on which the node itself hears nothing, and sends nothing. */
  readonly deaf: ReadonlySet<string>;
  /** Ends of running guests' cards of this network that are plugged in nowhere. */
  readonly loose: readonly string[];
  /** What the node has on the bridge for good: not as primary. */
  readonly gateway: AnycastGateway;
  /** Nodes that can be the gateway, as the bridge knows the way to them. */
  readonly routers: readonly Router[];
  /** This node's address on the cluster network; undefined: a cluster of one node without such. */
  readonly address: string | undefined;
  /** MTU of the link with that address. */
  readonly underlayMtu: number | undefined;
}

/** After a change, what hangs on the devices is looked at again. */
const againMs = 1_000;

const removal = (...devices: readonly (Link | undefined)[]): LinkStep[] =>
  devices.flatMap((link) => (link?.group === linkGroup ? [deleteStep(link.ifname)] : []));

/**
 * @param wanted undefined: there is no such network (any more)
 * @throws Error what keeps this node from having the network
 */
export function planLinks(wanted: Wanted | undefined, observed: Observed): ReconcilePlan<LinkStep> {
  const { vni, bridge, vxlan, vlan, loose } = observed;
  if (wanted === undefined) return { steps: inFewSteps(removal(vxlan, vlan, bridge)) };
  for (const link of [bridge, vxlan, vlan]) needOurs(link);
  if (wanted.vlan === undefined) needUnderlay(wanted.mtu, observed);
  else needVlanLink(wanted.mtu, wanted.vlan, observed);
  const name = bridgeName(vni);
  const steps = inFewSteps([
    // Of an older network that had the same number: it would join the two.
    ...removal(wanted.vlan === undefined ? vlan : vxlan),
    ...leaveAnycast(name, wanted.anycast, observed),
    ...planBridge(name, wanted.mtu, wanted.anycast === undefined ? routerMac(observed.address) : anycastMac, observed),
    ...takeAnycast(name, wanted.anycast, observed),
    ...(wanted.vlan === undefined ? planVxlan(wanted, observed) : planVlan(wanted.mtu, wanted.vlan, observed)),
    ...loose.map((tap) => setStep(`plug ${tap} in again`, tap, 'master', name)),
  ]);
  return steps.length === 0 ? { steps } : { steps, againInMs: againMs };
}
