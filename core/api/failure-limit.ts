/** Counts failed log-ins by source address, so that nobody can try secrets without end. @module */
import type { Clock } from '../host/clock.ts';

export interface FailureLimitOptions {
  /** So many failures within the window are let through. */
  readonly failures: number;
  readonly windowMs: number;
  /** Addresses that are remembered; the one that was added first is forgotten. */
  readonly addresses: number;
}

export const defaultFailureLimit: FailureLimitOptions = { failures: 20, windowMs: 60_000, addresses: 4_096 };

export class FailureLimit {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #options: FailureLimitOptions;
  readonly #windows = new Map<string, { count: number; readonly endsMs: number }>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, options: FailureLimitOptions = defaultFailureLimit) {
    this.#clock = clock;
    this.#options = options;
  }

  /** For how long the address may not try any more, in milliseconds; 0 when it may. */
  blockedMs(address: string): number {
    const window = this.#window(sourceOf(address));
    return window === undefined || window.count < this.#options.failures
      ? 0
      : window.endsMs - this.#clock.monotonicMs();
  }

  failed(address: string): void {
    const source = sourceOf(address);
    const window = this.#window(source);
    if (window !== undefined) {
      window.count += 1;
      return;
    }
    if (this.#windows.size >= this.#options.addresses) {
      const [oldest] = this.#windows.keys();
      if (oldest !== undefined) this.#windows.delete(oldest);
    }
    this.#windows.set(source, { count: 1, endsMs: this.#clock.monotonicMs() + this.#options.windowMs });
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#windows.size;
  }

  #window(source: string) {
    const window = this.#windows.get(source);
    if (window === undefined || window.endsMs > this.#clock.monotonicMs()) return window;
    this.#windows.delete(source);
    return undefined;
  }
}

/** One caller has a whole /64 of IPv6 (RFC 6177), so it counts as one; IPv4 in IPv6 clothes is IPv4. */
function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const before = head.split(':').filter((group) => group !== '');
  const after = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...after].slice(0, 4).join(':');
}
