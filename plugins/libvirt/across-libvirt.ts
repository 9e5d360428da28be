/**
 * A libvirt that dies or hangs is to a task what a crash of the daemon is: it is begun again at the phase
 * that it wrote last, once libvirt is back. Every act of a task can be repeated, so nothing is done twice.
 * @module
 */
import { type AnyTaskDefinition, errorText, type Host, PvcError } from '../../core/plugin/api.ts';

/** The connection went away before, during or after a call; libvirt did not refuse anything. */
const awayCodes: ReadonlySet<string> = new Set([
  'LIBVIRT_AWAY',
  'LIBVIRT_LOST',
  'LIBVIRT_HUNG',
  'LIBVIRT_CLOSED',
  'LIBVIRT_OUTCOME_UNKNOWN',
  'CONNECT_FAILED',
]);

const pauseMs = 500;

/** Whether an error says that libvirt was not there, so that the same may be tried again. */
export const isAway = (error: unknown): boolean => error instanceof PvcError && awayCodes.has(error.code);

/** The task, going on when libvirt is back; its deadline and its cancellation hold all the time. */
export function acrossLibvirt(definition: AnyTaskDefinition, host: Pick<Host, 'clock'>): AnyTaskDefinition {
  return {
    ...definition,
    async run(run) {
      for (;;) {
        try {
          const result: unknown = await definition.run(run);
          return result;
        } catch (error) {
          if (!isAway(error) || run.signal.aborted) throw error;
          run.log.info(`waits for libvirt at "${run.phase}"`, { reason: errorText(error) });
          await host.clock.sleep(pauseMs, run.signal);
        }
      }
    },
  };
}
