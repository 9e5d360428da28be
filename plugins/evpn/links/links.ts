/** Devices of this node, as the kernel tells of them and as it is told. @module */
import { node as nodeKind, type Runtime } from '../../../core/plugin/api.ts';
import { readNodeNetworks } from '../address/node-networks.ts';
import { looseCards } from '../guest/cards.ts';
import type { Command, Observed } from './link-plan.ts';
import { bridgeName, linkGroup, vxlanName } from './names.ts';
import { type Link, mtuOfAddress, readLinks } from './reading.ts';

const execMs = 5_000;

/** Without an address of its own on it the node would still answer for its others; with these it drops what comes. */
const deafSettings = (device: string): readonly (readonly [path: string, value: string])[] => [
  [`/proc/sys/net/ipv6/conf/${device}/disable_ipv6`, '1'],
  [`/proc/sys/net/ipv4/conf/${device}/rp_filter`, '1'],
];

export class Links {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** @throws Error with what the command says */
  async run(command: Command): Promise<string> {
    const done = await this.#runtime.host.processes.exec(command, { timeoutMs: execMs });
    if (done.code !== 0) throw new Error(`${command.join(' ')}: ${done.stderr.trim() || `exit ${done.code}`}`);
    return done.stdout;
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
  async own(): Promise<Link[]> {
    return readLinks(await this.run(['ip', '-j', '-d', 'link', 'show', 'group', linkGroup]));
  }

  async isDeaf(device: string): Promise<boolean> {
    const { files } = this.#runtime.host;
    for (const [path, value] of deafSettings(device)) {
      const now = await files.readText(path);
      // A kernel without IPv6 has no such file, and is deaf by itself.
      if (now !== undefined && now.trim() !== value) return false;
    }
    return true;
  }

  async makeDeaf(device: string): Promise<void> {
    const { files } = this.#runtime.host;
    for (const [path, value] of deafSettings(device))
      if ((await files.stat(path)) !== undefined) await files.append(path, `${value}\n`);
  }

  /** Whether guests can be plugged into the network here. */
  async isThere(vni: string): Promise<boolean> {
    const bridge = await this.device(bridgeName(vni));
    return bridge?.group === linkGroup && bridge.flags.includes('UP');
  }

  /** This node's address on the cluster network. */
  async address(): Promise<string | undefined> {
    return (await this.#runtime.documents.get(nodeKind, this.#runtime.node))?.spec.address;
  }

  /** Prefixes of the networks that this node is in itself. */
  async nodeNetworks(): Promise<string[]> {
    return readNodeNetworks(await this.run(['ip', '-j', 'address', 'show']));
  }

  async underlayMtu(address: string): Promise<number | undefined> {
    return mtuOfAddress(await this.run(['ip', '-j', 'address', 'show', 'to', address]), address);
  }

  async look(vni: string, name: string | undefined): Promise<Observed> {
    const [bridge, vxlan, address] = await Promise.all([
      this.device(bridgeName(vni)),
      this.device(vxlanName(vni)),
      this.address(),
    ]);
    const there = [bridge, vxlan].filter((link) => link !== undefined).map(({ ifname }) => ifname);
    const deaf = new Set<string>();
    for (const device of there) if (await this.isDeaf(device)) deaf.add(device);
    return {
      vni,
      bridge,
      vxlan,
      deaf,
      loose: name === undefined ? [] : await looseCards(this.#runtime, this, name),
      address,
      underlayMtu: address === undefined ? undefined : await this.underlayMtu(address),
    };
  }
}
