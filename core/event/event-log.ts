/**
 * The events of this node: the newest in memory, kept across restarts of the daemon, followed by any
 * number of readers at their own pace. An event is told to readers only once it is in the file, so that an
 * id that was given out means the same after a restart.
 * @module
 */
import { errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import type { FeedItem } from '../operation/operation.ts';
import { type EventView, type NewEvent, resyncEvent } from './event.ts';
import { EventFile } from './event-file.ts';

/** Events in memory, and in each of the two files. */
const defaultCapacity = 4_096;
const maxSummary = 500;

export interface EventLogParts {
  readonly host: Pick<Host, 'clock' | 'files' | 'random' | 'log' | 'machine'>;
  /** Of the daemon's state; the files are put there. */
  readonly directory: string;
  /** Default 4,096. */
  readonly capacity?: number;
}

export class EventLog {
  readonly #host: EventLogParts['host'];
  readonly #file: EventFile;
  readonly #capacity: number;
  readonly #boot: string;
  #series: string;
  #nextSeq: number;
  /** In order of `seq`, without gaps. */
  #events: EventView[];
  #pending: EventView[] = [];
  #writing: Promise<void> | undefined;
  #failing = false;
  readonly #waiting = new Set<() => void>();

  private constructor(
    parts: EventLogParts,
    capacity: number,
    file: EventFile,
    boot: string,
    series: string,
    events: readonly EventView[],
  ) {
    this.#host = parts.host;
    this.#capacity = capacity;
    this.#file = file;
    this.#boot = boot;
    this.#series = series;
    this.#events = events.slice(-capacity);
    this.#nextSeq = (events.at(-1)?.seq ?? 0) + 1;
  }

  /** Reads what an earlier daemon left. A file that cannot be read is left aside with a warning. */
  static async open(parts: EventLogParts): Promise<EventLog> {
    const { host, directory } = parts;
    const log = host.log.child('events');
    const capacity = parts.capacity ?? defaultCapacity;
    const file = new EventFile(host.files, directory, capacity);
    const { bootId } = await host.machine.facts();
    const stored = await file.read().catch((error: unknown) => {
      log.warn('earlier events cannot be read', { reason: errorText(error) });
      return undefined;
    });
    if (stored !== undefined && stored.damaged > 0)
      log.warn('some earlier events are damaged', { lines: stored.damaged });
    // What the last boot wrote last may have been lost with the power: its ids mean nothing any more.
    const series = stored?.series !== undefined && stored.series.boot === bootId ? stored.series.log : newSeries(host);
    const events = new EventLog(parts, capacity, file, bootId, series, stored?.events ?? []);
    if (events.#events.length > 0)
      events.add([resyncEvent('The daemon of this node has started; what changed while it was down is not listed.')]);
    return events;
  }

  /** Id of an event for readers who want to go on after it. */
  idOf(seq: number): string {
    return `${this.#series}-${seq}`;
  }

  /** The newest events that fit, in order. */
  list(fits: (event: EventView) => boolean, limit: number): EventView[] {
    return this.#events.filter(fits).slice(-limit);
  }

  /** Numbers the events, writes them and tells the readers. */
  add(events: readonly NewEvent[]): void {
    const atMs = this.#host.clock.wallMs();
    for (const event of events) {
      const summary = event.summary.length > maxSummary ? `${event.summary.slice(0, maxSummary - 1)}…` : event.summary;
      this.#pending.push({ seq: this.#nextSeq, atMs, ...event, summary });
      this.#nextSeq += 1;
    }
    // A file system that hangs must not take the memory: the oldest are lost, and readers are told by a gap.
    if (this.#pending.length > this.#capacity) this.#pending.splice(0, this.#pending.length - this.#capacity);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when everything added so far is written and told. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /**
   * Events from now on; with `resumeAfter`, those after that one first. Where that is not known any more,
   * or the reader is too slow, one event `resync` says that events are missing.
   */
  async *follow(
    resumeAfter: string | undefined,
    fits: (event: EventView) => boolean,
    signal: AbortSignal,
    last = 0,
  ): AsyncIterable<FeedItem<EventView>> {
    const startSeq = this.#resumeFrom(resumeAfter);
    let next = startSeq ?? this.#publishedEnd();
    if (startSeq === undefined && resumeAfter !== undefined)
      yield this.#resync(
        'Events are missing here: this node does not know where you stopped. Look at the objects again.',
        next - 1,
      );
    else if (startSeq === undefined && last > 0)
      for (const event of this.list(fits, last)) if (event.seq < next) yield this.#item(event);
    while (!signal.aborted) {
      const oldest = this.#events[0]?.seq ?? next;
      if (next < oldest) {
        yield this.#resync('Events are missing here: too many came at once. Look at the objects again.', oldest - 1);
        next = oldest;
        continue;
      }
      const batch = this.#events.slice(next - oldest);
      for (const event of batch) {
        next = event.seq + 1;
        if (signal.aborted) return;
        if (fits(event) || event.type === 'resync') yield this.#item(event);
      }
      if (batch.length === 0) await this.#more(next, signal);
    }
  }

  /** Undefined: from now on. */
  #resumeFrom(resumeAfter: string | undefined): number | undefined {
    const [, series, digits = ''] = /^([0-9a-z]{1,16})-(\d{1,15})$/.exec(resumeAfter ?? '') ?? [];
    if (series !== this.#series) return undefined;
    const next = Number(digits) + 1;
    const oldest = this.#events[0]?.seq ?? this.#publishedEnd();
    return next >= oldest && next <= this.#publishedEnd() ? next : undefined;
  }

  /** Number of the event that is told next. */
  #publishedEnd(): number {
    const last = this.#events.at(-1);
    return last === undefined ? this.#nextSeq - this.#pending.length : last.seq + 1;
  }

  #item(event: EventView): FeedItem<EventView> {
    return { id: this.idOf(event.seq), event: event.type, data: event };
  }

  #resync(summary: string, seq: number): FeedItem<EventView> {
    return this.#item({ seq: Math.max(0, seq), atMs: this.#host.clock.wallMs(), ...resyncEvent(summary) });
  }

  /** Resolves when there is an event from `next` on, or the signal aborts. */
  #more(next: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      if (signal.aborted || this.#publishedEnd() > next) return resolve();
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async #write(): Promise<void> {
    const log = this.#host.log.child('events');
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      try {
        await this.#file.append({ log: this.#series, boot: this.#boot }, batch);
        if (this.#failing) log.info('events are kept again');
        this.#failing = false;
      } catch (error) {
        if (!this.#failing) log.warn('events cannot be kept; they are only in memory', { reason: errorText(error) });
        this.#failing = true;
        // After a restart these numbers would be given to other events.
        this.#series = newSeries(this.#host);
      }
      this.#publish(batch);
    }
  }

  #publish(batch: readonly EventView[]): void {
    const last = this.#events.at(-1);
    if (last !== undefined && batch[0] !== undefined && batch[0].seq !== last.seq + 1) this.#events = [];
    this.#events.push(...batch);
    if (this.#events.length > this.#capacity) this.#events.splice(0, this.#events.length - this.#capacity);
    for (const wake of [...this.#waiting]) wake();
  }
}

const newSeries = (host: Pick<Host, 'random'>): string =>
  [...host.random.bytes(8)].map((byte) => (byte % 36).toString(36)).join('');
