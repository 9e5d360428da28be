/** Who is there by BFD, as FRR tells it. Pure. @module */
import { z } from '../../../core/plugin/api.ts';

const peers = z.array(z.looseObject({ peer: z.string(), status: z.string() }));

/** Of what `show bfd peers json` tells, the addresses that answer, from FRR 8.4 to 10. @throws Error for what is no such answer */
export const readWatched = (stdout: string): ReadonlySet<string> =>
  new Set(
    peers
      .parse(JSON.parse(stdout))
      .filter(({ status }) => status === 'up')
      .map(({ peer }) => peer),
  );
