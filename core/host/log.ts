/**
 * Logging for the daemon: pino, with our clock. A line has a level, a component, a message and fields.
 * @module
 */
import { type Logger as PinoLogger, pino } from 'pino';
import type { Clock } from './clock.ts';
import { journalLine, parseLogLine, prettyLine } from './log-format.ts';
import { loggable } from './log-redact.ts';
import { openLogSink } from './log-sink.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  /** A logger whose lines carry `component` (and the fields) as well. */
  child(component: string, fields?: object): Logger;
}

export interface LoggerOptions {
  /** Lines below it are not written. Default `info`. */
  readonly level?: LogLevel;
  /**
   * `stderr`: JSON, or text when `pretty`. `journal`: text on standard error with the priority prefix of
   * sd-daemon(3). `{ file }`: appended to that file (mode 0600). A function gets each line without its end.
   */
  readonly destination: 'stderr' | 'journal' | { readonly file: string } | ((line: string) => void);
  /** One readable line instead of JSON; for terminals. */
  readonly pretty?: boolean;
}

function sinkOf(destination: LoggerOptions['destination'], onLost: (lines: number) => void): (line: string) => void {
  if (typeof destination === 'function') return destination;
  return openLogSink(typeof destination === 'object' ? destination.file : undefined, onLost);
}

function shape(options: LoggerOptions): (json: string) => string {
  if (options.destination === 'journal') return (json) => journalLine(parseLogLine(json));
  return options.pretty ? (json) => prettyLine(parseLogLine(json)) : (json) => json;
}

function wrap(inner: PinoLogger): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: object): void => {
      if (!inner.isLevelEnabled(level)) return;
      inner[level](fields === undefined ? {} : loggable(fields), message);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (component, fields = {}) => wrap(inner.child({ component, ...loggable(fields) })),
  };
}

/**
 * A logger on the given clock. Fields named like secrets (password, token, secret, key) are written as
 * `[redacted]`, at any depth. No worker threads: it works inside a single executable.
 */
export function createLogger(clock: Clock, options: LoggerOptions): Logger {
  const sink = sinkOf(options.destination, (lines) => logger.warn('log lines were lost', { lines }));
  const format = shape(options);
  const inner = pino(
    {
      level: options.level ?? 'info',
      base: null,
      timestamp: () => `,"time":"${new Date(Math.round(clock.wallMs())).toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    { write: (json: string) => sink(format(json.trimEnd())) },
  );
  const logger = wrap(inner);
  return logger;
}
