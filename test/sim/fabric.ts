/** The links between nodes: any two may be cut from each other, or what one of them sends to the other may be lost. @module */
import type { Trace } from './trace.ts';

export class Fabric {
  readonly #trace: Trace;
  /** Ways that carry nothing, as `from to`. */
  readonly #cuts = new Set<string>();
  /** Told after each change. */
  readonly listeners = new Set<() => void>();

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** Whether what `from` sends arrives at `to`. */
  reaches(from: string, to: string): boolean {
    return from === to || !this.#cuts.has(way(from, to));
  }

  cut(a: string, b: string): void {
    if (a === b || (this.#cuts.has(way(a, b)) && this.#cuts.has(way(b, a)))) return;
    this.#cuts.add(way(a, b)).add(way(b, a));
    this.#trace.world('', `${a} and ${b} do not reach each other`);
    this.#tell();
  }

  /** Only what one sends to the other is lost. */
  cutOneWay(from: string, to: string): void {
    if (from === to || this.#cuts.has(way(from, to))) return;
    this.#cuts.add(way(from, to));
    this.#trace.world('', `${to} does not hear ${from}`);
    this.#tell();
  }

  heal(a: string, b: string): void {
    const [there, back] = [this.#cuts.delete(way(a, b)), this.#cuts.delete(way(b, a))];
    if (!there && !back) return;
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

const way = (from: string, to: string): string => `${from} ${to}`;
