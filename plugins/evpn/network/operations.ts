/** Networks: add, change, remove, list, look at. @module */
import { isDeepStrictEqual } from 'node:util';
import {
  type Doc,
  defineMutation,
  defineQuery,
  names,
  node as nodeKind,
  type PlanBuilder,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { type AddressBook, addressBookOf, book } from '../address/address-plan.ts';
import {
  type Addressing,
  addressingAsAsked,
  addressingInput,
  addressingOptions,
  addressingRow,
  changesOf,
  routedPrefixes,
  rowOfAddressing,
} from '../address/addressing.ts';
import type { DaemonPart } from '../daemon-part.ts';
import { removeEntries } from '../firewall/acl-operations.ts';
import { needNat } from '../firewall/nat.ts';
import { membersOf } from '../guest/members.ts';
import { bridgeName } from '../links/names.ts';
import { ceilingOf, ethernetMtu, vlanCeilingOf, vxlanOverhead, withoutVlans } from './mtu.ts';
import { needNetwork } from './need-network.ts';
import {
  gatewayMode,
  mtuNumber,
  type NetworkSpec,
  network,
  networkError,
  networkName,
  networkSpec,
  vlanNumber,
  vniNumber,
} from './network-kind.ts';
import { renderNetwork, renderNetworks } from './render.ts';
import { freeVni } from './vni.ts';

const whereGateway = 'where its gateway is: on the primary, or on every node (anycast)';

const networkRow = z.object({
  name: z.string(),
  type: networkSpec.shape.type,
  vni: z.int().describe('its number'),
  vlan: z.int().nullable().describe('number of its VLAN; none in a managed network'),
  device: z
    .string()
    .nullable()
    .describe('link of the nodes whose virtual functions its guests have; none in other types'),
  mtu: z.int().describe('what its frames may carry, bytes'),
  description: z.string(),
  ...addressingRow,
  gatewayMode: gatewayMode.describe(whereGateway),
  nat: z.boolean().describe('guests reach the outside under the address of the node'),
  guests: z.int().nullable().describe('guests with a network card on it; null: not counted'),
});
export type NetworkRow = z.output<typeof networkRow>;

const networkInfo = networkRow.extend({
  bridge: z.string().describe('the bridge of the network on every node; empty where guests have virtual functions'),
  members: z.array(
    z.object({
      vm: z.string(),
      uuid: z.string(),
      node: z.string(),
      state: z.string(),
      mac: z.string(),
      addresses: z.array(z.string()).describe('those that DHCP or the nodes know of'),
    }),
  ),
});
export type NetworkInfo = z.output<typeof networkInfo>;

type NetworkDoc = Doc<NetworkSpec, null>;

const networkArgument = { field: 'network', complete: 'network' } as const;
const answer = z.object({
  network: z.string(),
  vni: z.int().optional().describe('its number; where guests have virtual functions, no packet carries one'),
  mtu: z.int(),
});
const answerOf = ({ id, spec }: Pick<NetworkDoc, 'id' | 'spec'>): z.output<typeof answer> => ({
  network: spec.name,
  ...(spec.type === 'sriov' ? {} : { vni: Number(id) }),
  mtu: spec.mtu,
});

/** The MTU that was asked for, or the largest. @throws PvcError NETWORK_MTU */
async function fittingMtu(
  view: View,
  { name, type }: Pick<NetworkSpec, 'name' | 'type'>,
  wanted: number | undefined,
): Promise<number> {
  // Each card has its own: a guest is started only where it suffices.
  if (type === 'sriov') return wanted ?? ethernetMtu;
  const nodes = await view.list(nodeKind);
  const ceiling = type === 'bridged' ? vlanCeilingOf(nodes) : ceilingOf(nodes);
  if (wanted !== undefined && wanted > ceiling.mtu)
    throw networkError('NETWORK_MTU', {
      network: name,
      mtu: wanted,
      node: ceiling.node,
      ceiling: ceiling.mtu,
      advice:
        type === 'bridged'
          ? 'Its link with VLANs carries no more.'
          : `A packet between nodes needs ${vxlanOverhead} bytes more than what it carries.`,
    });
  return wanted ?? ceiling.mtu;
}

/** What belongs to the type of a network, and what does not. @throws PvcError NETWORK_TYPE, NETWORK_VLAN_TAKEN, NETWORK_UNDERLAY */
async function needType(view: View, spec: NetworkSpec): Promise<void> {
  const { name, type, vlan, device } = spec;
  const misfit = (reason: string, advice: string) =>
    networkError('NETWORK_TYPE', { network: name, type, reason, advice });
  if ((type === 'sriov') !== (device !== undefined))
    throw device === undefined
      ? misfit('it needs the link whose virtual functions its guests get', 'Give it with --device, as ens1f0.')
      : misfit('it is not of virtual functions', 'Leave --device out, or choose --type sriov.');
  if (type === 'managed') {
    if (vlan !== undefined) throw misfit('it has no VLAN', 'Leave --vlan out, or choose --type bridged.');
    return needUnderlay(view);
  }
  if (type === 'bridged' && vlan === undefined)
    throw misfit('it needs the number of a VLAN', 'Give it with --vlan, 1 to 4094.');
  if ([spec.ipv4, spec.ipv6, spec.domain, spec.gatewayMode, spec.nat].some((field) => field !== undefined))
    throw misfit(
      'its addresses, names and routers are those of the site',
      'Leave --ipv4, --ipv6, their gateways, --gateway-mode, --domain and --nat out.',
    );
  if (type !== 'bridged') return;
  const owner = (await view.list(network)).find(
    (other) => other.spec.type === type && other.spec.vlan === vlan && other.spec.name !== name,
  );
  if (owner !== undefined) throw networkError('NETWORK_VLAN_TAKEN', { vlan, network: owner.spec.name });
}

/** As it is kept: the usual is not written down, so that nodes of an older version can write the document. */
const modeSpec = (mode: z.output<typeof gatewayMode>): Pick<NetworkSpec, 'gatewayMode'> =>
  mode === 'primary' ? {} : { gatewayMode: mode };

/** @throws PvcError NETWORK_ANYCAST */
function needAnycast(spec: NetworkSpec): void {
  if (spec.gatewayMode === 'anycast' && routedPrefixes(spec).length === 0)
    throw networkError('NETWORK_ANYCAST', { network: spec.name });
}

function tellOfNodes(plan: PlanBuilder, name: string, without: readonly string[]): void {
  if (without.length > 0)
    plan.warn(
      `Guests on ${name} cannot run on ${without.join(', ')}: no link with VLANs is known there (plugins.evpn.vlanLink of pvc.yaml).`,
    );
}

/** @throws PvcError NETWORK_UNDERLAY */
async function needUnderlay(view: View): Promise<void> {
  const unfit = (await view.list(nodeKind)).find(({ spec }) => spec.address?.includes(':'));
  if (unfit !== undefined) throw networkError('NETWORK_UNDERLAY', { node: unfit.id, address: unfit.spec.address });
}

/** @throws PvcError NETWORK_VNI_TAKEN */
async function numberFor(view: View, wanted: number | undefined): Promise<string> {
  const known = await view.list(network);
  const owner = known.find(({ id }) => id === String(wanted));
  if (owner !== undefined) throw networkError('NETWORK_VNI_TAKEN', { vni: owner.id, network: owner.spec.name });
  const vni = wanted ?? freeVni(new Set(known.map(({ id }) => Number(id))));
  return String(vni);
}

/** Names of the guests that have a card on each network. */
async function guestsByNetwork(view: View): Promise<(name: string) => string[]> {
  const users = await view.referrers('network');
  return (name) => (users.get(name) ?? []).filter(({ kind }) => kind === 'vm').map(({ label }) => label);
}

function tellGuests(plan: PlanBuilder, name: string, guests: readonly string[]): void {
  if (guests.length > 0)
    plan.warn(
      `Guests on ${name} keep the old MTU until their next restart: ${guests.join(', ')}. Until then large packets to and from them may be lost.`,
    );
}

/** What changes with the addresses of a network, and the right to them. @throws PvcError NETWORK_OVERLAP */
async function readdress(
  plan: PlanBuilder,
  view: View,
  given: AddressBook,
  change: { readonly name: string; readonly before: Addressing; readonly after: Addressing },
): Promise<void> {
  const others = (await view.list(network)).filter(({ spec }) => spec.name !== change.name);
  await book(
    plan,
    view,
    given,
    change,
    others.map(({ spec }) => ({ name: spec.name, addressing: spec })),
  );
  for (const text of changesOf(change.before, change.after)) plan.act(`${change.name}: ${text}`);
}

export function networkOperations(part: () => Pick<DaemonPart, 'runtime' | 'frr'>) {
  return [
    defineMutation({
      name: 'network.add',
      summary: 'Make a network for guests that reaches over all nodes',
      http: { method: 'POST', path: '/networks' },
      cli: {
        command: 'network add',
        arguments: [{ field: 'network' }],
        options: {
          vni: { value: 'NUMBER' },
          vlan: { value: 'NUMBER' },
          device: { value: 'LINK' },
          mtu: { value: 'BYTES' },
          ...addressingOptions,
          gatewayMode: { value: 'WHERE' },
          description: { short: 'd', value: 'TEXT' },
        },
        examples: [
          'pvc network add office',
          'pvc network add office --ipv4 10.20.0.0/24 --gateway4 first --ipv6 fd20::/64 --gateway6 first --domain office.example',
          'pvc network add web --ipv4 10.30.0.0/24 --gateway4 first --gateway-mode anycast',
          'pvc network add lab --vni 4711 --mtu 1400 -d "for the interns"',
          'pvc network add dmz --type bridged --vlan 120',
          'pvc network add fast --type sriov --device ens1f0 --vlan 130',
        ],
      },
      role: 'admin',
      input: z.strictObject({
        network: networkName,
        type: networkSpec.shape.type
          .default('managed')
          .describe('managed: VXLAN between the nodes; bridged: a VLAN of the site; sriov: virtual functions of cards'),
        vlan: vlanNumber.optional().describe('number of the VLAN of a network that is not managed, 1 to 4094'),
        device: names.linkName
          .optional()
          .describe('link of the nodes whose virtual functions the guests of a network of type sriov get'),
        vni: vniNumber.optional().describe('its number, 1 to 16777215 (a free one)'),
        mtu: mtuNumber.optional().describe('MTU, bytes (the largest that every node carries)'),
        ...addressingInput,
        gatewayMode: gatewayMode.default('primary').describe(whereGateway),
        nat: z
          .boolean()
          .default(false)
          .describe('hide its guests behind the address of the node where they go outside'),
        description: names.oneLine.default('').describe('text for people'),
      }),
      output: answer,
      async plan(plan, { view }, input) {
        const given = await addressBookOf(view);
        const { network: name, type, vlan, device, description, gatewayMode: mode, nat } = input;
        const mtu = await fittingMtu(view, { name, type }, input.mtu);
        const id = await numberFor(view, input.vni);
        const addressing = addressingAsAsked(name, {}, input);
        const spec: NetworkSpec = {
          ...{ name, type, ...(vlan === undefined ? {} : { vlan }), ...(device === undefined ? {} : { device }) },
          ...{ mtu, description },
          ...{ ...addressing, ...modeSpec(mode), ...(nat ? { nat } : {}) },
        };
        await needType(view, spec);
        needAnycast(spec);
        if (type === 'bridged') tellOfNodes(plan, name, withoutVlans(await view.list(nodeKind)));
        needNat(spec);
        plan.create(network, id, spec);
        const way = vlan === undefined ? `VNI ${id}` : `VLAN ${vlan}`;
        plan.act(
          device === undefined
            ? `make the bridge ${bridgeName(id)} for ${name} on every node (${way}, MTU ${mtu})`
            : `give guests on ${name} virtual functions of ${device} (${vlan === undefined ? 'no VLAN' : way}, MTU ${mtu})`,
        );
        await readdress(plan, view, given, { name, before: {}, after: addressing });
        return answerOf({ id, spec });
      },
    }),
    defineMutation({
      name: 'network.modify',
      summary: 'Change the addresses, masquerade, the MTU or the description of a network',
      http: { method: 'PATCH', path: '/networks/{network}' },
      cli: {
        command: 'network modify',
        arguments: [networkArgument],
        options: {
          mtu: { value: 'BYTES' },
          ...addressingOptions,
          gatewayMode: { value: 'WHERE' },
          description: { short: 'd', value: 'TEXT' },
        },
        examples: [
          'pvc network modify office --ipv4 10.20.0.0/24 --gateway4 first',
          'pvc network modify office --gateway4 none --domain none',
          'pvc network modify office --nat',
          'pvc network modify office --mtu 1400 -d ""',
        ],
      },
      role: 'admin',
      input: z.strictObject({
        network: networkName,
        mtu: mtuNumber.optional().describe('MTU, bytes'),
        ...addressingInput,
        gatewayMode: gatewayMode.optional().describe(whereGateway),
        nat: z.boolean().optional().describe('hide its guests behind the address of the node where they go outside'),
        description: names.oneLine.optional().describe('text for people; empty for none'),
      }),
      output: answer,
      async plan(plan, { view }, input) {
        const given = await addressBookOf(view);
        const doc = await needNetwork(view, input.network);
        const { ipv4, ipv6, domain, gatewayMode: was = 'primary', nat: hidden = false, ...rest } = doc.spec;
        const { nat = hidden, gatewayMode: mode = was } = input;
        const before: Addressing = { ipv4, ipv6, domain };
        const after = addressingAsAsked(input.network, before, input);
        const mtu = input.mtu === undefined ? doc.spec.mtu : await fittingMtu(view, doc.spec, input.mtu);
        const spec: NetworkSpec = {
          ...{ ...rest, mtu, description: input.description ?? rest.description },
          ...{ ...after, ...modeSpec(mode), ...(nat ? { nat } : {}) },
        };
        await needType(view, spec);
        needAnycast(spec);
        needNat(spec);
        if (isDeepStrictEqual(networkSpec.parse(spec), networkSpec.parse(doc.spec)))
          throw networkError('NETWORK_UNCHANGED', { network: input.network });
        plan.update(network, doc, spec);
        if (mtu !== doc.spec.mtu) {
          plan.act(`change the MTU of ${input.network} on every node: ${doc.spec.mtu} → ${mtu}`);
          tellGuests(plan, input.network, (await guestsByNetwork(view))(input.network));
        }
        await readdress(plan, view, given, { name: input.network, before, after });
        if (mode !== was) {
          plan.act(`${input.network}: the gateway is on ${mode === 'anycast' ? 'every node' : 'the primary alone'}`);
          plan.warn(`Guests on ${input.network} may reach nothing beyond it for some seconds while its gateway moves.`);
        }
        if (nat !== hidden) plan.act(`${input.network}: ${nat ? 'masquerade' : 'no masquerade'} towards the outside`);
        if (spec.description !== doc.spec.description) plan.act(`change the description of ${input.network}`);
        return answerOf({ id: doc.id, spec });
      },
    }),
    defineMutation({
      name: 'network.remove',
      summary: 'Remove a network that no guest is on',
      http: { method: 'DELETE', path: '/networks/{network}' },
      cli: {
        command: 'network remove',
        aliases: ['rm'],
        arguments: [networkArgument],
        confirm: 'Remove the network {network}?',
      },
      role: 'admin',
      input: z.strictObject({ network: networkName }),
      output: answer,
      async plan(plan, { view }, input) {
        const doc = await needNetwork(view, input.network);
        plan.remove(network, doc);
        await removeEntries(plan, view, doc.id);
        plan.act(
          doc.spec.type === 'sriov'
            ? `remove the network ${doc.spec.name}`
            : `remove the bridge ${bridgeName(doc.id)} on every node`,
        );
        return answerOf(doc);
      },
    }),
    defineQuery({
      name: 'network.list',
      summary: 'List the networks of guests',
      http: { method: 'GET', path: '/networks' },
      cli: { command: 'network list', render: renderNetworks },
      role: 'viewer',
      input: z.strictObject({
        guests: z.boolean().default(true).describe('count the guests on each, for which all guests are read'),
      }),
      output: z.array(networkRow),
      async run({ view }, { guests }): Promise<NetworkRow[]> {
        const docs = await view.list(network);
        if (docs.length === 0 || !guests) return docs.map((doc) => rowOf(doc, null));
        const on = await guestsByNetwork(view);
        return docs.map((doc) => rowOf(doc, on(doc.spec.name).length));
      },
    }),
    defineQuery({
      name: 'network.info',
      summary: 'Show a network, and who is on it',
      http: { method: 'GET', path: '/networks/{network}' },
      cli: { command: 'network info', arguments: [networkArgument], render: renderNetwork },
      role: 'viewer',
      input: z.strictObject({ network: networkName }),
      output: networkInfo,
      async run({ view }, input): Promise<NetworkInfo> {
        const doc = await needNetwork(view, input.network);
        const { runtime, frr } = part();
        const members = await membersOf(runtime, frr, { name: input.network, vni: doc.id });
        return {
          ...rowOf(doc, new Set(members.map(({ uuid }) => uuid)).size),
          bridge: doc.spec.type === 'sriov' ? '' : bridgeName(doc.id),
          members,
        };
      },
    }),
  ];
}

const rowOf = ({ id, spec }: NetworkDoc, guests: number | null): NetworkRow => ({
  name: spec.name,
  type: spec.type,
  vni: Number(id),
  vlan: spec.vlan ?? null,
  device: spec.device ?? null,
  mtu: spec.mtu,
  description: spec.description,
  ...rowOfAddressing(spec),
  gatewayMode: spec.gatewayMode ?? 'primary',
  nat: spec.nat ?? false,
  guests,
});
