/**
 * Reads a stream of server-sent events (WHATWG HTML, "9.2.6 Interpreting an event stream"), however its
 * bytes are cut into pieces. What is after the last empty line is no event and is dropped.
 * @module
 */

export interface RawEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
}

/** An event larger than this is no event of ours. */
const maxEventLength = 16 * 1024 * 1024;

export class EventTextReader {
  readonly #decoder = new TextDecoder('utf-8'); // drops a byte order mark, as it must
  #rest = '';
  #afterCarriageReturn = false;
  #id: string | undefined;
  #event: string | undefined;
  #data: string[] = [];
  #size = 0;

  /** The events that these bytes complete. @throws RangeError for an event without end */
  push(bytes: Uint8Array): RawEvent[] {
    let text = this.#decoder.decode(bytes, { stream: true });
    // A line end of two characters may come in two pieces: its second half ends no further line.
    if (this.#afterCarriageReturn && text !== '') {
      if (text.startsWith('\n')) text = text.slice(1);
      this.#afterCarriageReturn = false;
    }
    this.#afterCarriageReturn ||= text.endsWith('\r');
    const lines = text.split(/\r\n|\n|\r/);
    const last = lines.pop() ?? '';
    if (lines.length === 0) this.#rest += last;
    else {
      lines[0] = this.#rest + (lines[0] ?? '');
      this.#rest = last;
    }
    if (this.#rest.length + this.#size > maxEventLength) throw new RangeError('an event of it does not end');
    return lines.flatMap((line) => this.#line(line));
  }

  #line(line: string): RawEvent[] {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return []; // a comment: the server's sign of life
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length + 1;
      if (this.#size > maxEventLength) throw new RangeError('an event of it does not end');
    } else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return [];
  }

  #dispatch(): RawEvent[] {
    const event: RawEvent = {
      ...(this.#id === undefined ? {} : { id: this.#id }),
      ...(this.#event === undefined || this.#event === '' ? {} : { event: this.#event }),
      data: this.#data.join('\n'),
    };
    const empty = this.#data.length === 0;
    this.#id = undefined;
    this.#event = undefined;
    this.#data = [];
    this.#size = 0;
    return empty ? [] : [event];
  }
}
