/** Presses the power button of a guest until it is off. @module */
import { errorText, type Host, type TaskRun } from '../../core/plugin/api.ts';
import type { GuestControl } from './guest-control.ts';

/** Where a shutdown or restart is: which running guest it is about, and until when it may take its time. */
export interface ShutdownData {
  /** libvirt's number of its present run. */
  readonly domainId: number;
  /** Wall clock: it must mean the same to the next life of the daemon. */
  readonly patienceUntilMs: number;
}

/** The ACPI button is pressed again after this time: guests miss it while they boot. */
const pressAgainMs = 10_000;

export const runs = (state: string | undefined): boolean =>
  state === 'running' || state === 'paused' || state === 'stopping';

/** @returns false: it still runs at the end of the patience */
export async function pressUntilOff(
  { control, host }: { readonly control: GuestControl; readonly host: Pick<Host, 'clock'> },
  { signal, log }: Pick<TaskRun, 'signal' | 'log'>,
  { uuid, name, domainId, patienceUntilMs }: ShutdownData & { readonly uuid: string; readonly name: string },
): Promise<boolean> {
  // A paused guest does not hear the button.
  if ((await control.look(uuid))?.state === 'paused') await control.link.driver.resume(uuid);
  for (;;) {
    const leftMs = patienceUntilMs - host.clock.wallMs();
    if (leftMs <= 0) return (await control.look(uuid))?.id !== domainId;
    try {
      await control.link.driver.shutdown(uuid, 'acpi');
    } catch (error) {
      // It may have ended this moment, or libvirt is away: the look that follows tells.
      log.debug('the power button could not be pressed', { guest: name, reason: errorText(error) });
    }
    const pause = new AbortController();
    const cancel = host.clock.after(Math.min(pressAgainMs, leftMs), () => pause.abort());
    try {
      await control.waitFor(
        uuid,
        (guest) => guest === undefined || guest.id !== domainId || !runs(guest.state),
        AbortSignal.any([signal, pause.signal]),
      );
      return true;
    } catch (error) {
      if (signal.aborted || !pause.signal.aborted) throw error;
    } finally {
      cancel();
    }
  }
}
