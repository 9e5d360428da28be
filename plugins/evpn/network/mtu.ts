/** How large the frames of a network may be: what the nodes' links carry, less what VXLAN adds. Pure. @module */
import type { Doc, NodeSpec, NodeStatus } from '../../../core/plugin/api.ts';

/** Outer IPv4 (20) and UDP (8), VXLAN (8), inner Ethernet (14): RFC 7348, section 5. */
export const vxlanOverhead = 50;

/** Ethernet's own: what a link carries of which nobody has told yet. */
const ethernetMtu = 1_500;

/** The fact of a node that tells the MTU of its link to the cluster network. */
export const underlayFact = 'underlay mtu';

export interface Ceiling {
  /** The node that carries least. */
  readonly node: string;
  readonly mtu: number;
}

type NodeDoc = Doc<NodeSpec, NodeStatus>;

/** The largest MTU that every node carries, and the node that carries no more. */
export function ceilingOf(nodes: readonly Pick<NodeDoc, 'id' | 'status'>[]): Ceiling {
  const told = nodes.map(({ id, status }): Ceiling => {
    const fact = status?.facts['evpn']?.[underlayFact];
    return { node: id, mtu: (typeof fact === 'number' ? fact : ethernetMtu) - vxlanOverhead };
  });
  return told.reduce(
    (least, one) => (one.mtu < least.mtu ? one : least),
    told[0] ?? { node: '', mtu: ethernetMtu - vxlanOverhead },
  );
}
