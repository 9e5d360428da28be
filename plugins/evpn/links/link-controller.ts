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
  type Runtime,
} from '../../../core/plugin/api.ts';
import type { Firewall } from '../firewall/firewall.ts';
import type { DrawnCards } from '../guest/drawn-cards.ts';
import { network } from '../network/network-kind.ts';
import { forwardPackets } from './forwarding.ts';
import { planLinks } from './link-plan.ts';
import type { Links } from './links.ts';
import { bridgeName, vlanName, vniOf, vxlanName } from './names.ts';
import type { LinkStep } from './steps.ts';

/** How often devices are looked for that went, and networks that came without a word: hypervisors hear only of their guests. */
const lookMs = 5_000;

export function linkController(
  runtime: Runtime,
  links: Links,
  firewall: Pick<Firewall, 'shut'>,
  cards: Pick<DrawnCards, 'outdated'>,
): AnyController {
  const { host, documents } = runtime;
  /** Networks of virtual functions: no device is made for them. */
  const withoutDevices = new Set<string>();

  /** Networks of which something is missing here, and devices without a network. */
  async function disturbed(): Promise<string[]> {
    const devices = new Set(
      (await links.own()).filter((link) => link.flags.includes('UP')).map(({ ifname }) => ifname),
    );
    const overlay = (await links.address()) !== undefined;
    const wanted = await documents.ids(network);
    const missing = wanted.filter(
      (vni) =>
        !withoutDevices.has(vni) &&
        (!devices.has(bridgeName(vni)) || (overlay && !devices.has(vxlanName(vni)) && !devices.has(vlanName(vni)))),
    );
    const orphans = [...devices].flatMap((name) => vniOf(name) ?? []).filter((vni) => !wanted.includes(vni));
    return [...new Set([...missing, ...orphans, ...(await links.bereft())])];
  }

  async function act({ devices = [], commands = [] }: LinkStep): Promise<void> {
    if (devices.length > 0) {
      // A node that cannot keep its networks apart has none.
      await firewall.shut();
      for (const device of devices) await links.makeDeaf(device);
      if (links.anycast.size > 0) await forwardPackets(host);
    }
    await links.change(commands);
  }

  return defineController({
    name: 'network-links',
    summary: 'keeps the bridge of every network on the node, and its way out: a VXLAN or a VLAN device',
    kind: network,
    scope: 'node',
    present: async () => [...new Set((await links.own()).flatMap(({ ifname }) => vniOf(ifname) ?? []))],
    async observe(vni, doc) {
      if (doc?.spec.type === 'sriov') withoutDevices.add(vni);
      else withoutDevices.delete(vni);
      if (doc === undefined) links.forget(vni);
      for (const uuid of cards.outdated(vni, doc?.spec)) runtime.touch('vm', uuid);
      const wanted = doc === undefined || withoutDevices.has(vni) ? undefined : await links.wanted(vni, doc.spec);
      return { wanted, seen: await links.look(vni, doc?.spec.name) };
    },
    plan: (_doc, { wanted, seen }) => planLinks(wanted, seen),
    async apply(step: LinkStep, vni) {
      try {
        await act(step);
      } finally {
        links.acted(vni);
      }
    },
    async watch(touch, signal) {
      while (!signal.aborted) {
        await host.clock.sleep(lookMs, signal).catch(() => undefined);
        if (signal.aborted) return;
        try {
          for (const vni of await disturbed()) {
            links.acted(vni);
            touch(vni);
          }
        } catch (error) {
          // While the store is away nothing can be asked for either; what is there stays.
          if (!isStoreAway(error))
            host.log.warn('the devices of networks cannot be seen', { reason: errorText(error) });
        }
      }
    },
  });
}
