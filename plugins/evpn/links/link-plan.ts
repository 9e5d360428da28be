/**
 * The devices of one network on one node: what is missing of them, or in the way. Pure: from what `ip` tells to the words
 * for `ip` and `bridge`.
 * @module
 */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import { vxlanOverhead } from '../network/mtu.ts';
import { bridgeName, linkGroup, vxlanName } from './names.ts';
import type { Link } from './reading.ts';
import { type Router, routerMac } from './router.ts';

export type Command = readonly [string, ...string[]];

export interface LinkStep extends Step {
  readonly do: 'commands' | 'deaf';
  /** Of `commands`: one after the other. */
  readonly commands?: readonly Command[];
  /** Of `deaf`. */
  readonly device?: string;
}

/** What a network is to be here. */
export interface Wanted {
  readonly mtu: number;
  /** Nodes that can be its gateway, without this one; none where it has no gateway. */
  readonly routers: readonly Router[];
}

export interface Observed {
  /** The network's number. */
  readonly vni: string;
  readonly bridge: Link | undefined;
  readonly vxlan: Link | undefined;
  /** Those of the two on which the node itself hears nothing, and sends nothing. */
  readonly deaf: ReadonlySet<string>;
  /** Ends of running guests' cards of this network that are plugged in nowhere. */
  readonly loose: readonly string[];
  /** Nodes that can be the gateway, as the bridge knows the way to them. */
  readonly routers: readonly Router[];
  /** This node's address on the cluster network; undefined: a cluster of one node without such. */
  readonly address: string | undefined;
  /** MTU of the link with that address. */
  readonly underlayMtu: number | undefined;
}

/** IANA's port for VXLAN. */
const port = 4789;
const stepMs = 10_000;
/** After a change, what hangs on the devices is looked at again. */
const againMs = 1_000;

const step = (text: string, ...commands: Command[]): LinkStep => ({
  do: 'commands',
  text,
  timeoutMs: stepMs,
  commands,
});
const deafStep = (device: string): LinkStep => ({
  do: 'deaf',
  text: `keep the node itself out of ${device}`,
  timeoutMs: stepMs,
  device,
});
const isUp = (link: Link): boolean => link.flags.includes('UP');

/** @throws Error: a device with that name is somebody else's */
function needOurs(link: Link | undefined): void {
  if (link !== undefined && link.group !== linkGroup)
    throw new Error(`a device ${link.ifname} is there that PVC did not make; rename or remove it`);
}

function removal({ bridge, vxlan }: Observed): LinkStep[] {
  return [vxlan, bridge]
    .filter((link) => link !== undefined && link.group === linkGroup)
    .map((link) => link as Link)
    .map(({ ifname }) => step(`remove ${ifname}`, ['ip', 'link', 'delete', 'dev', ifname]));
}

function bridgeSteps(name: string, mtu: number, { bridge, deaf, address }: Observed): LinkStep[] {
  const steps: LinkStep[] = [];
  const mac = routerMac(address);
  const fits = bridge?.linkinfo?.info_kind === 'bridge';
  if (bridge !== undefined && !fits)
    steps.push(step(`remove ${name}, which is no bridge`, ['ip', 'link', 'delete', 'dev', name]));
  if (!fits)
    // Nobody asks for multicast groups here, so none may be held back.
    steps.push(
      step(`make the bridge ${name}`, [
        ...['ip', 'link', 'add', 'name', name, 'group', linkGroup, 'mtu', String(mtu), 'address', mac],
        ...['type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0'],
      ] as [string, ...string[]]),
    );
  else {
    if (bridge.mtu !== mtu)
      steps.push(step(`give ${name} the MTU ${mtu}`, ['ip', 'link', 'set', 'dev', name, 'mtu', String(mtu)]));
    if (bridge.address !== mac)
      steps.push(step(`give ${name} the address ${mac}`, ['ip', 'link', 'set', 'dev', name, 'address', mac]));
  }
  // Before it is up: else guests could reach the node for a moment.
  if (!fits || !deaf.has(name)) steps.push(deafStep(name));
  if (!fits || !isUp(bridge)) steps.push(step(`switch ${name} on`, ['ip', 'link', 'set', 'dev', name, 'up']));
  return steps;
}

const sameRouter = (a: Router) => (b: Router) => a.mac === b.mac && a.address === b.address;

function routerSteps(device: string, wanted: readonly Router[], known: readonly Router[]): LinkStep[] {
  const entry = (verb: string, { mac, address }: Router): Command => [
    ...(['bridge', 'fdb', verb, mac, 'dev', device, 'dst', address, 'self', 'master'] as const),
    ...(verb === 'del' ? [] : ['static']),
  ];
  const moved = (one: Router): boolean => wanted.some(({ mac }) => mac === one.mac);
  return [
    ...known
      .filter((one) => !wanted.some(sameRouter(one)) && !moved(one))
      .map((one) => step(`forget the gateway ${one.mac}`, entry('del', one))),
    ...wanted
      .filter((one) => !known.some(sameRouter(one)))
      .map((one) => step(`write down that the gateway ${one.mac} is at ${one.address}`, entry('replace', one))),
  ];
}

function vxlanSteps(vni: string, { mtu, routers }: Wanted, local: string, observed: Observed): LinkStep[] {
  const { vxlan, bridge, deaf } = observed;
  const [name, master] = [vxlanName(vni), bridgeName(vni)];
  const data = vxlan?.linkinfo?.info_data;
  const fits =
    vxlan?.linkinfo?.info_kind === 'vxlan' &&
    data?.id === Number(vni) &&
    data.local === local &&
    data.port === port &&
    data.learning === false;
  const steps: LinkStep[] = [];
  if (vxlan !== undefined && !fits)
    steps.push(step(`remove ${name}, which is not as it must be`, ['ip', 'link', 'delete', 'dev', name]));
  if (!fits)
    steps.push(
      step(`make ${name} from ${local}`, [
        ...['ip', 'link', 'add', 'name', name, 'group', linkGroup, 'mtu', String(mtu)],
        ...['type', 'vxlan', 'id', vni, 'local', local, 'dstport', String(port), 'nolearning'],
      ] as [string, ...string[]]),
    );
  else if (vxlan.mtu !== mtu)
    steps.push(step(`give ${name} the MTU ${mtu}`, ['ip', 'link', 'set', 'dev', name, 'mtu', String(mtu)]));
  if (!fits || !deaf.has(name)) steps.push(deafStep(name));
  const plugged = fits && vxlan.master === master && bridge?.linkinfo?.info_kind === 'bridge';
  const slave = vxlan?.linkinfo?.info_slave_data;
  if (!plugged || slave?.learning !== false || slave.neigh_suppress !== false)
    // BGP tells who is where; what the kernel would learn from frames beside it would only be older. Questions for addresses
    // pass: who answered them here would keep the news of an address that has moved (gratuitous ARP) from the other nodes.
    steps.push(
      step(
        `plug ${name} into ${master}`,
        ...(plugged ? [] : [['ip', 'link', 'set', 'dev', name, 'master', master] as Command]),
        ['bridge', 'link', 'set', 'dev', name, 'learning', 'off', 'neigh_suppress', 'off'],
      ),
    );
  steps.push(...routerSteps(name, routers, plugged ? observed.routers : []));
  if (!fits || !isUp(vxlan)) steps.push(step(`switch ${name} on`, ['ip', 'link', 'set', 'dev', name, 'up']));
  return steps;
}

/**
 * @param wanted undefined: there is no such network (any more)
 * @throws Error what keeps this node from having the network
 */
export function planLinks(wanted: Wanted | undefined, observed: Observed): ReconcilePlan<LinkStep> {
  if (wanted === undefined) return { steps: removal(observed) };
  const { vni, address, underlayMtu, bridge, vxlan } = observed;
  needOurs(bridge);
  needOurs(vxlan);
  if (address?.includes(':'))
    throw new Error(`${address}, this node’s address, is not IPv4, which virtual networks need`);
  if (address !== undefined && underlayMtu === undefined) throw new Error(`no device of this node has ${address}`);
  if (underlayMtu !== undefined && wanted.mtu > underlayMtu - vxlanOverhead)
    throw new Error(
      `an MTU of ${wanted.mtu} needs ${wanted.mtu + vxlanOverhead} on the cluster network, where this node has ${underlayMtu}`,
    );
  const name = bridgeName(vni);
  const steps = [
    ...bridgeSteps(name, wanted.mtu, observed),
    ...(address === undefined ? [] : vxlanSteps(vni, wanted, address, observed)),
    ...observed.loose.map((tap) => step(`plug ${tap} in again`, ['ip', 'link', 'set', 'dev', tap, 'master', name])),
  ];
  return steps.length === 0 ? { steps } : { steps, againInMs: againMs };
}
