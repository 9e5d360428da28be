/**
 * Turns the store's wake-ups into events: reads what may have changed and compares it with what was seen
 * last. Remembers a few dozen bytes for each field of each object, no documents.
 * @module
 */
import { errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import type { AnyKind } from '../model/kind.ts';
import type { AnyDoc, Documents } from '../store/documents.ts';
import type { Dirty } from '../store/store.ts';
import type { NewEvent } from './event.ts';
import { describeChange, type Outline, outlineOf } from './outline.ts';

export interface EventSourceParts {
  readonly host: Pick<Host, 'clock' | 'log'>;
  readonly kinds: readonly AnyKind[];
  readonly emit: (events: readonly NewEvent[]) => void;
  readonly signal: AbortSignal;
}

interface Seen {
  readonly label: string;
  readonly birth: string;
  readonly specVersion: number;
  readonly statusVersion: number | undefined;
  readonly spec: Outline;
  readonly status: Outline;
}

const retryMs = 1_000;

export class EventSource {
  readonly #parts: EventSourceParts;
  readonly #kinds: ReadonlyMap<string, AnyKind>;
  /** By `kind/id`. */
  readonly #seen = new Map<string, Seen>();
  #learned = false;
  #resync = false;
  #dirty = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(parts: EventSourceParts) {
    this.#parts = parts;
    this.#kinds = new Map(parts.kinds.map((kind) => [kind.name, kind]));
  }

  /** Takes a wake-up of the store; what follows from it comes by and by. */
  observe(documents: Documents, dirty: Dirty): void {
    if (dirty.resync) this.#resync = true;
    for (const key of dirty.keys) {
      const [, kind = '', id = '', half] = key.split('/');
      if (this.#kinds.has(kind) && (half === 'spec' || half === 'status')) this.#dirty.add(`${kind}/${id}`);
    }
    this.#running ??= this.#run(documents).finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when everything observed so far was looked at. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(documents: Documents): Promise<void> {
    const { host, signal, emit } = this.#parts;
    while ((this.#resync || this.#dirty.size > 0) && !signal.aborted) {
      const everything = this.#resync;
      const names = this.#dirty;
      this.#resync = false;
      this.#dirty = new Set();
      try {
        const events = everything ? await this.#compareAll(documents) : await this.#compareSome(documents, names);
        if (events.length > 0) emit(events);
      } catch (error) {
        host.log.child('events').warn('changes could not be looked at; trying again', { reason: errorText(error) });
        this.#resync ||= everything;
        for (const name of names) this.#dirty.add(name);
        await host.clock.sleep(retryMs, signal).catch(() => undefined); // the signal ends the loop
      }
    }
  }

  /** @returns nothing at the first time: what is there was there before */
  async #compareAll(documents: Documents): Promise<NewEvent[]> {
    const events: NewEvent[] = [];
    const there = new Set<string>();
    // All is read before anything is compared, so that a store that fails half-way has told nothing.
    const lists = [];
    for (const kind of this.#kinds.values()) lists.push({ kind, docs: await documents.list(kind) });
    for (const { kind, docs } of lists) {
      for (const doc of docs) {
        there.add(`${kind.name}/${doc.id}`);
        events.push(...this.#compare(kind, doc.id, doc));
      }
    }
    for (const name of [...this.#seen.keys()]) {
      // What cannot be understood at the moment still exists.
      if (there.has(name) || documents.unreadable.has(name)) continue;
      const [kindName = '', id = ''] = name.split('/');
      const kind = this.#kinds.get(kindName);
      if (kind !== undefined) events.push(...this.#compare(kind, id, undefined));
    }
    const first = !this.#learned;
    this.#learned = true;
    return first ? [] : events;
  }

  async #compareSome(documents: Documents, names: ReadonlySet<string>): Promise<NewEvent[]> {
    const read: { kind: AnyKind; id: string; doc: AnyDoc | undefined }[] = [];
    for (const name of names) {
      const [kindName = '', id = ''] = name.split('/');
      const kind = this.#kinds.get(kindName);
      if (kind === undefined) continue;
      try {
        read.push({ kind, id, doc: await documents.get(kind, id) });
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'DOCUMENT_UNREADABLE') throw error;
        this.#parts.host.log
          .child('events')
          .warn(`${name} has changed and cannot be understood`, { reason: errorText(error) });
      }
    }
    return read.flatMap(({ kind, id, doc }) => this.#compare(kind, id, doc));
  }

  #compare(kind: AnyKind, id: string, doc: AnyDoc | undefined): NewEvent[] {
    const name = `${kind.name}/${id}`;
    const before = this.#seen.get(name);
    const about = (label: string) => ({ kind: kind.name, id, label });
    if (doc === undefined) {
      this.#seen.delete(name);
      return before === undefined ? [] : [{ ...about(before.label), type: 'removed', summary: '' }];
    }
    const specChanged = before?.birth !== doc.birth || before.specVersion !== doc.specVersion;
    const now: Seen = {
      label: kind.label?.(doc.spec) ?? id,
      birth: doc.birth,
      specVersion: doc.specVersion,
      statusVersion: doc.statusVersion,
      spec: before !== undefined && !specChanged ? before.spec : outlineOf(doc.spec, 'spec'),
      status:
        before !== undefined && before.birth === doc.birth && before.statusVersion === doc.statusVersion
          ? before.status
          : outlineOf(doc.status, 'status'),
    };
    this.#seen.set(name, now);
    if (before === undefined) return [{ ...about(now.label), type: 'created', summary: firstWords(doc) }];
    if (before.birth !== doc.birth) {
      return [
        { ...about(before.label), type: 'removed', summary: '' },
        { ...about(now.label), type: 'created', summary: firstWords(doc) },
      ];
    }
    const events: NewEvent[] = [];
    if (specChanged)
      events.push({ ...about(now.label), type: 'changed', summary: describeChange(before.spec, now.spec) });
    const statusWords = describeChange(before.status, now.status);
    // A status is written again for a new time or a measurement, too: that is no news.
    if (statusWords !== '') events.push({ ...about(now.label), type: 'status', summary: statusWords + whyOf(doc) });
    return events;
  }
}

/** The reason beside a state, where the status gives one: `state running → stopped (crashed)`. */
function whyOf(doc: AnyDoc): string {
  const reason: unknown = doc.status?.reason;
  return typeof reason === 'string' && reason !== '' ? ` (${reason})` : '';
}

/** What to say of a new object: what its status says, or what it is about. */
function firstWords(doc: AnyDoc): string {
  const { message, state } = (doc.status ?? {}) as { message?: unknown; state?: unknown };
  const target: unknown = doc.spec?.target?.label;
  const words = [
    typeof target === 'string' ? `for ${target}` : '',
    typeof state === 'string' ? `state ${state}` : '',
    typeof message === 'string' ? message : '',
  ];
  return words.filter((word) => word !== '').join(', ');
}
