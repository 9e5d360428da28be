/** How the cluster treats nodes that die: what an administrator may choose. @module */
import { z } from 'zod';

export const fencingPolicy = z.strictObject({
  /** cut: the power of a dead node is cut through its BMC. read: it is only read. never: its BMC is left alone. */
  power: z.enum(['cut', 'read', 'never']).default('cut'),
  /** A node whose power PVC has cut is switched on again once its guests are recovered. */
  powerOn: z.boolean().default(true),
  /** So often within an hour; one that dies more often than that stays off. */
  powerOnTimes: z.int().min(1).max(20).default(3),
  /** So many per cent of the nodes are fenced by themselves at the same time, rounded down; one at least. */
  atMost: z.int().min(1).max(100).default(49),
  /** What a node is for guests once it is back: ready, if it was, or flushed until somebody says `node ready`. */
  returns: z.enum(['ready', 'flushed']).default('ready'),
});
export type FencingPolicy = z.infer<typeof fencingPolicy>;

/** The policy that holds, with what nobody has chosen as it is by default. */
export const fencingOf = (spec: { readonly fencing?: FencingPolicy | undefined } | undefined): FencingPolicy =>
  fencingPolicy.parse(spec?.fencing ?? {});
