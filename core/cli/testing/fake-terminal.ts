/** A terminal in memory, for tests: what is written is kept, what is typed is scripted. @module */
import { PassThrough } from 'node:stream';
import type { HostTerminal } from '../../host/terminal.ts';

export interface FakeTerminalOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Everything is a terminal of that width; undefined: pipes. */
  readonly columns?: number;
  /** Text of standard input. */
  readonly input?: string;
  /** Answers to questions, in order. */
  readonly typed?: readonly (string | undefined)[];
  readonly edit?: (text: string, suffix: string) => string;
}

export interface FakeTerminal extends HostTerminal {
  /** What went to standard output and standard error so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** The questions that were asked; hidden ones are marked. */
  readonly questions: string[];
  /** Raw mode switched on and off, in order. */
  readonly rawModes: boolean[];
  readonly keys: PassThrough;
  interrupt(signal?: string): void;
}

export function fakeTerminal(options: FakeTerminalOptions = {}): FakeTerminal {
  const isTerminal = options.columns !== undefined;
  let out = '';
  let err = '';
  const stop = new AbortController();
  const keys = new PassThrough();
  const answers = [...(options.typed ?? [])];
  const questions: string[] = [];
  const rawModes: boolean[] = [];
  return {
    environment: options.environment ?? {},
    stdin: keys as unknown as NodeJS.ReadStream,
    inputIsTerminal: isTerminal,
    outputIsTerminal: isTerminal,
    errorIsTerminal: isTerminal,
    columns: () => options.columns,
    write: (text) => {
      out += text;
    },
    writeBytes: async (data) => {
      out += Buffer.from(data).toString('latin1');
    },
    warn: (text) => {
      err += text;
    },
    signal: stop.signal,
    rawMode: (on) => void rawModes.push(on),
    readAll: async () => options.input ?? '',
    ask: async (question, { hidden }) => {
      questions.push(hidden ? `${question}(hidden)` : question);
      if (answers.length === 0) throw new Error(`nobody answers "${question}"`);
      return answers.shift();
    },
    async *lines() {
      yield* (options.input ?? '').split('\n');
    },
    edit: async (text, suffix) => {
      if (options.edit === undefined) throw new Error('no editor here');
      return options.edit(text, suffix);
    },
    out: () => out,
    err: () => err,
    questions,
    rawModes,
    keys,
    interrupt: (signal = 'SIGINT') => stop.abort(new Error(signal)),
  };
}
