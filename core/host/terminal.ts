/**
 * The terminal that this process was started on: standard streams, environment, signals, the editor. All
 * that the command line knows of its process comes from here; tests pass their own.
 * @module
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { defineErrors } from '../error/error.ts';

export const terminalError = defineErrors({
  EDITOR_FAILED: {
    message: 'The editor {editor} {reason}.',
    hint: 'Nothing was changed. Set $VISUAL or $EDITOR to an editor that works here.',
    http: 400,
    exit: 'failed',
  },
});

/** The outside of a command-line process. */
export interface HostTerminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadStream;
  readonly inputIsTerminal: boolean;
  readonly outputIsTerminal: boolean;
  readonly errorIsTerminal: boolean;
  /** Width of the terminal behind the output (or else behind the errors), undefined when there is none. */
  columns(): number | undefined;
  /** To standard output. */
  write(text: string): void;
  /** Bytes as they are to standard output; resolves when more may be written. */
  writeBytes(data: Uint8Array): Promise<void>;
  /** To standard error. */
  warn(text: string): void;
  /** Aborts at SIGINT, SIGTERM and SIGHUP; the reason is an Error that names the signal. A second SIGINT ends the process at once. */
  readonly signal: AbortSignal;
  /** Keys come one by one and unechoed, Ctrl-C too; off again at the latest when the process ends. */
  rawMode(on: boolean): void;
  /** All of standard input as text. */
  readAll(): Promise<string>;
  /** One line typed on the terminal, asked on standard error; undefined at end of input (Ctrl-D). */
  ask(
    question: string,
    options: { readonly hidden: boolean; readonly signal: AbortSignal },
  ): Promise<string | undefined>;
  /**
   * Lines of standard input, until it ends or the caller stops asking. On a terminal with a prompt, history and
   * completion of the first word; what is typed ahead is kept.
   */
  lines(options: {
    readonly prompt: string;
    readonly words: readonly string[];
    readonly signal: AbortSignal;
  }): AsyncIterable<string>;
  /** Runs an editor on a temporary file (mode 0600) with that text; the text afterwards. @throws PvcError EDITOR_FAILED */
  edit(text: string, suffix: string): Promise<string>;
}

/** The process's own terminal. Installs handlers for SIGINT, SIGTERM and SIGHUP. */
export function processTerminal(): HostTerminal {
  const { stdin, stdout, stderr, env } = process;
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted && name === 'SIGINT') process.exit(130);
      stop.abort(new Error(name));
    });
  }
  // `pvc vm list | head` closes the pipe early: that is no fault, and nobody is left to tell.
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
  const rawMode = (on: boolean): void => {
    if (stdin.isTTY && stdin.isRaw !== on) stdin.setRawMode(on);
  };
  process.on('exit', () => rawMode(false));
  return {
    environment: env,
    stdin,
    inputIsTerminal: isatty(stdin.fd),
    outputIsTerminal: isatty(stdout.fd),
    errorIsTerminal: isatty(stderr.fd),
    columns: () => (stdout.isTTY ? stdout.columns : stderr.isTTY ? stderr.columns : undefined),
    write: (text) => void stdout.write(text),
    writeBytes: (data) =>
      new Promise((resolve) => (stdout.write(data) ? resolve() : void stdout.once('drain', resolve))),
    warn: (text) => void stderr.write(text),
    signal: stop.signal,
    rawMode,
    readAll: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString('utf8');
    },
    ask: (question, options) => askLine(question, options),
    lines: (options) => readLines(options),
    edit: (text, suffix) => runEditor(env['VISUAL'] || env['EDITOR'] || 'vi', text, suffix, env['TMPDIR'] ?? tmpdir()),
  };
}

async function askLine(
  question: string,
  options: { readonly hidden: boolean; readonly signal: AbortSignal },
): Promise<string | undefined> {
  let muted = false;
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      if (!muted) process.stderr.write(chunk);
      done();
    },
  });
  // With a terminal of its own readline does the echo, so it can be held back for a secret.
  const reader = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  try {
    const ended = new Promise<undefined>((resolve) => reader.once('close', () => resolve(undefined)));
    const interrupt = new AbortController();
    // In raw mode Ctrl-C is a key; readline tells of it instead of the kernel.
    reader.once('SIGINT', () => interrupt.abort(new Error('SIGINT')));
    const signal = AbortSignal.any([options.signal, interrupt.signal]);
    const answer = reader.question(question, { signal });
    muted = options.hidden;
    return await Promise.race([answer, ended]).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error;
    });
  } finally {
    muted = false;
    reader.close();
    if (options.hidden) process.stderr.write('\n');
  }
}

async function* readLines({ prompt, words, signal }: Parameters<HostTerminal['lines']>[0]): AsyncGenerator<string> {
  const typed = isatty(process.stdin.fd);
  const reader = createInterface({
    input: process.stdin,
    // Standard output holds answers only.
    ...(typed ? { output: process.stderr, terminal: true, prompt } : {}),
    completer: (line: string): [string[], string] => [words.filter((word) => word.startsWith(line)), line],
    signal,
  });
  try {
    if (typed) reader.prompt();
    for await (const line of reader) {
      yield line;
      if (typed) reader.prompt();
    }
  } finally {
    reader.close();
  }
}

async function runEditor(editor: string, text: string, suffix: string, directory: string): Promise<string> {
  const folder = await mkdtemp(join(directory, 'pvc-edit-')); // mkdtemp makes it 0700
  const path = join(folder, `edit${suffix}`);
  try {
    await writeFile(path, text, { mode: 0o600 });
    // $EDITOR may carry options ("code --wait"), and by convention a shell splits it; the path is an argument of its own.
    const { spawn } = await import('node:child_process');
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, editor, path], { stdio: 'inherit' });
    const reason = await new Promise<string | undefined>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) =>
        resolve(code === 0 ? undefined : signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
      );
    });
    if (reason !== undefined) throw terminalError('EDITOR_FAILED', { editor, reason });
    return await readFile(path, 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
