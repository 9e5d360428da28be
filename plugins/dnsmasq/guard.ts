/** What keeps a network as its DHCP needs it: changes of a network that would leave settings without sense are refused. @module */
import { type Documents, type PlanBuilder, z } from '../../core/plugin/api.ts';
import { networkKind } from './network.ts';
import { reservation, reservationsOf } from './reservation/reservation-kind.ts';
import { dhcp } from './settings/dhcp-kind.ts';
import { reservationProblem, settingsProblems } from './settings/fit.ts';

/** The document of a network as far as it matters here (plugins/evpn/network/network-kind.ts). */
const family = z.object({ prefix: z.string(), gateway: z.string().optional() }).optional();
const networkSpec = z.object({ name: z.string(), ipv4: family, ipv6: family });

const asRow = (found: z.output<typeof family>): { prefix: string; gateway: string | null } | null =>
  found === undefined ? null : { prefix: found.prefix, gateway: found.gateway ?? null };

/** Why the writes cannot be; undefined: DHCP has nothing against them. */
export async function refusal(
  documents: Documents,
  writes: readonly PlanBuilder['writes'][number][],
): Promise<string | undefined> {
  for (const write of writes) {
    if (write.do !== 'spec' || write.kind.name !== networkKind) continue;
    const settings = await documents.get(dhcp, write.before.id);
    if (settings === undefined) continue;
    const { name, ipv4, ipv6 } = networkSpec.parse(write.spec);
    const network = { ipv4: asRow(ipv4), ipv6: asRow(ipv6) };
    const reservations = reservationsOf(await documents.list(reservation), settings.spec.instance);
    const problems = [
      ...settingsProblems(settings.spec, network),
      ...reservations.flatMap(({ mac, address }) => {
        const problem = reservationProblem(address, network);
        return problem === undefined ? [] : [`${problem}, and reserved for ${mac}`];
      }),
    ];
    if (problems.length > 0)
      return `DHCP of ${name} would not work any more: ${problems.join('; ')}. Change it before, with \`pvc network dhcp modify ${name}\`, or switch it off`;
  }
  return undefined;
}
