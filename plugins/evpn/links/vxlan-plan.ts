/** The way of a managed network to the other nodes: a VXLAN device in its bridge. Pure. @module */
import { vxlanOverhead } from '../network/mtu.ts';
import type { Observed, Wanted } from './link-plan.ts';
import { bridgeName, vxlanName } from './names.ts';
import type { Router } from './router.ts';
import {
  addStep,
  type Command,
  deafStep,
  deleteStep,
  isBridge,
  isUp,
  type LinkStep,
  mtuStep,
  step,
  upStep,
} from './steps.ts';

/** IANA's port for VXLAN. */
const port = 4789;

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

/** @throws Error what keeps this node from having the network */
export function needUnderlay(mtu: number, { address, underlayMtu }: Observed): void {
  if (address?.includes(':'))
    throw new Error(`${address}, this node’s address, is not IPv4, which virtual networks need`);
  if (address !== undefined && underlayMtu === undefined) throw new Error(`no device of this node has ${address}`);
  if (underlayMtu !== undefined && mtu > underlayMtu - vxlanOverhead)
    throw new Error(
      `an MTU of ${mtu} needs ${mtu + vxlanOverhead} on the cluster network, where this node has ${underlayMtu}`,
    );
}

/** Nothing on a node without an address on the cluster network. */
export function planVxlan({ mtu, routers, anycast }: Wanted, observed: Observed): LinkStep[] {
  const { vni, vxlan, bridge, deaf, address: local } = observed;
  if (local === undefined) return [];
  const [name, master] = [vxlanName(vni), bridgeName(vni)];
  const data = vxlan?.linkinfo?.info_data;
  const fits =
    vxlan?.linkinfo?.info_kind === 'vxlan' &&
    data?.id === Number(vni) &&
    data.local === local &&
    data.port === port &&
    data.learning === false;
  const steps: LinkStep[] = [];
  if (vxlan !== undefined && !fits) steps.push(deleteStep(name, ', which is not as it must be'));
  if (!fits)
    steps.push(
      addStep(
        `make ${name} from ${local}`,
        name,
        ['mtu', String(mtu)],
        ['vxlan', 'id', vni, 'local', local, 'dstport', String(port), 'nolearning'],
      ),
    );
  else if (vxlan.mtu !== mtu) steps.push(mtuStep(name, mtu));
  if (!fits || !deaf.has(name)) steps.push(deafStep(name));
  const plugged = fits && vxlan.master === master && isBridge(bridge);
  const slave = vxlan?.linkinfo?.info_slave_data;
  const suppress = anycast !== undefined;
  if (!plugged || slave?.learning !== false || slave.neigh_suppress !== suppress)
    // BGP tells who is where; what the kernel would learn from frames beside it would only be older. Questions for addresses
    // are answered here where every node is the gateway, and so knows its guests. Elsewhere they pass: the bridge would know
    // no answers, and keep the news of a gateway that has moved (gratuitous ARP) from the other nodes.
    steps.push(
      step(
        `plug ${name} into ${master}`,
        ...(plugged ? [] : [['ip', 'link', 'set', 'dev', name, 'master', master] as Command]),
        ['bridge', 'link', 'set', 'dev', name, 'learning', 'off', 'neigh_suppress', suppress ? 'on' : 'off'],
      ),
    );
  steps.push(...routerSteps(name, routers, plugged ? observed.routers : []));
  if (!fits || !isUp(vxlan)) steps.push(upStep(name));
  return steps;
}
