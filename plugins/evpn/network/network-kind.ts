/** A network of guests: one Ethernet that reaches over all nodes. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';
import { domainName, ipv4Spec, ipv6Spec } from '../address/addressing.ts';

/** Its name goes to keys, routes and messages; devices are named after its number. */
export const networkName = names.objectName.describe('name of the network');

/** Numbers of virtual networks have 24 bits (RFC 7348, section 5); 0 means none. */
export const mostVni = 2 ** 24 - 1;

export const vniNumber = z.int().min(1).max(mostVni);

/** The least that IPv6 lives with (RFC 8200, section 5), and the most that Ethernet cards do. */
export const mtuNumber = z.int().min(1280).max(9_216);

/** VLAN identifiers have 12 bits; the first and the last are reserved (IEEE 802.1Q-2018, table 9-2). */
export const vlanNumber = z.int().min(1).max(4094);

export const gatewayMode = z.enum(['primary', 'anycast']);

export const networkSpec = z.strictObject({
  name: networkName,
  /**
   * `managed`: carried by VXLAN between the nodes; PVC makes all of it. `bridged`: a VLAN of the site, into which guests are
   * plugged. `sriov`: guests have virtual functions of the nodes' cards.
   */
  type: z.enum(['managed', 'bridged', 'sriov']),
  /** Number of the VLAN of a bridged network, or of one of functions; absent in a managed one. */
  vlan: vlanNumber.optional(),
  /** Link of the nodes whose functions the guests have; in a network of type `sriov` alone. */
  device: names.linkName.optional(),
  /** What its frames may carry, bytes; every guest and every node must hold it for the same. */
  mtu: mtuNumber,
  description: names.oneLine.default(''),
  ipv4: ipv4Spec.optional(),
  ipv6: ipv6Spec.optional(),
  /** DNS domain of its guests. */
  domain: domainName.optional(),
  /** Where its gateway is: on the primary alone, or on every node. Absent: on the primary. */
  gatewayMode: gatewayMode.optional(),
  /** What its guests send outside gets the address of the node that sends it on. Absent: no. */
  nat: z.boolean().optional(),
});
export type NetworkSpec = z.infer<typeof networkSpec>;

/** Its id is its number, the VNI: it never changes, and all that nodes make for it is named after it. */
export const network = defineKind<NetworkSpec, null>({
  name: 'network',
  plural: 'networks',
  version: 1,
  id: z
    .string()
    .regex(/^[1-9]\d{0,7}$/)
    .refine((id) => Number(id) <= mostVni, 'a network is known by its number (VNI)'),
  spec: networkSpec,
  status: z.null(),
  // The same VLAN may be reached by functions as well, also by those of several cards.
  unique: ({ name, type, vlan }) => ({
    name: [name],
    ...(type !== 'bridged' || vlan === undefined ? {} : { vlan: [String(vlan)] }),
  }),
  label: ({ name }) => name,
});

export const networkError = defineErrors({
  NETWORK_NOT_FOUND: {
    message: 'There is no network {network}.',
    hint: 'See `pvc network list`; make one with `pvc network add {network}`.',
    http: 404,
    exit: 'notFound',
  },
  NETWORK_VNI_TAKEN: {
    message: 'The number (VNI) {vni} belongs to the network {network}.',
    hint: 'Choose another, or leave --vni out: a free one is taken. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  NETWORK_VLAN_TAKEN: {
    message: 'The VLAN {vlan} is that of the network {network}.',
    hint: 'Plug the guests into that one, or choose another VLAN. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  NETWORK_TYPE: {
    message: 'The network {network} is {type}: {reason}.',
    hint: '{advice} Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  NETWORK_MTU: {
    message: 'The network {network} cannot have an MTU of {mtu}: {node} carries {ceiling} at most.',
    hint: '{advice} Raise the MTU of that link on every node and switch first, or take {ceiling}. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  NETWORK_UNDERLAY: {
    message: 'Networks of guests need an IPv4 cluster network; {node} has {address}.',
    hint: 'FRR carries virtual networks between IPv4 addresses only. Guests themselves may use IPv6 in their networks.',
    http: 422,
    exit: 'refused',
  },
  NETWORK_UNCHANGED: {
    message: 'Nothing to change in the network {network}.',
    hint: 'It is already as asked.',
    http: 409,
    exit: 'refused',
  },
  NETWORK_ANYCAST: {
    message: 'The network {network} has no gateway that could be on every node.',
    hint: 'Give it one: --ipv4 PREFIX --gateway4 first, or --ipv6 PREFIX --gateway6 first. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  FRR_MISSING: {
    message:
      'FRR is not installed on {node} (packages frr and frr-pythontools), so the networks there reach no other node.',
    hint: 'Install it: `apt install frr frr-pythontools`. PVC goes on by itself.',
    http: 503,
    exit: 'failed',
  },
  FRR_FOREIGN: {
    message: '/etc/frr/frr.conf on {node} is not PVC’s: FRR is used there for something else. It is not overwritten.',
    hint: 'Move the file away if that is over; PVC goes on by itself.',
    http: 409,
    exit: 'refused',
  },
  EVPN_NOT_STARTED: {
    message: 'The network part of this daemon has not started yet.',
    hint: 'Try again in a moment.',
    http: 503,
    exit: 'unreachable',
  },
});
