/** Puts the event log of a daemon together: source, log, plugins that listen. @module */
import { errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import type { AnyKind } from '../model/kind.ts';
import type { ChangeEvent } from '../plugin/hooks.ts';
import type { Documents } from '../store/documents.ts';
import type { Dirty } from '../store/store.ts';
import type { NewEvent } from './event.ts';
import { EventLog } from './event-log.ts';
import { EventSource } from './event-source.ts';

export interface EventParts {
  readonly host: Pick<Host, 'clock' | 'files' | 'random' | 'log' | 'machine'>;
  /** Of the daemon's state. */
  readonly directory: string;
  readonly kinds: readonly AnyKind[];
  /** Tells plugins (`hooks.event.call`); they get events one after the other. */
  readonly tell: (event: ChangeEvent) => Promise<unknown>;
  readonly signal: AbortSignal;
}

export interface Events {
  readonly log: EventLog;
  /** What has changed in the store, as its watch tells. */
  observe(documents: Documents, dirty: Dirty): void;
}

/** Kinds whose changes tell nothing that another event does not. */
const silentKinds = new Set(['audit']);

/** Events that may wait for slow plugins. */
const maxUntold = 4_096;

/** Opens the log of an earlier daemon and goes on with it. */
export async function openEvents({ host, directory, kinds, tell, signal }: EventParts): Promise<Events> {
  const log = await EventLog.open({ host, directory });
  const teller = new Teller(tell, host.log.child('events'));
  const source = new EventSource({
    host,
    kinds: kinds.filter((kind) => kind.bookkeeping !== true && !silentKinds.has(kind.name)),
    signal,
    emit: (events) => {
      log.add(events);
      teller.add(events);
    },
  });
  return { log, observe: (documents, dirty) => source.observe(documents, dirty) };
}

/** Hands events to plugins without holding up anything else. */
class Teller {
  readonly #tell: EventParts['tell'];
  readonly #log: Host['log'];
  #untold: ChangeEvent[] = [];
  #busy = false;

  constructor(tell: EventParts['tell'], log: Host['log']) {
    this.#tell = tell;
    this.#log = log;
  }

  add(events: readonly NewEvent[]): void {
    for (const { kind, id, label, type } of events) if (type !== 'resync') this.#untold.push({ kind, id, label, type });
    const over = this.#untold.length - maxUntold;
    if (over > 0) {
      this.#untold.splice(0, over);
      this.#log.warn('plugins are too slow: they were not told of some events', { events: over });
    }
    if (!this.#busy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift()) {
      try {
        await this.#tell(next);
      } catch (error) {
        this.#log.warn('plugins could not be told of an event', { reason: errorText(error) });
      }
    }
    this.#busy = false;
  }
}
