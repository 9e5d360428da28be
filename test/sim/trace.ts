/**
 * The timed log of a run. `world` lines tell what truly happens (who runs where, who holds what), `script` lines what is
 * done to the world, `daemon` lines what the daemons themselves log. Triggers of a script watch the first two.
 * @module
 */
import type { LogLevel } from '../../core/host/log.ts';

export type LineKind = 'script' | 'world' | 'daemon';

export interface TraceLine {
  readonly atMs: number;
  readonly kind: LineKind;
  /** A node, a guest, `store`, or '' for the script itself. */
  readonly who: string;
  readonly text: string;
}

export const formatMs = (ms: number): string => (ms / 1000).toFixed(3).padStart(9);

export const formatLine = ({ atMs, kind, who, text }: TraceLine): string =>
  `${formatMs(atMs)} ${kind === 'script' ? '>' : kind === 'daemon' ? '|' : ' '} ${who === '' ? '' : `${who.padEnd(6)} `}${text}`;

export class Trace {
  readonly #nowMs: () => number;
  readonly #keepDaemonLines: boolean;
  readonly #listeners = new Set<(line: TraceLine) => void>();
  readonly lines: TraceLine[] = [];

  constructor(nowMs: () => number, options: { readonly daemonLines: boolean }) {
    this.#nowMs = nowMs;
    this.#keepDaemonLines = options.daemonLines;
  }

  world(who: string, text: string): void {
    this.#add('world', who, text);
  }

  script(text: string): void {
    this.#add('script', '', text);
  }

  daemon(node: string, level: LogLevel, component: string, message: string, fields: object | undefined): void {
    if (!this.#keepDaemonLines) return;
    const told = fields === undefined ? '' : fieldsText(fields);
    this.#add(
      'daemon',
      node,
      `${level === 'info' ? '' : `${level}: `}${component === '' ? '' : `${component}: `}${message}${told}`,
    );
  }

  /** Calls `fn` for each line from now on; returns the way to stop that. */
  listen(fn: (line: TraceLine) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  #add(kind: LineKind, who: string, text: string): void {
    const line: TraceLine = { atMs: this.#nowMs(), kind, who, text };
    this.lines.push(line);
    if (kind === 'daemon') return;
    for (const listener of [...this.#listeners]) listener(line);
  }
}

const fieldsText = (fields: object): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join('');
