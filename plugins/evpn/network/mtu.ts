/** How large the frames of a network may be: what the nodes' links carry, less what VXLAN adds to those of a managed one. Pure. @module */
import type { Doc, NodeSpec, NodeStatus } from '../../../core/plugin/api.ts';

/** Outer IPv4 (20) and UDP (8), VXLAN (8), inner Ethernet (14): RFC 7348, section 5. */
export const vxlanOverhead = 50;

/** Ethernet's own: what a link carries of which nobody has told yet. */
export const ethernetMtu = 1_500;

/** The fact of a node that tells the MTU of its link to the cluster network. */
export const underlayFact = 'underlay mtu';

/** The fact of a node that tells the MTU of its link with VLANs; a node without such a link has none. */
export const vlanFact = 'vlan mtu';

export interface Ceiling {
  /** The node that carries least. */
  readonly node: string;
  readonly mtu: number;
}

type NodeDoc = Doc<NodeSpec, NodeStatus>;

type Told = Pick<NodeDoc, 'id' | 'status'>;

function factOf({ status }: Told, name: string): number | undefined {
  const fact = status?.facts['evpn']?.[name];
  return typeof fact === 'number' ? fact : undefined;
}

const least = (all: readonly Ceiling[], otherwise: number): Ceiling =>
  all.reduce((lowest, one) => (one.mtu < lowest.mtu ? one : lowest), all[0] ?? { node: '', mtu: otherwise });

/** The largest MTU of a managed network that every node carries, and the node that carries no more. */
export const ceilingOf = (nodes: readonly Told[]): Ceiling =>
  least(
    nodes.map((node) => ({ node: node.id, mtu: (factOf(node, underlayFact) ?? ethernetMtu) - vxlanOverhead })),
    ethernetMtu - vxlanOverhead,
  );

/** The same for a bridged one, of the nodes that have told of a link with VLANs. */
export const vlanCeilingOf = (nodes: readonly Told[]): Ceiling =>
  least(
    nodes.flatMap((node) => {
      const mtu = factOf(node, vlanFact);
      return mtu === undefined ? [] : [{ node: node.id, mtu }];
    }),
    ethernetMtu,
  );

/** Nodes that have told of no link with VLANs, or of none yet. */
export const withoutVlans = (nodes: readonly Told[]): string[] =>
  nodes.filter((node) => factOf(node, vlanFact) === undefined).map(({ id }) => id);
