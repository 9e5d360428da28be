/** Sessions with the site's routers, as FRR tells of them. Pure. @module */
import ipaddr from 'ipaddr.js';
import { z } from '../../../core/plugin/api.ts';

const family = z.looseObject({
  peers: z.record(
    z.string(),
    z.looseObject({ state: z.string(), pfxRcd: z.int().optional(), pfxSnt: z.int().optional() }),
  ),
});
/** `show bgp summary json`; a family without neighbours is left out. */
const summary = z.looseObject({ ipv4Unicast: family.optional(), ipv6Unicast: family.optional() });

export interface RouterSession {
  readonly address: string;
  readonly established: boolean;
  /** Prefixes that it was told, and those that it told; those that a filter threw away do not count. */
  readonly told: number;
  readonly heard: number;
}

/** @throws Error for what is no such answer */
export function readRouterSessions(stdout: string): RouterSession[] {
  const { ipv4Unicast, ipv6Unicast } = summary.parse(JSON.parse(stdout));
  return [ipv4Unicast, ipv6Unicast].flatMap((one) =>
    Object.entries(one?.peers ?? {}).map(([address, { state, pfxRcd, pfxSnt }]) => ({
      address: ipaddr.parse(address).toString(),
      established: state === 'Established',
      told: pfxSnt ?? 0,
      heard: pfxRcd ?? 0,
    })),
  );
}
