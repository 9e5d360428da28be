/**
 * What a lab consists of, as data: which networks, which nodes, which names and addresses. Pure.
 * @module
 */

/** The three host networks of a PVC cluster, each a bridge in the fabric. */
export const networkNames = ['cluster', 'storage', 'upstream'] as const;
export type NetworkName = (typeof networkNames)[number];

/** The cables of a node: one to each network, and that of its BMC. */
export const cableNames = [...networkNames, 'bmc'] as const;
export type CableName = (typeof cableNames)[number];

/** Addresses repeat in every lab: they never leave the lab's namespaces. */
const prefixes: Readonly<Record<CableName, string>> = {
  cluster: '10.10.0',
  storage: '10.10.1',
  upstream: '10.10.2',
  bmc: '10.10.3',
};

/** The bridge in each node that holds its upstream link; a guest's NIC goes here. */
export const upstreamBridge = 'brupstream';

/** The router that stands outside the cluster, on the upstream network. */
export const outsideAddress = `${prefixes.upstream}.1`;
/** The same router, on the network of the BMCs: nodes reach those through it. */
export const bmcGateway = `${prefixes.bmc}.1`;
export const dhcpRange = { from: `${prefixes.upstream}.100`, to: `${prefixes.upstream}.199` } as const;

/** What `pvc cluster init` is told. */
export const clusterNetwork = `${prefixes.cluster}.0/24`;
export const storageNetwork = `${prefixes.storage}.0/24`;
export const floatingAddress = `${prefixes.cluster}.10`;

/** DHCP gives out .100 to .199, nodes have .11 upwards. */
const maxNodes = 80;

export interface NodePlan {
  /** hv1, hv2, … */
  readonly name: string;
  /** From 1. */
  readonly number: number;
}

export interface Topology {
  /** The lab's name: it is part of every name that others on the machine can see. */
  readonly name: string;
  readonly nodes: readonly NodePlan[];
}

/** A request that cannot be fulfilled as it stands; the message is for the person at the terminal. */
export class LabError extends Error {
  override readonly name = 'LabError';
}

/** @throws LabError for a name that cannot be part of a namespace's name or a number out of range */
export function planTopology(name: string, nodeCount: number): Topology {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) {
    throw new LabError(`a lab's name has 1 to 32 lower-case letters, digits and dashes: not ${JSON.stringify(name)}`);
  }
  if (!Number.isInteger(nodeCount) || nodeCount < 1 || nodeCount > maxNodes) {
    throw new LabError(`a lab has 1 to ${maxNodes} nodes: not ${nodeCount}`);
  }
  const nodes = Array.from({ length: nodeCount }, (_, index) => ({ name: `hv${index + 1}`, number: index + 1 }));
  return { name, nodes };
}

/** @throws LabError when the lab has no such node */
export function nodeOf(topology: Topology, name: string): NodePlan {
  const node = topology.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) {
    throw new LabError(
      `lab ${topology.name} has no node ${name}; it has ${topology.nodes.map((each) => each.name).join(', ')}`,
    );
  }
  return node;
}

/** The name that `ip netns` shows. A dot ends the lab's name, so that lab `a` never takes what is lab `a-b`'s. */
export const namespaceName = (lab: string, member: string): string => `pvclab.${lab}.${member}`;

export const addressOf = (node: NodePlan, network: CableName): string => `${prefixes[network]}.${10 + node.number}`;

/** The namespace in which a node's BMC lives. */
export const bmcName = (node: NodePlan): string => `${node.name}-bmc`;

/** Who asks the BMC of a node, and where. The password is that of every lab: nothing outside a lab has such a BMC. */
export const bmcOf = (node: NodePlan): { address: string; user: string; password: string } => ({
  address: addressOf(node, 'bmc'),
  user: 'pvc',
  password: 'lab-bmc-secret',
});

/** Locally administered; the same at every boot, as a real card's is. */
export const macOf = (node: NodePlan, network: NetworkName): string =>
  ['02', '70', '76', hex(networkNames.indexOf(network)), hex(node.number >> 8), hex(node.number & 0xff)].join(':');

/** The end of a node's cable in the fabric; at most 15 characters (IFNAMSIZ, linux/if.h). */
export const portName = (node: NodePlan, network: CableName): string => `${node.name}-${network}`;

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
