/** Who has an address on a bridge, as the kernel knows since it has just spoken with it (ip-neighbour(8)). @module */
import { type Host, names, z } from '../../../../core/plugin/api.ts';

const ipAddress = z.union([z.ipv4(), z.ipv6()]);

const timeoutMs = 5_000;

const entries = z.array(
  z.looseObject({ dst: z.string(), lladdr: z.string().optional(), state: z.array(z.string()).optional() }),
);

/** The peer of a connection as `ip` takes it: without the zone of a link-local address, IPv4 as such. Undefined: it is none. */
export function plainAddress(remote: string | undefined): string | undefined {
  const address = (remote ?? '').replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  return ipAddress.safeParse(address).data;
}

/** The MAC address among what `ip -json neigh show` prints; undefined: nobody is known to have the address. @throws Error for what is no such print */
export function readNeighbour(stdout: string): string | undefined {
  const known = entries
    .parse(stdout.trim() === '' ? [] : JSON.parse(stdout))
    .filter(({ state = [] }) => !state.includes('FAILED') && !state.includes('INCOMPLETE'));
  return names.macAddress.safeParse(known[0]?.lladdr).data;
}

/** @param bridge a device @param address as `plainAddress` gives it @throws Error with ip's reason */
export async function neighbourOf(
  { processes }: Pick<Host, 'processes'>,
  bridge: string,
  address: string,
): Promise<string | undefined> {
  const done = await processes.exec(['ip', '-json', 'neigh', 'show', 'to', address, 'dev', bridge], { timeoutMs });
  if (done.code !== 0) throw new Error(done.stderr.trim());
  return readNeighbour(done.stdout);
}
