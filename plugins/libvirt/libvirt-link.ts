/**
 * The link of this node to its libvirt: opened again whenever it is lost, and the same events for
 * those who listen, whichever connection brings them.
 * @module
 */
import { errorText, type Runtime } from '../../core/plugin/api.ts';
import type { GuestDriver, OpenDriver } from './guest-driver.ts';
import type { LibvirtConfig } from './libvirtd.ts';
import type { DomainSummary } from './rpc/driver-values.ts';
import type { DomainEvent } from './rpc/event-kinds.ts';
import { vmError } from './vm-kind.ts';

/** `all`: the link is new, anything may have happened. */
export type LinkListener = (uuid: string | 'all', event: DomainEvent | undefined) => void;

const reopenPauseMs = 500;

export class LibvirtLink {
  readonly #runtime: Runtime;
  readonly #config: LibvirtConfig;
  readonly #open: OpenDriver;
  readonly #listeners = new Set<LinkListener>();
  #driver: GuestDriver | undefined;
  #listed: readonly DomainSummary[] | undefined;
  #why = 'not connected yet';
  #awaySinceMs: number;

  constructor(runtime: Runtime, config: LibvirtConfig, open: OpenDriver) {
    this.#runtime = runtime;
    this.#config = config;
    this.#open = open;
    this.#awaySinceMs = runtime.host.clock.monotonicMs();
  }

  get connected(): boolean {
    return this.#driver !== undefined;
  }

  /** How long there has been no connection; 0 while there is one. */
  get awayMs(): number {
    return this.#driver === undefined ? this.#runtime.host.clock.monotonicMs() - this.#awaySinceMs : 0;
  }

  /** Why there is no connection, or why the last one ended. */
  get why(): string {
    return this.#why;
  }

  /** @throws PvcError LIBVIRT_AWAY */
  get driver(): GuestDriver {
    if (this.#driver === undefined) throw vmError('LIBVIRT_AWAY', { node: this.#runtime.node, reason: this.#why });
    return this.#driver;
  }

  /** The guests of this libvirtd. @throws PvcError LIBVIRT_AWAY and what it says */
  async list(options?: { readonly timeoutMs: number }): Promise<readonly DomainSummary[]> {
    const { driver } = this;
    const domains = await driver.listDomains(options);
    if (driver === this.#driver) this.#listed = domains;
    return domains;
  }

  /** As `list` had it last, at the newest by the health check a few seconds ago; undefined: not since there is this connection. */
  get listed(): readonly DomainSummary[] | undefined {
    return this.#listed;
  }

  listen(listener: LinkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Keeps the link up until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { host } = this.#runtime;
    const log = host.log.child('libvirt');
    while (!signal.aborted) {
      try {
        const driver = await this.#open(host, this.#config);
        await driver.events.subscribe(['lifecycle', 'io-error', 'device-removed', 'reboot'], (event) =>
          this.#tell(event.domain.uuid, event),
        );
        this.#driver = driver;
        this.#listed = undefined;
        log.info('connected', { uri: this.#config.uri });
        this.#tell('all', undefined);
        const stopped = new Promise<'stopped'>((resolve) =>
          signal.addEventListener('abort', () => resolve('stopped'), { once: true }),
        );
        const ended = await Promise.race([driver.closed, stopped]);
        this.#driver = undefined;
        this.#awaySinceMs = host.clock.monotonicMs();
        if (ended === 'stopped') {
          await driver.close();
          return;
        }
        this.#why = ended === undefined ? 'the connection was closed' : errorText(ended);
        log.warn(`connection lost: ${this.#why}`);
      } catch (error) {
        this.#driver = undefined;
        this.#why = errorText(error);
        log.debug(`not connected: ${this.#why}`);
      }
      await host.clock.sleep(reopenPauseMs, signal).catch(() => undefined);
    }
  }

  #tell(uuid: string | 'all', event: DomainEvent | undefined): void {
    for (const listener of this.#listeners) listener(uuid, event);
  }
}
