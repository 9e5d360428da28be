/**
 * The file of events: lines of JSON in the state directory, two files of bounded size. A line with `log`
 * opens a series of events; ids given to readers name the series, so that a reader who comes back with an
 * id of a series that was broken off is told so.
 * @module
 */
import { z } from 'zod';
import type { Host } from '../host/host.ts';
import { type EventView, eventView } from './event.ts';

const header = z.object({ log: z.string().regex(/^[0-9a-z]{1,16}$/), boot: z.string() });
type Header = z.infer<typeof header>;

export interface StoredEvents {
  /** The series that may be continued; undefined when there is none. */
  readonly series: Header | undefined;
  /** In order, without gaps. */
  readonly events: readonly EventView[];
  /** Lines that could not be understood. */
  readonly damaged: number;
}

export class EventFile {
  readonly #files: Host['files'];
  readonly #directory: string;
  readonly #linesPerFile: number;
  #lines = 0;
  /** The last append failed, perhaps in the middle of a line. */
  #torn = false;
  #header: Header | undefined;

  constructor(files: Host['files'], directory: string, linesPerFile: number) {
    this.#files = files;
    this.#directory = directory;
    this.#linesPerFile = linesPerFile;
  }

  get #current(): string {
    return `${this.#directory}/events.jsonl`;
  }

  get #older(): string {
    return `${this.#directory}/events.1.jsonl`;
  }

  /** @throws PvcError FILE_DENIED and the like */
  async read(): Promise<StoredEvents> {
    await this.#files.makeDirectory(this.#directory, 0o750);
    const older = (await this.#files.readText(this.#older)) ?? '';
    const current = (await this.#files.readText(this.#current)) ?? '';
    this.#lines = current.split('\n').length - 1;
    this.#torn = current !== '' && !current.endsWith('\n');
    let series: Header | undefined;
    let events: EventView[] = [];
    let damaged = 0;
    for (const line of `${older}\n${current}`.split('\n')) {
      if (line === '') continue;
      const value = parse(line);
      const opened = header.safeParse(value);
      if (opened.success) {
        series = opened.data;
        continue;
      }
      const event = eventView.safeParse(value);
      if (!event.success) {
        damaged += 1;
        continue;
      }
      // What is before a gap cannot be resumed from.
      if (events.length > 0 && event.data.seq !== (events.at(-1)?.seq ?? 0) + 1) events = [];
      events.push(event.data);
    }
    this.#header = series;
    return { series, events, damaged };
  }

  /** @throws PvcError DISK_FULL, FILE_DENIED; nothing or a part was written then */
  async append(series: Header, events: readonly EventView[]): Promise<void> {
    let text = this.#torn ? '\n' : '';
    if (this.#lines >= this.#linesPerFile) {
      await this.#files.rename(this.#current, this.#older);
      this.#lines = 0;
      this.#header = undefined;
      text = '';
    }
    const lines = events.map((event) => JSON.stringify(event));
    if (this.#header?.log !== series.log || this.#header.boot !== series.boot) lines.unshift(JSON.stringify(series));
    text += `${lines.join('\n')}\n`;
    this.#torn = true;
    await this.#files.append(this.#current, text, 0o640);
    this.#torn = false;
    this.#header = series;
    this.#lines += lines.length;
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // half a line of a machine that lost power; counted as damaged
  }
}
