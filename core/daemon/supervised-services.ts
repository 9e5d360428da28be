/** The services that the daemon of a node keeps running: by systemd where it is there, or by the daemon itself. @module */
import type { Config } from '../config/schema.ts';
import { errorText } from '../error/error.ts';
import type { FaultBook } from '../fault/fault-book.ts';
import type { Host } from '../host/host.ts';
import type { Runtime } from '../plugin/runtime.ts';
import { directControl, systemdControl } from '../service/direct.ts';
import { LeftRunning } from '../service/left-running.ts';
import type { ServiceDefinition, ServiceStatus } from '../service/service.ts';
import { SupervisedService } from '../service/supervise.ts';

export interface SupervisedServicesParts {
  readonly host: Host;
  readonly faults: Pick<FaultBook, 'raise' | 'clear'>;
  readonly directories: Config['directories'];
  readonly supervisor: Config['services']['supervisor'];
  /** True where systemd is PID 1. */
  readonly systemd: boolean;
}

export class SupervisedServices {
  readonly #parts: SupervisedServicesParts;
  readonly #left: LeftRunning;
  readonly #services: Set<SupervisedService>;
  readonly #signal: AbortSignal;

  /** @param early those that run already @param signal aborts when the daemon stops; the services run on */
  constructor(parts: SupervisedServicesParts, early: readonly SupervisedService[], signal: AbortSignal) {
    this.#parts = parts;
    this.#left = new LeftRunning(parts.host);
    this.#services = new Set(early);
    this.#signal = signal;
  }

  statuses(): ServiceStatus[] {
    return [...this.#services].map((service) => service.status);
  }

  /** As `supervise` of a plugin's runtime. */
  supervise(definition: ServiceDefinition): ReturnType<Runtime['supervise']> {
    const { host, faults, directories, supervisor, systemd } = this.#parts;
    const bySystemd = supervisor === 'systemd' || (supervisor === 'auto' && systemd);
    const control = bySystemd
      ? systemdControl(host, definition)
      : directControl(host, definition, directories, this.#left);
    const service = new SupervisedService(host, definition, control, faults);
    this.#services.add(service);
    const ending = new AbortController();
    const looking = service
      .run(AbortSignal.any([this.#signal, ending.signal]))
      .catch((error: unknown) =>
        host.log.child('daemon').error(`looking after ${definition.name} ended`, { reason: errorText(error) }),
      );
    return {
      status: () => service.status,
      restart: () => service.restart(),
      end: async () => {
        ending.abort();
        await looking;
        await service.end();
        this.#services.delete(service);
      },
    };
  }
}
