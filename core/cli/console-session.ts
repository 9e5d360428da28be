/**
 * The terminal attached to a byte stream, as a guest's serial console: keys go in as they are, bytes come
 * out as they are, one key leaves. The terminal is as it was before, however the session ends.
 * @module
 */
import type { Duplex } from 'node:stream';
import { errorText } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import { usageError } from './cli-errors.ts';
import type { SessionTerminal } from './session-terminal.ts';

export interface ConsoleParts {
  readonly channel: Duplex;
  readonly terminal: SessionTerminal;
  readonly clock: Clock;
  /** `^]`, `ctrl-a`, or `none`. */
  readonly escape: string;
  /** What it is attached to, for the greeting. */
  readonly label: string;
  /** After the end of a piped input, how long to go on printing what comes. */
  readonly graceMs?: number;
}

/** The byte that a key with Ctrl sends: the letter's code without its two upper bits (ASCII). Undefined for `none`. */
export function escapeByte(escape: string): number | undefined {
  if (escape.toLowerCase() === 'none') return undefined;
  const key = /^(?:\^|ctrl-)([a-z@[\]\\^_])$/i.exec(escape)?.[1];
  if (key === undefined) throw usageError(`"${escape}" is no escape key.`, 'Write it as ^] or ctrl-a, or "none".');
  return key.toUpperCase().charCodeAt(0) & 0x1f;
}

type Ending = { readonly why: string; readonly exit: number };

/** How many bytes may wait for a slow stream before the reading side pauses is the stream's own matter: see `pump`. */
const defaultGraceMs = 1500;

/** Runs the session to its end. @returns 0, or 1 when it broke */
export async function consoleSession(parts: ConsoleParts): Promise<number> {
  const { channel, terminal, clock, escape, label } = parts;
  const { host } = terminal;
  const { stdin } = host;
  const raw = host.inputIsTerminal;
  const escapeCode = raw ? escapeByte(escape) : undefined;
  const cleanUp: (() => void)[] = [];
  if (raw) {
    const leave =
      escapeCode === undefined
        ? 'The escape key is off; the session ends when the other side closes.'
        : `Leave with ${escapeName(escape)}.`;
    terminal.note(`Connected to ${label}. ${leave}\n`);
  }
  let ending: Ending;
  try {
    ending = await new Promise<Ending>((resolve) => {
      const end = (why: string, exit = 0): void => resolve({ why, exit });
      const on = (emitter: NodeJS.EventEmitter, event: string, fn: (value: never) => void): void => {
        emitter.on(event, fn as (value: unknown) => void);
        cleanUp.push(() => emitter.off(event, fn as (value: unknown) => void));
      };
      const stopped = (): void => end(`stopped by ${errorText(terminal.signal.reason)}`, 1);
      if (terminal.signal.aborted) stopped();
      terminal.signal.addEventListener('abort', stopped);
      cleanUp.push(() => terminal.signal.removeEventListener('abort', stopped));

      on(channel, 'data', (data: Uint8Array) => {
        channel.pause();
        host.writeBytes(data).then(
          () => channel.resume(),
          (error: unknown) => end(errorText(error), 1),
        );
      });
      on(channel, 'end', () => end('closed by the other side'));
      on(channel, 'close', () => end('closed by the other side'));
      on(channel, 'error', (error: Error) => end(`broken: ${errorText(error)}`, 1));

      let graceOver = (): void => {};
      on(stdin, 'data', (chunk: Uint8Array | string) => {
        const data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        const at = escapeCode === undefined ? -1 : data.indexOf(escapeCode);
        const sent = at === -1 ? data : data.subarray(0, at);
        if (sent.length > 0 && !channel.write(sent)) {
          stdin.pause();
          channel.once('drain', () => stdin.resume());
        }
        if (at !== -1) end('left');
      });
      on(stdin, 'end', () => {
        graceOver = clock.after(parts.graceMs ?? defaultGraceMs, () => end('end of input'));
      });
      on(stdin, 'error', (error: Error) => end(`the input broke: ${errorText(error)}`, 1));
      cleanUp.push(() => graceOver());
      host.rawMode(true);
      stdin.resume();
    });
  } finally {
    host.rawMode(false);
    for (const undo of cleanUp) undo();
    stdin.pause();
    // Nobody listens any more; a late error of a stream that is thrown away says nothing.
    channel.on('error', () => {});
    channel.destroy();
  }
  if (raw || ending.exit !== 0) terminal.note(`\nConnection to ${label}: ${ending.why}.\n`);
  return ending.exit;
}

const escapeName = (escape: string): string => `Ctrl-${escape.replace(/^(?:\^|ctrl-)/i, '').toUpperCase()}`;
