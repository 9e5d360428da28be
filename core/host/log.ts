/**
 * Logging for the daemon: pino, with our clock. A line has a level, a component, a message and fields.
 * @module
 */
import { pino } from 'pino';
import type { Clock } from './clock.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  /** A logger whose lines carry `component` (and the fields) as well. */
  child(component: string, fields?: object): Logger;
}
