/**
 * Who is on a network, and under which addresses. What DHCP has given or keeps is told by the plugin dnsmasq (`network.dhcp-list`:
 * `mac`, `address`); what guests have without it, by FRR: nodes tell each other by BGP which address is at which card, where
 * every node is the gateway and so hears them. Both are what the cluster itself goes by; no guest is asked.
 * @module
 */
import ipaddr from 'ipaddr.js';
import { PvcError, type Runtime, z } from '../../../core/plugin/api.ts';
import type { Frr } from '../fabric/frr.ts';
import type { Neighbour } from '../fabric/neighbours.ts';
import { type Card, cardsOn } from './cards.ts';

export interface Member extends Card {
  /** IPv4 before IPv6, each in the order of numbers. */
  readonly addresses: string[];
}

const given = z.array(z.looseObject({ mac: z.string().nullable(), address: z.string() }));

const inOrder = (one: string, other: string): number => {
  const [a, b] = [one, other].map((text) => ipaddr.parse(text).toByteArray()) as [number[], number[]];
  if (a.length !== b.length) return a.length - b.length;
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
};

/** Each card with the addresses that are known of it, each once; those of links (fe80::) tell nothing. Pure. */
export function withAddresses(
  cards: readonly Card[],
  known: readonly { readonly mac: string | null; readonly address: string }[],
): Member[] {
  const plain = known
    .filter(({ address }) => ipaddr.parse(address).range() !== 'linkLocal')
    .map(({ mac, address }) => ({ mac: mac?.toLowerCase(), address: ipaddr.parse(address).toString() }));
  return cards.map((card) => ({
    ...card,
    addresses: [
      ...new Set(plain.filter(({ mac }) => mac === card.mac.toLowerCase()).map(({ address }) => address)),
    ].toSorted(inOrder),
  }));
}

/** Nothing where the plugin that gives addresses out is switched off. */
async function givenOn(runtime: Pick<Runtime, 'ask' | 'signal'>, network: string): Promise<z.output<typeof given>> {
  try {
    return given.parse(await runtime.ask('network.dhcp-list', { network }, runtime.signal));
  } catch (error) {
    if (error instanceof PvcError && error.code === 'OPERATION_UNKNOWN') return [];
    throw error;
  }
}

/** @throws PvcError what the queries throw */
export async function membersOf(
  runtime: Pick<Runtime, 'ask' | 'signal'>,
  frr: Pick<Frr, 'neighbours'>,
  network: { readonly name: string; readonly vni: string },
): Promise<Member[]> {
  const cards = await cardsOn(runtime, network.name);
  if (cards.length === 0) return [];
  const [leases, seen] = await Promise.all([
    givenOn(runtime, network.name),
    // FRR does not answer on a node that needs none, and while it starts: what DHCP knows is told all the same.
    frr.neighbours(network.vni).then((found): readonly Neighbour[] => found ?? []),
  ]);
  return withAddresses(cards, [...leases, ...seen]);
}
