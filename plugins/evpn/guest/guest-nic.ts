/** How guests get onto networks: a card is plugged into the bridge of its network on the node where the guest runs. @module */
import type { PluginContext, Runtime } from '../../../core/plugin/api.ts';
import type { Guards } from '../guard/guards.ts';
import type { Links } from '../links/links.ts';
import { bridgeName, tapName } from '../links/names.ts';
import { type NetworkSpec, network } from '../network/network-kind.ts';
import type { VirtualFunction } from '../sriov/physical-functions.ts';
import { pciAddress } from '../sriov/vf-reading.ts';
import type { VirtualCards } from '../sriov/virtual-cards.ts';
import type { DrawnCards } from './drawn-cards.ts';

/** As the plugin of guests hands them over: a card and the verbs on a domain, as far as they matter here. */
interface GuestNic {
  readonly mac: string;
  readonly source: { readonly type: string; readonly network?: string };
  readonly limits?: unknown;
  readonly antiSpoof?: unknown;
}
interface Element {
  readonly name: string;
}
interface Plug {
  readonly type: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly source: Readonly<Record<string, string>>;
  readonly sourceChildren?: readonly Element[];
  readonly children: readonly Element[];
}
interface Draft {
  readonly root: Element;
  el(name: string, attributes: Record<string, string>, ...children: Element[]): Element;
  addNic(nic: GuestNic, plug: Plug): Element;
}
interface Guest {
  readonly uuid: string;
  readonly spec: { readonly nics: readonly GuestNic[] };
}
interface About {
  readonly vm: Guest;
  edit(root: Element): Draft;
}

/** A network that was made a moment ago is on its way to a node that is no coordinator (links/link-controller.ts). */
const bridgeWaitMs = 8_000;
const lookMs = 200;

const networksOf = ({ spec }: Guest): string[] => [
  ...new Set(spec.nics.flatMap(({ source }) => (source.type === 'network' ? (source.network ?? []) : []))),
];

const cardsOf = ({ spec }: Guest, name: string): GuestNic[] =>
  spec.nics.filter(({ source }) => source.type === 'network' && source.network === name);

/** @param taken undefined: none is free; the start is refused then, so that libvirt never sees the card */
const functionPlug = (draft: Draft, taken: VirtualFunction | undefined, vlan: number | undefined): Plug => ({
  type: 'hostdev',
  // libvirt takes the function away from the node's driver, and gives it back.
  attributes: { managed: 'yes' },
  source: {},
  sourceChildren: taken === undefined ? [] : [draft.el('address', { type: 'pci', ...pciAddress(taken.pci) })],
  children: vlan === undefined ? [] : [draft.el('vlan', {}, draft.el('tag', { id: String(vlan) }))],
});

/** Why a card cannot be a virtual function here. */
async function functionRefusals(cards: VirtualCards, nic: GuestNic, spec: NetworkSpec): Promise<string[]> {
  const { name, device = '', vlan, mtu } = spec;
  if ((nic.limits ?? nic.antiSpoof) !== undefined)
    return [
      `its card ${nic.mac} on ${name} goes past the node, which cannot keep it to limits or addresses: take them off with \`pvc vm nic modify\``,
    ];
  const reason = await cards.refusal({ mac: nic.mac, device, vlan }, mtu);
  return reason === undefined ? [] : [`its card ${nic.mac} on ${name}: ${reason}`];
}

interface Part {
  readonly runtime: Runtime;
  readonly cards: DrawnCards;
  readonly links: Links;
  readonly guards: Guards;
  readonly virtualCards: VirtualCards;
}

/** What the cards of a guest are kept to. */
const guardsOf = ({ spec }: Guest): string =>
  JSON.stringify(
    spec.nics.flatMap(({ mac, limits, antiSpoof }) =>
      (limits ?? antiSpoof) === undefined ? [] : [[mac, limits, antiSpoof]],
    ),
  );

export function tapGuests(pvc: PluginContext, part: () => Part): void {
  /** What was known of guests here when they were last looked at, by UUID. */
  const seen = new Map<string, string>();
  pvc.on('libvirt.domain', async (root: Element, about: About): Promise<Element> => {
    const { cards, guards, runtime, virtualCards } = part();
    const { documents } = runtime;
    // A node that is no coordinator is told of its guests only.
    const now = guardsOf(about.vm);
    if ((seen.get(about.vm.uuid) ?? '[]') !== now) guards.wake();
    seen.set(about.vm.uuid, now);
    const draft = about.edit(root);
    for (const nic of about.vm.spec.nics) {
      if (nic.source.type !== 'network') continue;
      const vni = await documents.find(network, 'name', nic.source.network ?? '');
      const doc = vni === undefined ? undefined : await documents.get(network, vni);
      if (doc === undefined) continue;
      cards.note(about.vm.uuid, doc.id, doc.spec);
      const { device, vlan } = doc.spec;
      if (device !== undefined) {
        const taken = await virtualCards.take({ mac: nic.mac, device, vlan });
        draft.addNic(nic, functionPlug(draft, taken, vlan));
        continue;
      }
      draft.addNic(nic, {
        type: 'bridge',
        source: { bridge: bridgeName(doc.id) },
        children: [
          draft.el('target', { dev: tapName(nic.mac) }),
          // Told to the guest by its card, so that it never sends what no packet between nodes can carry.
          draft.el('mtu', { size: String(doc.spec.mtu) }),
        ],
      });
    }
    return draft.root;
  });
  pvc.on('libvirt.start', async (reasons: readonly string[], { vm }: { readonly vm: Guest }) => {
    const { runtime, links, guards, virtualCards } = part();
    const { clock } = runtime.host;
    const untilMs = clock.monotonicMs() + bridgeWaitMs;
    const missing: string[] = [];
    for (const name of networksOf(vm)) {
      const vni = await runtime.documents.find(network, 'name', name);
      const doc = vni === undefined ? undefined : await runtime.documents.get(network, vni);
      if (doc === undefined) continue;
      if (doc.spec.device !== undefined) {
        for (const nic of cardsOf(vm, name)) missing.push(...(await functionRefusals(virtualCards, nic, doc.spec)));
        continue;
      }
      let there = await links.isThere(doc.id, doc.spec);
      while (!there && clock.monotonicMs() < untilMs) {
        runtime.touch(network.name, doc.id);
        await clock.sleep(lookMs, runtime.signal);
        there = await links.isThere(doc.id, doc.spec);
      }
      if (!there) missing.push(`its network ${name} is not on this node yet: see \`pvc fault list\``);
    }
    const unguarded = guardsOf(vm) === '[]' ? undefined : await guards.refusal();
    return [...reasons, ...missing, ...(unguarded === undefined ? [] : [unguarded])];
  });
}
