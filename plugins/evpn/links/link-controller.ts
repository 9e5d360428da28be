/**
 * Keeps the devices of every network on this node: on all nodes, so that a guest finds its network wherever it comes to
 * (docs/decisions/013-networks-on-every-node.md).
 * @module
 */
import {
  type AnyController,
  defineController,
  errorText,
  isStoreAway,
  node as nodeKind,
  type Runtime,
} from '../../../core/plugin/api.ts';
import { looseCards } from '../guest/cards.ts';
import { network } from '../network/network-kind.ts';
import { type Command, type LinkStep, type Observed, planLinks } from './link-plan.ts';
import { bridgeName, linkGroup, vniOf, vxlanName } from './names.ts';
import { type Link, mtuOfAddress, readLinks } from './reading.ts';

const execMs = 5_000;
/** How often devices are looked for that went, and networks that came without a word: hypervisors hear only of their guests. */
const lookMs = 5_000;

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
    for (const [path, value] of deafSettings(device)) if ((await files.readText(path))?.trim() !== value) return false;
    return true;
  }

  async makeDeaf(device: string): Promise<void> {
    const { files } = this.#runtime.host;
    // A kernel without IPv6 has no such file, and is deaf by itself.
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

export function linkController(runtime: Runtime, links: Links): AnyController {
  const { host, documents } = runtime;

  /** Networks of which something is missing here, and devices without a network. */
  async function disturbed(): Promise<string[]> {
    const devices = new Set(
      (await links.own()).filter((link) => link.flags.includes('UP')).map(({ ifname }) => ifname),
    );
    const overlay = (await links.address()) !== undefined;
    const wanted = (await documents.list(network)).map(({ id }) => id);
    const missing = wanted.filter((vni) => !devices.has(bridgeName(vni)) || (overlay && !devices.has(vxlanName(vni))));
    const orphans = [...devices].flatMap((name) => vniOf(name) ?? []).filter((vni) => !wanted.includes(vni));
    return [...new Set([...missing, ...orphans])];
  }

  return defineController({
    name: 'network-links',
    summary: 'keeps a bridge and a VXLAN device for every network on the node',
    kind: network,
    scope: 'node',
    present: async () => [...new Set((await links.own()).flatMap(({ ifname }) => vniOf(ifname) ?? []))],
    observe: (vni, doc) => links.look(vni, doc?.spec.name),
    plan: (doc, observed) => planLinks(doc?.spec, observed),
    async apply(step: LinkStep) {
      if (step.device !== undefined) await links.makeDeaf(step.device);
      for (const command of step.commands ?? []) await links.run(command);
    },
    async watch(touch, signal) {
      while (!signal.aborted) {
        await host.clock.sleep(lookMs, signal).catch(() => undefined);
        if (signal.aborted) return;
        try {
          for (const vni of await disturbed()) touch(vni);
        } catch (error) {
          // While the store is away nothing can be asked for either; what is there stays.
          if (!isStoreAway(error))
            host.log.warn('the devices of networks cannot be seen', { reason: errorText(error) });
        }
      }
    },
  });
}
