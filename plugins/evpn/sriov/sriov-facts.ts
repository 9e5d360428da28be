/**
 * What the document of a node tells of its virtual functions: `facts.evpn` has a line for each card, and one for placement, which
 * the plugin of guests reads. Pure, in both directions.
 * @module
 */

/** What each network of functions has on the node: `fast=ens1f0/8 lab=ens1f0/8 slow=ens9/0`. */
export const networkFunctionsFact = 'network functions';

/** A card of a node, as people are told of it. */
export interface ToldDevice {
  readonly device: string;
  /** How many virtual functions there are. */
  readonly made: number;
  /** How many the card can give. */
  readonly most: number;
  /** Functions that guests of the node have. */
  readonly given: readonly { readonly index: number; readonly mac: string }[];
}

const prefix = 'sriov ';

/** `sriov ens1f0` → `8/64 0=52:54:00:12:34:56 3=…`. */
export const factOfDevice = ({ device, made, most, given }: ToldDevice): Readonly<Record<string, string>> => ({
  [`${prefix}${device}`]: [`${made}/${most}`, ...given.map(({ index, mac }) => `${index}=${mac}`)].join(' '),
});

/** The cards that a node has told of. */
export function devicesOf(facts: Readonly<Record<string, unknown>> | undefined): ToldDevice[] {
  return Object.entries(facts ?? {}).flatMap(([name, value]) => {
    const [, made, most, rest] = /^(\d+)\/(\d+)((?: \d+=[\da-f:]{17})*)$/.exec(String(value)) ?? [];
    if (!name.startsWith(prefix) || made === undefined) return [];
    const given = [...(rest ?? '').matchAll(/ (\d+)=(\S+)/g)].map(([, index, mac]) => ({
      index: Number(index),
      mac: mac ?? '',
    }));
    return [{ device: name.slice(prefix.length), made: Number(made), most: Number(most), given }];
  });
}

/** @param capacities how many functions each card of this node has for guests; none where it has no such card */
export const factOfNetworks = (
  networks: readonly { readonly name: string; readonly device: string }[],
  capacities: ReadonlyMap<string, number>,
): Readonly<Record<string, string>> =>
  networks.length === 0
    ? {}
    : {
        [networkFunctionsFact]: networks
          .map(({ name, device }) => `${name}=${device}/${capacities.get(device) ?? 0}`)
          .join(' '),
      };
