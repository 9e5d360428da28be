/** The network cards of guests on a network, as the plugin of guests tells them. @module */
import { type Runtime, z } from '../../../core/plugin/api.ts';
import { macOfTap } from '../links/names.ts';
import type { Link } from '../links/reading.ts';

const card = z.object({ vm: z.string(), uuid: z.string(), node: z.string(), state: z.string(), mac: z.string() });
export type Card = z.output<typeof card>;

/** @throws PvcError what the query throws */
export async function cardsOn(runtime: Pick<Runtime, 'ask' | 'signal'>, network: string): Promise<Card[]> {
  return z.array(card).parse(await runtime.ask('vm.nic-list', { network }, runtime.signal));
}

/**
 * Ends of cards of that network on this node that hang in the air: somebody has taken their bridge away, and another one
 * of the same name is there now, or will be.
 * @param links all that this node has
 */
export async function looseCards(
  runtime: Pick<Runtime, 'ask' | 'signal'>,
  links: Iterable<Link>,
  network: string,
): Promise<string[]> {
  const loose = [...links].filter(
    ({ ifname, master, linkinfo }) =>
      linkinfo?.info_kind === 'tun' && master === undefined && macOfTap(ifname) !== undefined,
  );
  if (loose.length === 0) return [];
  const macs = new Set((await cardsOn(runtime, network)).map(({ mac }) => mac));
  return loose.map(({ ifname }) => ifname).filter((name) => macs.has(macOfTap(name) ?? ''));
}
