/**
 * What FRR is told of the site's routers: they hear of a prefix of guests from the node that has its gateway, and only
 * while it does, since then the kernel has a connected route for it. Pure.
 * @module
 */
import { type Family, familyOf } from '../address/prefix.ts';
import type { SpokenRouter } from './router-passwords.ts';
import type { UpstreamConfig } from './upstream-config.ts';

/** A prefix of guests that is reached from outside. */
export interface ClientPrefix {
  /** Number of its network. */
  readonly vni: string;
  readonly prefix: string;
}

export interface Upstream extends Pick<UpstreamConfig, 'receive'> {
  readonly routers: readonly SpokenRouter[];
  /** Of networks with a gateway, in the order of their numbers. */
  readonly prefixes: readonly ClientPrefix[];
}

const families: readonly Family[] = ['ipv4', 'ipv6'];
/** FRR's word for a family in filters. */
const word = { ipv4: 'ip', ipv6: 'ipv6' } as const;
const everything = { ipv4: '0.0.0.0/0', ipv6: '::/0' } as const;

/** Names of FRR's filters: what is told to routers, and what is taken from them. */
const [told, taken] = ['pvc-clients', 'pvc-received'];

/** Seconds: a router that hears nothing for the second number forgets what it was told. */
const timers = '1 3';

/** Lines of `router bgp`, before its address families. */
export const routerLines = ({ routers }: Upstream): string[] =>
  routers.flatMap(({ address, asn, bfd, password }) => [
    ` neighbor ${address} remote-as ${asn}`,
    ...(password === undefined ? [] : [` neighbor ${address} password ${password}`]),
    ` neighbor ${address} description router of the site`,
    ` neighbor ${address} timers ${timers}`,
    ...(bfd ? [` neighbor ${address} bfd`] : []),
  ]);

/**
 * What makes FRR's passwords those of these routers, as commands of vtysh; none where there are no routers. A password
 * that is said again touches no session; one that changes ends the session, and a new one begins.
 */
export const passwordLines = (asn: number, { routers }: Pick<Upstream, 'routers'>): string[] =>
  routers.length === 0
    ? []
    : [
        `router bgp ${asn}`,
        ...routers.map(({ address, password }) =>
          password === undefined ? ` no neighbor ${address} password` : ` neighbor ${address} password ${password}`,
        ),
      ];

/** The address families of `router bgp` for these routers. */
export const familyLines = ({ routers }: Upstream): string[] =>
  families.flatMap((family) => {
    const peers = routers.filter(({ address }) => familyOf(address) === family);
    if (peers.length === 0) return [];
    return [
      ' !',
      ` address-family ${family} unicast`,
      `  redistribute connected route-map ${told}`,
      ...peers.flatMap(({ address }) => [
        `  neighbor ${address} activate`,
        `  neighbor ${address} route-map ${taken} in`,
        `  neighbor ${address} route-map ${told} out`,
      ]),
      ' exit-address-family',
    ];
  });

/** The filters. Each prefix has the number of its network, so that one that comes or goes moves no other. */
export function filterLines({ routers, receive, prefixes }: Upstream): string[] {
  if (routers.length === 0) return [];
  const lists = families.flatMap((family) => [
    ...prefixes
      .filter(({ prefix }) => familyOf(prefix) === family)
      .map(({ vni, prefix }) => `${word[family]} prefix-list ${told} seq ${vni} permit ${prefix}`),
    ...(receive === 'default' ? [`${word[family]} prefix-list ${taken} seq 1 permit ${everything[family]}`] : []),
  ]);
  const matching = (map: string): string[] =>
    families.flatMap((family, index) => [
      `route-map ${map} permit ${10 * (index + 1)}`,
      ` match ${word[family]} address prefix-list ${map}`,
      'exit',
      '!',
    ]);
  return [
    ...lists,
    '!',
    ...matching(told),
    ...(receive === 'default'
      ? matching(taken)
      : [`route-map ${taken} ${receive === 'all' ? 'permit' : 'deny'} 10`, 'exit', '!']),
  ];
}
