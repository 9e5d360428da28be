/**
 * Domain events of one connection, as callbacks or as an async iterable. Events inform: whoever needs
 * to be right reads the state as well, above all after `missed` and after a new connection.
 * @module
 */
import { errorText, type Logger, type PvcError } from '../../../core/plugin/api.ts';
import type { LibvirtConnection } from './connection.ts';
import { type DomainEvent, type DomainEventKind, eventKinds } from './event-kinds.ts';

export type DomainEventListener = (event: DomainEvent) => void;

/** Events that were not taken in time were dropped: read the state of everything anew. */
export interface MissedEvents {
  readonly kind: 'missed';
  readonly count: number;
}

/** Ends a subscription. Resolves when libvirtd has been told, or at once when the connection has ended. */
export type Unsubscribe = () => Promise<void>;

interface Registration {
  readonly callbackId: Promise<number>;
  readonly listeners: Set<DomainEventListener>;
}

/** Unread events that an iterator keeps; a node with 1,000 guests makes about five for each start. */
const maxUnread = 10_000;

export class DomainEvents {
  private readonly connection: LibvirtConnection;
  private readonly log: Logger;
  private readonly registrations = new Map<DomainEventKind, Registration>();
  private readonly byProcedure = new Map(
    Object.entries(eventKinds).map(([name, kind]) => [kind.procedure, name as DomainEventKind] as const),
  );

  constructor(connection: LibvirtConnection, log: Logger) {
    this.connection = connection;
    this.log = log;
    connection.onMessage((procedure, payload) => this.receive(procedure, payload));
  }

  /**
   * Calls `listener` for each event of the given kinds. Registered with libvirtd once for each kind, whatever the number of listeners.
   * @throws as `LibvirtConnection.call`
   */
  async subscribe(kinds: readonly DomainEventKind[], listener: DomainEventListener): Promise<Unsubscribe> {
    const chosen = [...new Set(kinds)];
    const results = await Promise.allSettled(chosen.map((kind) => this.register(kind, listener)));
    const stop: Unsubscribe = async () => {
      await Promise.all(chosen.map((kind) => this.unregister(kind, listener)));
    };
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return stop;
    await stop();
    throw failed.reason;
  }

  /**
   * The events as they come, until `signal` aborts or the connection is closed here; throws the reason when the connection is lost.
   * A consumer that falls behind by 10,000 events gets one `missed` instead of them.
   */
  async *stream(
    kinds: readonly DomainEventKind[],
    signal: AbortSignal,
  ): AsyncGenerator<DomainEvent | MissedEvents, void, undefined> {
    let unread: DomainEvent[] = [];
    let missed = 0;
    let wake = (): void => undefined;
    let ended: { reason: PvcError | undefined } | undefined;
    const end = (reason: PvcError | undefined): void => {
      ended ??= { reason };
      wake();
    };
    const onAbort = (): void => end(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) end(undefined);
    void this.connection.closed.then(end);
    let stop: Unsubscribe | undefined;
    const take = (event: DomainEvent): void => {
      if (unread.length >= maxUnread || missed > 0) {
        missed += unread.length + 1;
        unread = [];
      } else unread.push(event);
      wake();
    };
    try {
      stop = await this.subscribe(kinds, take);
      while (ended === undefined || unread.length > 0 || missed > 0) {
        if (missed > 0) {
          const count = missed;
          missed = 0;
          yield { kind: 'missed', count };
        } else if (unread.length > 0) {
          const batch = unread;
          unread = [];
          yield* batch;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      if (ended.reason !== undefined) throw ended.reason;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await stop?.();
    }
  }

  private async register(kind: DomainEventKind, listener: DomainEventListener): Promise<void> {
    let registration = this.registrations.get(kind);
    if (registration === undefined) {
      const register = this.connection.call('connectDomainEventCallbackRegisterAny', {
        eventId: eventKinds[kind].id,
        domain: undefined,
      });
      registration = { callbackId: register.then((reply) => reply.callbackId), listeners: new Set() };
      this.registrations.set(kind, registration);
    }
    // Before the reply is awaited: the first event can come in the same packet.
    registration.listeners.add(listener);
    await registration.callbackId;
  }

  private async unregister(kind: DomainEventKind, listener: DomainEventListener): Promise<void> {
    const registration = this.registrations.get(kind);
    if (registration === undefined) return;
    registration.listeners.delete(listener);
    if (registration.listeners.size > 0) return;
    this.registrations.delete(kind);
    try {
      await this.connection.call('connectDomainEventCallbackDeregisterAny', {
        callbackId: await registration.callbackId,
      });
    } catch (error) {
      // Either it was never registered or the connection has ended: nothing is left to undo. Known to the caller already.
      this.log.debug('libvirt event registration not removed', { kind, reason: errorText(error) });
    }
  }

  private receive(procedure: number, payload: Uint8Array): void {
    const kind = this.byProcedure.get(procedure);
    const listeners = kind && this.registrations.get(kind)?.listeners;
    if (kind === undefined || listeners === undefined) return;
    const event = eventKinds[kind].read(payload);
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        this.log.error('a listener for libvirt events failed', { kind, reason: errorText(error) });
      }
    }
  }
}
