/** Which address is at which card, as FRR knows it of this node and has heard of the others. Pure. @module */
import { z } from '../../../core/plugin/api.ts';

export interface Neighbour {
  readonly mac: string;
  readonly address: string;
}

const entry = z.looseObject({ mac: z.string(), state: z.string() });

/** What `show evpn arp-cache vni N json` tells, from FRR 8.4 to 10: by address, beside a count. @throws Error for what is no such answer */
export const readNeighbours = (stdout: string): Neighbour[] =>
  // A network that FRR has not heard of yet is answered with nothing, or with words.
  Object.entries(z.record(z.string(), z.unknown()).parse(stdout.trim() === '' ? {} : JSON.parse(stdout))).flatMap(
    ([address, told]) => {
      const { data } = entry.safeParse(told);
      return data === undefined || data.state !== 'active' ? [] : [{ mac: data.mac, address }];
    },
  );
