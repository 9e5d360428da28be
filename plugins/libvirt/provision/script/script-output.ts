/** What a build script says: progress line by line on standard output, its troubles on standard error. Pure. @module */

/** A line is no longer than this for people. */
const maxLine = 200;

/** What is heard of one line. */
export interface Heard {
  /** 0 to 1; undefined: the line does not say. */
  readonly share: number | undefined;
  readonly message: string;
}

/** Colours, cursor movements and other control characters are none of a message. */
const control = /\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u001f\u007f-\u009f]/g;

const cleaned = (line: string): string => line.replace(control, '').trim().slice(0, maxLine);

/** `40% installs packages`: how far it is, and what it does; or only what it does. Undefined: an empty line. */
export function heardIn(line: string): Heard | undefined {
  const text = cleaned(line);
  if (text === '') return undefined;
  const [, percent, rest] = /^(\d{1,3})%\s*(.*)$/.exec(text) ?? [];
  const value = Number(percent);
  return percent === undefined || value > 100
    ? { share: undefined, message: text }
    : { share: value / 100, message: rest ?? '' };
}

/** Cuts what comes in pieces into lines; one without an end is cut, so that none is kept for ever. */
export class Lines {
  readonly #decoder = new TextDecoder();
  readonly #take: (line: string) => void;
  #rest = '';

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  add(piece: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split(/[\n\r]/);
    this.#rest = (lines.pop() ?? '').slice(-maxLine);
    for (const line of lines) this.#take(line);
  }
}

const lastLines = 3;

/** The end of what it wrote on standard error; empty: it wrote nothing. */
export const lastWords = (stderr: string): string =>
  stderr
    .split(/[\n\r]/)
    .map(cleaned)
    .filter((line) => line !== '')
    .slice(-lastLines)
    .join(' / ');
