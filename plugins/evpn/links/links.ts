/** Devices of this node, as the kernel tells of them and as it is told. @module */
import {
  type ExecResult,
  type LeasedAddress,
  node as nodeKind,
  type Runtime,
  shared,
} from '../../../core/plugin/api.ts';
import { routedPrefixes } from '../address/addressing.ts';
import { readNodeNetworks } from '../address/node-networks.ts';
import { looseCards } from '../guest/cards.ts';
import type { NetworkSpec } from '../network/network-kind.ts';
import { type AnycastGateway, anycastIn, anycastOf, readDevices } from './anycast-plan.ts';
import { Batches } from './batches.ts';
import type { Observed, Wanted } from './link-plan.ts';
import { bridgeName, linkGroup, vlanName, vxlanName } from './names.ts';
import { type Link, mtuOfAddress, readLinks } from './reading.ts';
import { Readings } from './readings.ts';
import { routerMac, routersIn, routersOf } from './router.ts';
import { type Command, isUp } from './steps.ts';

const execMs = 5_000;
/** Of many commands together. */
const batchMs = 20_000;

const ipv4 = '/proc/sys/net/ipv4/conf';
const ipv6 = '/proc/sys/net/ipv6/conf';
const ipv6Off = 'disable_ipv6';
const untrackedNa = 'accept_untracked_na';
const arpAccept = 'arp_accept';
const reversePath = 'rp_filter';

/** Before the node speaks IPv6 on a bridge: it gives itself no address there, and believes no router. */
const ownIpv6 = [
  ['addr_gen_mode', '1'],
  ['accept_ra', '0'],
] as const;

/**
 * Without an address of its own on it the node would still answer for its others; with these it drops what comes, speaks
 * for no address but those on the device, and tells the neighbours which it has (Documentation/networking/ip-sysctl).
 */
const deafSettings = (device: string): readonly (readonly [path: string, value: string])[] => [
  ...ownIpv6.map(([name, value]) => [`${ipv6}/${device}/${name}`, value] as const),
  [`${ipv6}/${device}/ndisc_notify`, '1'],
  [`${ipv6}/${device}/${ipv6Off}`, '1'],
  [`${ipv6}/${device}/${untrackedNa}`, '0'],
  [`${ipv4}/${device}/${arpAccept}`, '0'],
  [`${ipv4}/${device}/${reversePath}`, '1'],
  [`${ipv4}/${device}/arp_ignore`, '1'],
  [`${ipv4}/${device}/arp_announce`, '2'],
  [`${ipv4}/${device}/arp_notify`, '1'],
];

/**
 * Where every node is the gateway. Answers to what another node has asked for come here, with the guest: they are believed, so
 * that BGP can tell the other. What another gateway has sent on comes from elsewhere than the way back goes.
 */
const anycastSettings = (device: string, speaksIpv6: boolean): readonly (readonly [path: string, value: string])[] => [
  [`${ipv6}/${device}/${ipv6Off}`, speaksIpv6 ? '0' : '1'],
  [`${ipv6}/${device}/${untrackedNa}`, '1'],
  [`${ipv4}/${device}/${arpAccept}`, '1'],
  [`${ipv4}/${device}/${reversePath}`, '0'],
];

/** What `ip` says; a kernel without VLANs says only that it does not know such devices. */
const reasonOf = (command: Command, { code, stderr }: Pick<ExecResult, 'code' | 'stderr'>): string =>
  /Unknown device type/.test(stderr) && command.includes('vlan')
    ? 'this node’s kernel has no VLANs (IEEE 802.1Q, the module 8021q)'
    : stderr.trim() || `exit ${code}`;

export class Links {
  readonly #runtime: Runtime;
  /** The link of this node that carries VLANs. */
  readonly #vlanLink: string | undefined;
  /** By number of the network: what this node is for good, with every other node. */
  readonly #anycast = new Map<string, AnycastGateway>();
  /** What this node has on bridges as primary, by the last word and by the one before, which may not have been followed yet. */
  #leased: readonly (readonly LeasedAddress[])[] = [];
  /** Those of the bridges with IPv6 addresses among that. */
  #open: ReadonlySet<string> = new Set();

  readonly #readings: Readings;
  readonly #batches: Batches;
  /** When something was last done to the devices of a network, by its number. */
  readonly #actedMs = new Map<string, number>();
  readonly #own: () => Promise<Link[]>;
  readonly #nodes;

  constructor(runtime: Runtime, vlanLink: string | undefined) {
    this.#runtime = runtime;
    this.#vlanLink = vlanLink;
    this.#readings = new Readings(runtime.host.clock, (command) => this.run(command));
    const { processes, log } = runtime.host;
    this.#batches = new Batches({
      exec: (argv, input) => processes.exec(argv, { timeoutMs: batchMs, input }),
      reasonOf,
      unclear: (reason) => log.warn('devices of networks are no longer told together', { reason }),
    });
    this.#own = shared(async () => readLinks(await this.run(['ip', '-j', '-d', 'link', 'show', 'group', linkGroup])));
    this.#nodes = shared(() => runtime.documents.list(nodeKind));
  }

  /** @throws Error with what the command says */
  async run(command: Command): Promise<string> {
    const done = await this.#runtime.host.processes.exec(command, { timeoutMs: execMs });
    if (done.code !== 0) throw new Error(`${command.join(' ')}: ${reasonOf(command, done)}`);
    return done.stdout;
  }

  /** Changes devices, one command after the other. @throws Error with what the first says that fails */
  change(commands: readonly Command[]): Promise<void> {
    return this.#batches.run(commands);
  }

  /** Undefined: there is no such device. */
  async device(name: string): Promise<Link | undefined> {
    const command: Command = ['ip', '-j', '-d', 'link', 'show', 'dev', name];
    const done = await this.#runtime.host.processes.exec(command, { timeoutMs: execMs });
    if (done.code !== 0 && /does not exist/.test(done.stderr)) return undefined;
    if (done.code !== 0) throw new Error(`${command.join(' ')}: ${done.stderr.trim() || `exit ${done.code}`}`);
    return readLinks(done.stdout)[0];
  }

  /** All devices that PVC made for networks. */
  own(): Promise<Link[]> {
    return this.#own();
  }

  #settings(device: string): readonly (readonly [path: string, value: string])[] {
    const anycast = [...this.#anycast].find(([vni]) => bridgeName(vni) === device)?.[1];
    if (anycast !== undefined) {
      const settings = new Map([
        ...deafSettings(device),
        ...anycastSettings(
          device,
          anycast.addresses.some((address) => address.includes(':')),
        ),
      ]);
      return [...settings];
    }
    return deafSettings(device).filter(([path]) => !this.#open.has(device) || !path.endsWith(ipv6Off));
  }

  /** Whether the node is nothing but a gateway on it, if that. */
  async isDeaf(device: string): Promise<boolean> {
    const { files } = this.#runtime.host;
    for (const [path, value] of this.#settings(device)) {
      const now = await files.readText(path);
      // A kernel without IPv6 has no such file, and is deaf by itself.
      if (now !== undefined && now.trim() !== value) return false;
    }
    return true;
  }

  async makeDeaf(device: string): Promise<void> {
    const { files } = this.#runtime.host;
    for (const [path, value] of this.#settings(device))
      if ((await files.stat(path)) !== undefined) await files.append(path, `${value}\n`);
  }

  /** From now on these are the primary's, and the node speaks IPv6 where there are such, and on no other bridge; none is set yet. */
  async open(addresses: readonly LeasedAddress[]): Promise<void> {
    const { files } = this.#runtime.host;
    this.#leased = [addresses, ...this.#leased].slice(0, 2);
    const bridges = [...new Set(addresses.flatMap(({ device, address }) => (address.includes(':') ? [device] : [])))];
    const stay = new Set([...bridges, ...[...this.#anycast.keys()].map(bridgeName)]);
    const closing = [...this.#open].filter((bridge) => !stay.has(bridge));
    this.#open = new Set(bridges);
    const set = async (
      bridge: string,
      from: string,
      settings: readonly (readonly [string, string])[],
    ): Promise<void> => {
      if ((await files.readText(`${ipv6}/${bridge}/${ipv6Off}`))?.trim() !== from) return;
      for (const [name, value] of settings) await files.append(`${ipv6}/${bridge}/${name}`, `${value}\n`);
    };
    // Side by side: a hand-over waits for it.
    await Promise.all([
      ...closing.map((bridge) => set(bridge, '0', [[ipv6Off, '1']])),
      ...bridges.map((bridge) => set(bridge, '1', [...ownIpv6, [ipv6Off, '0']])),
    ]);
  }

  /** The node has none as primary, and speaks IPv6 on none. */
  close(): Promise<void> {
    return this.open([]);
  }

  /** Whether guests can be plugged into the network here; into a bridged one only where it leads out to the site. */
  async isThere(vni: string, { type }: Pick<NetworkSpec, 'type'>): Promise<boolean> {
    const bridge = await this.device(bridgeName(vni));
    if (bridge?.group !== linkGroup || !isUp(bridge)) return false;
    if (type === 'managed') return true;
    const vlan = await this.device(vlanName(vni));
    return vlan?.group === linkGroup && isUp(vlan) && vlan.master === bridge.ifname;
  }

  /** This node's address on the cluster network. */
  async address(): Promise<string | undefined> {
    return (await this.#nodes()).find(({ id }) => id === this.#runtime.node)?.spec.address;
  }

  /** Prefixes of the networks that this node is in itself. */
  async nodeNetworks(): Promise<string[]> {
    return readNodeNetworks(await this.run(['ip', '-j', 'address', 'show']));
  }

  async underlayMtu(address: string): Promise<number | undefined> {
    return mtuOfAddress(await this.run(['ip', '-j', 'address', 'show', 'to', address]), address);
  }

  /** The link of this node that carries VLANs; undefined: none is named, or there is none of that name. */
  async vlanLink(): Promise<Link | undefined> {
    return this.#vlanLink === undefined ? undefined : this.device(this.#vlanLink);
  }

  /** This node's MAC address on the bridges of networks. */
  async routerMac(): Promise<string> {
    return routerMac(await this.address());
  }

  /** What a network is to be here. */
  async wanted(vni: string, spec: NetworkSpec): Promise<Wanted> {
    const anycast = spec.gatewayMode === 'anycast' ? anycastOf(spec) : undefined;
    if (anycast === undefined) this.#anycast.delete(vni);
    else this.#anycast.set(vni, anycast);
    const routed = anycast === undefined && routedPrefixes(spec).length > 0;
    const nodes = routed ? await this.#nodes() : [];
    const told = nodes.map(({ id, spec: { role, address } }) => ({ name: id, role, address }));
    return {
      mtu: spec.mtu,
      anycast,
      vlan: spec.vlan === undefined ? undefined : { id: spec.vlan, link: this.#vlanLink },
      routers: routersOf(told, this.#runtime.node),
    };
  }

  /** The network is none any more. */
  forget(vni: string): void {
    this.#anycast.delete(vni);
  }

  /** Networks of which this node is a gateway with every other, by number. */
  get anycast(): ReadonlyMap<string, AnycastGateway> {
    return this.#anycast;
  }

  /** Numbers of networks whose gateway on this node lacks an address. */
  async bereft(): Promise<string[]> {
    if (this.#anycast.size === 0) return [];
    const there = readDevices(await this.run(['ip', '-j', 'address', 'show', 'group', linkGroup]));
    return [...this.#anycast].flatMap(([vni, { addresses }]) =>
      addresses.every((address) => there.get(bridgeName(vni))?.has(address)) ? [] : [vni],
    );
  }

  /** Something was done to the devices of a network, by whomever: what is looked at from now on shows it. */
  acted(vni: string): void {
    this.#actedMs.set(vni, this.#runtime.host.clock.monotonicMs());
  }

  async look(vni: string, name: string | undefined): Promise<Observed> {
    const [seen, address] = await Promise.all([
      this.#readings.since(this.#actedMs.get(vni) ?? Number.NEGATIVE_INFINITY),
      this.address(),
    ]);
    const [bridge, vxlan, vlan] = [bridgeName(vni), vxlanName(vni), vlanName(vni)].map((one) => seen.links.get(one));
    const there = [bridge, vxlan, vlan].filter((link) => link !== undefined).map(({ ifname }) => ifname);
    const deaf = new Set<string>();
    for (const device of there) if (await this.isDeaf(device)) deaf.add(device);
    const on = bridgeName(vni);
    const leased = this.#leased.flat().flatMap((one) => (one.device === on ? [one.address] : []));
    return {
      vni,
      bridge,
      vxlan,
      vlan,
      vlanLink: this.#vlanLink === undefined ? undefined : seen.links.get(this.#vlanLink),
      deaf,
      gateway: anycastIn(seen.addresses.get(on), seen.routes.get(on), new Set(leased)),
      routers: routersIn(seen.entries.get(vxlanName(vni)) ?? []),
      loose: name === undefined ? [] : await looseCards(this.#runtime, seen.links.values(), name),
      address,
      underlayMtu: address === undefined ? undefined : mtuOfAddress(seen.addressText, address),
    };
  }
}
