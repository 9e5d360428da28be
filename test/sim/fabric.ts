/** The links between nodes: any two may be cut from each other. @module */
import type { Trace } from './trace.ts';

export class Fabric {
  readonly #trace: Trace;
  readonly #cuts = new Set<string>();
  /** Told after each change. */
  readonly listeners = new Set<() => void>();

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  reaches(a: string, b: string): boolean {
    return a === b || !this.#cuts.has(pair(a, b));
  }

  cut(a: string, b: string): void {
    if (a === b || this.#cuts.has(pair(a, b))) return;
    this.#cuts.add(pair(a, b));
    this.#trace.world('', `${a} and ${b} do not reach each other`);
    this.#tell();
  }

  heal(a: string, b: string): void {
    if (!this.#cuts.delete(pair(a, b))) return;
    this.#trace.world('', `${a} and ${b} reach each other again`);
    this.#tell();
  }

  healAll(): void {
    for (const cut of [...this.#cuts]) {
      const [a = '', b = ''] = cut.split(' ');
      this.heal(a, b);
    }
  }

  #tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

const pair = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
