/**
 * Keeps a service running: adopts it if it runs, starts it if it does not, again whenever it is found
 * down, with growing pauses when it does not stay up.
 * @module
 */
import { errorText } from '../error/error.ts';
import type { FaultBook } from '../fault/fault-book.ts';
import { faultId } from '../fault/fault-book.ts';
import type { Host } from '../host/host.ts';
import type { ProcessControl } from './direct.ts';
import type { ServiceDefinition, ServiceStatus } from './service.ts';

const checkEveryMs = 1_000;
const longestPauseMs = 30_000;
/** An OSD writes out what it has in memory. */
const longestEndMs = 60_000;
/** Up for this long: the next failure counts as the first again. */
const steadyMs = 60_000;

export class SupervisedService {
  readonly definition: ServiceDefinition;
  readonly #host: Pick<Host, 'clock' | 'log'>;
  readonly #control: ProcessControl;
  readonly #faults: Pick<FaultBook, 'raise' | 'clear'>;
  #status: ServiceStatus;
  /** Its end was asked for: no sign that it does not stay up. */
  #restarting = false;

  constructor(
    host: Pick<Host, 'clock' | 'log'>,
    definition: ServiceDefinition,
    control: ProcessControl,
    faults: Pick<FaultBook, 'raise' | 'clear'>,
  ) {
    this.#host = host;
    this.definition = definition;
    this.#control = control;
    this.#faults = faults;
    this.#status = { name: definition.name, state: 'starting', pid: undefined, restarts: 0, message: '' };
  }

  get status(): ServiceStatus {
    return this.#status;
  }

  /** Ends the service, which is then started again: for settings that take effect at its start. */
  restart(): Promise<void> {
    this.#restarting = true;
    return this.#control.stop();
  }

  /**
   * Ends the service for good; nobody may be looking after it any more. @throws Error when it does not end in time
   */
  async end(): Promise<void> {
    const { clock } = this.#host;
    const until = clock.monotonicMs() + longestEndMs;
    await this.#control.stop();
    while ((await this.#control.running()) !== undefined) {
      if (clock.monotonicMs() > until) throw new Error(`does not end within ${longestEndMs / 1000} s`);
      await clock.sleep(100);
    }
    this.#faults.clear(faultId('service', this.definition.name));
  }

  /** Looks after the service until the signal aborts; leaves it running then. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#host;
    const fault = faultId('service', this.definition.name);
    let failures = 0;
    let upSinceMs: number | undefined;
    while (!signal.aborted) {
      try {
        let pid = await this.#control.running();
        if (pid === undefined) {
          // It may have been taken in charge only to be ended.
          if (signal.aborted) return;
          if (upSinceMs !== undefined) {
            log.warn(`service ${this.definition.name} is down, starting it again`);
            if (!this.#restarting && clock.monotonicMs() - upSinceMs < steadyMs) failures += 1;
            this.#restarting = false;
            this.#set({ state: 'down', pid: undefined, restarts: this.#status.restarts + 1 });
            upSinceMs = undefined;
          }
          if (failures > 0) await clock.sleep(Math.min(500 * 2 ** (failures - 1), longestPauseMs), signal);
          await this.definition.prepare?.();
          if (signal.aborted) return;
          await this.#control.start();
          pid = await this.#control.running();
          this.#set({ state: 'starting', pid });
        }
        if (this.#status.state !== 'running') {
          await this.#untilReady(signal);
          upSinceMs = clock.monotonicMs();
          this.#set({ state: 'running', pid, message: '' });
          log.info(`service ${this.definition.name} runs`, { pid });
        } else if (upSinceMs === undefined) upSinceMs = clock.monotonicMs();
        if (upSinceMs !== undefined && clock.monotonicMs() - upSinceMs > steadyMs) failures = 0;
        if (failures < 3) this.#faults.clear(fault);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#set({ state: 'down', message: errorText(error) });
        log.warn(`service ${this.definition.name}: ${errorText(error)}`);
      }
      if (failures >= 3) {
        this.#faults.raise(fault, {
          severity: 'critical',
          message: `The service ${this.definition.name} does not stay up: ${this.#status.message || 'it ends again and again'}`,
          hint: `See its log below the log directory, services/${this.definition.name}.log, or \`journalctl -u ${this.definition.unit}\`.`,
          object: `service ${this.definition.name}`,
        });
      }
      await clock.sleep(checkEveryMs, signal).catch(() => undefined);
    }
  }

  async #untilReady(signal: AbortSignal): Promise<void> {
    const { clock } = this.#host;
    const until = clock.monotonicMs() + this.definition.readyTimeoutMs;
    while (!(await this.definition.ready())) {
      if (clock.monotonicMs() > until)
        throw new Error(`does not answer ${this.definition.readyTimeoutMs / 1000} s after its start`);
      if ((await this.#control.running()) === undefined) throw new Error('ended while starting');
      await clock.sleep(100, signal);
    }
  }

  #set(change: Partial<ServiceStatus>): void {
    this.#status = { ...this.#status, ...change };
  }
}
