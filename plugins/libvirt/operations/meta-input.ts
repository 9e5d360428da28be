/** Options of a guest that its XML does not say; shared by define, create and meta. @module */
import { names, z } from '../../../core/plugin/api.ts';
import { selectors, type VmSpec } from '../schema.ts';

export const metaShape = {
  autostart: z.boolean().optional().describe('start it when its node boots, even if it was stopped'),
  priority: z.int().min(0).max(1000).optional().describe('order of start and recovery, higher first (500)'),
  protected: z.boolean().optional().describe('refuse to undefine it'),
  limit: z.array(names.nodeName).max(256).optional().describe('nodes that it may run on (any)'),
  selector: z.enum(selectors).optional().describe('how its node is chosen (mem)'),
  method: z.enum(['auto', 'live', 'shutdown']).optional().describe('how it is migrated (auto)'),
  maxDowntimeMs: z.int().min(1).max(60_000).optional().describe('longest pause of a live migration, in ms (300)'),
  shutdownTimeout: z.int().min(1).max(86_400).optional().describe('seconds that it may take to shut down (180)'),
  onTimeout: z.enum(['poweroff', 'fail']).optional().describe('what a shutdown does after that time (poweroff)'),
  restartTries: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe('how often it is started again on a node when it ends by itself again and again (5)'),
  onCrashes: z
    .enum(['move', 'fail', 'again'])
    .optional()
    .describe(
      'what comes after that: once to each other node, then failed; failed at once; started again without end (move)',
    ),
};
export type MetaInput = { readonly [K in keyof typeof metaShape]?: z.output<(typeof metaShape)[K]> };

/** Node names complete as such on the command line. */
export const metaOptions = { limit: { complete: 'node' }, maxDowntimeMs: { flag: 'max-downtime' } } as const;

/** The spec with what was given; what was not given stays. */
export function withMeta(spec: VmSpec, input: MetaInput): VmSpec {
  return {
    ...spec,
    autostart: input.autostart ?? spec.autostart,
    priority: input.priority ?? spec.priority,
    protected: input.protected ?? spec.protected,
    limit: input.limit ?? spec.limit,
    selector: input.selector ?? spec.selector,
    migration: {
      method: input.method ?? spec.migration.method,
      maxDowntimeMs: input.maxDowntimeMs ?? spec.migration.maxDowntimeMs,
    },
    shutdown: {
      timeoutS: input.shutdownTimeout ?? spec.shutdown.timeoutS,
      then: input.onTimeout ?? spec.shutdown.then,
    },
    restart: {
      tries: input.restartTries ?? spec.restart.tries,
      then: input.onCrashes ?? spec.restart.then,
    },
  };
}

export const metaDefaults = {
  autostart: false,
  priority: 500,
  protected: false,
  limit: [],
  selector: 'mem',
  migration: { method: 'auto', maxDowntimeMs: 300 },
  shutdown: { timeoutS: 180, then: 'poweroff' },
  restart: { tries: 5, then: 'move' },
} as const satisfies Partial<VmSpec>;
